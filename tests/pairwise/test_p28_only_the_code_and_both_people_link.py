"""P28: the code has the full public key and a 32-byte secret; only who saw it can answer, only the new device can read; both confirm."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import X25519Secret, sha256
from connexa.errors import IntegrityError, UsageError
from connexa.pairwise import (
    check_reveal,
    format_pairing_code,
    open_pairing_answer,
    open_pairing_grant,
    open_pairing_request,
    pairing_done,
    parse_pairing_code,
    seal_pairing_answer,
    seal_pairing_grant,
    slot_id,
)
from tests.pairwise.linking import NewDevice, approve, with_secret
from tests.pairwise.world import Device, seeded

RNG = seeded(28)
PRIMARY, OTHER = Device.make("a", 1), Device.make("a", 3)
NEW = NewDevice.make(Device.make("a", 2), RNG)
CODE = NEW.code
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def test_the_code_is_129_bytes_of_the_layout_and_a_check() -> None:
    text = format_pairing_code(CODE)
    raw = base64.b32decode(text.removeprefix("CXPAIR") + "===")
    keys = hashlib.sha256(NEW.device.dsk.public.raw + NEW.device.dik.public.raw).digest()
    body = b"\x02" + NEW.key.public.raw + CODE.secret + keys + hashlib.sha256(NEW.reveal).digest()
    assert (len(body), len(text)) == (129, 219)
    assert raw == body + hashlib.sha256(b"connexa/pair-code/v2\0" + body).digest()[:4]
    assert slot_id(CODE.secret) == hashlib.sha256(b"connexa/pair/v1\0" + CODE.secret).digest()[:16]


def test_a_code_survives_being_pasted_and_is_not_shown_by_accident() -> None:
    text = format_pairing_code(CODE)
    for typed in (text, text.lower(), f"{text[:3]}-{text[3:]}", f"  {text[:80]}\n  {text[80:]}\n"):
        assert parse_pairing_code(typed) == CODE
    for secret in (CODE.secret.hex(), repr(CODE.secret), text):
        assert secret not in repr(CODE)


@given(position=st.integers(0, 218), letter=st.sampled_from(LETTERS + "018!é"))
def test_a_mistyped_code_is_refused(position: int, letter: str) -> None:
    text = format_pairing_code(CODE)
    if text[position] == letter:
        return
    with pytest.raises(UsageError):
        parse_pairing_code(text[:position] + letter + text[position + 1 :])


def test_a_code_has_one_spelling() -> None:
    text = format_pairing_code(CODE)
    last = LETTERS.index(text[-1])
    for unused_bits in (1, 2, 3):
        with pytest.raises(UsageError):
            parse_pairing_code(text[:-1] + LETTERS[last ^ unused_bits])


@pytest.mark.parametrize("typed", ["", "connexa", "CXPAIR", "CXPAIR" + "A" * 213, "A" * 219, "é" * 219])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        parse_pairing_code(typed)


def test_an_older_code_is_refused_and_not_read_as_if_it_were_whole() -> None:
    body = b"\x01" + CODE.raw[1:97]
    check = hashlib.sha256(b"connexa/pair-code/v2\0" + body).digest()[:4]
    with pytest.raises(UsageError) as refused:
        parse_pairing_code("CXPAIR" + base64.b32encode(body + check).decode().rstrip("="))
    assert refused.value.code == "pairing.version"


def test_the_keys_that_come_over_the_slot_are_held_to_the_code() -> None:
    assert CODE.matches(NEW.device.dsk.public, NEW.device.dik.public)
    assert not CODE.matches(OTHER.dsk.public, NEW.device.dik.public)
    assert not CODE.matches(NEW.device.dsk.public, OTHER.dik.public)


def test_the_homeserver_reads_no_payload_and_makes_none() -> None:
    foreign = with_secret(CODE, RNG(32))
    with pytest.raises(IntegrityError):
        open_pairing_request(foreign, NEW.request)
    with pytest.raises(IntegrityError):
        open_pairing_request(CODE, NEW.request[:-1] + bytes([NEW.request[-1] ^ 1]))
    forged = seal_pairing_answer(foreign, b"forged", PRIMARY.id, NEW.device.id)
    with pytest.raises(IntegrityError):
        open_pairing_answer(NEW.key, CODE, forged, NEW.device.id)
    talk = approve(PRIMARY, NEW, NEW.request)
    for part in (NEW.request, talk.answer, seal_pairing_grant(talk, b"the profile key")):
        assert b"device, keys and name" not in part
        assert b"who takes it in" not in part
        assert b"the profile key" not in part


def test_an_answer_opens_for_this_key_secret_and_pair_of_devices_alone() -> None:
    answer = seal_pairing_answer(CODE, b"answer", PRIMARY.id, NEW.device.id)
    assert open_pairing_answer(NEW.key, CODE, answer, NEW.device.id) == (PRIMARY.id, b"answer")
    for key, code, payload, device in (
        (X25519Secret.generate(RNG), CODE, answer, NEW.device.id),
        (NEW.key, with_secret(CODE, RNG(32)), answer, NEW.device.id),
        (NEW.key, CODE, answer, OTHER.id),
        (NEW.key, CODE, OTHER.id + answer[32:], NEW.device.id),
        (NEW.key, CODE, answer[:40], NEW.device.id),
        (NEW.key, CODE, b"", NEW.device.id),
    ):
        with pytest.raises(IntegrityError):
            open_pairing_answer(key, code, payload, device)


def test_a_grant_of_one_talk_is_worth_nothing_in_another() -> None:
    talk = approve(PRIMARY, NEW, NEW.request)
    grant = seal_pairing_grant(talk, b"grant")
    assert open_pairing_grant(NEW.key, NEW.hear(talk.answer), grant) == b"grant"
    again = approve(PRIMARY, NEW, NEW.request)  # the same devices and the same code, replayed
    with pytest.raises(IntegrityError):
        open_pairing_grant(NEW.key, NEW.hear(again.answer), grant)
    with pytest.raises(IntegrityError):
        open_pairing_grant(NEW.key, NEW.hear(talk.answer), grant[:-1])


def test_the_last_word_shows_that_the_same_talk_was_heard() -> None:
    talk = approve(PRIMARY, NEW, NEW.request)
    assert pairing_done(talk) == pairing_done(NEW.hear(talk.answer))
    assert pairing_done(talk) != pairing_done(approve(PRIMARY, NEW, NEW.request))


def test_only_the_number_that_the_code_is_bound_to_can_be_revealed() -> None:
    check_reveal(CODE, NEW.reveal)
    for wrong in (RNG(32), b"", NEW.reveal + b"\0", sha256(NEW.reveal)):
        with pytest.raises(IntegrityError):
            check_reveal(CODE, wrong)
