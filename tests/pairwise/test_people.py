"""What people compare and paste: safety numbers and pairing codes (pairwise §8, P28)."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import InvalidTag, X25519Secret, sha256
from connexa.errors import IntegrityError, UsageError
from connexa.pairwise import (
    PairingCode,
    format_pairing_code,
    open_grant,
    pairing_code,
    parse_pairing_code,
    safety_digest,
    safety_number,
    seal_grant,
    slot_id,
)
from tests.pairwise.world import Device, seeded

RNG = seeded(6)
PRIMARY, NEW = Device.make("a", 1), Device.make("a", 2)
HPKE = X25519Secret.generate(RNG)
SECRET = RNG(32)
CODE = pairing_code(HPKE.public, SECRET, NEW.dsk.public, NEW.dik.public)


def test_both_people_see_the_same_60_digits() -> None:
    alice, bob, carol = (Device.make(name, seed).user.public for name, seed in (("a", 1), ("b", 2), ("c", 3)))
    number = safety_number(alice, bob)
    assert number == safety_number(bob, alice)
    assert len(number) == 60
    assert number.isdigit()
    assert len({number, safety_number(alice, carol), safety_number(bob, carol)}) == 3


def test_the_digits_are_those_of_the_protocol() -> None:
    user = PRIMARY.user.public
    key = user.key.raw
    h = hashlib.sha512(b"Connexa/1 safety" + b"\0\1" + key + user.id + key).digest()
    for _ in range(5_199):
        h = hashlib.sha512(h + key).digest()
    assert safety_digest(user) == h
    digits = "".join(f"{int.from_bytes(h[i : i + 5], 'big') % 100_000:05d}" for i in range(0, 30, 5))
    assert safety_number(user, user) == digits * 2


def test_a_code_survives_being_pasted() -> None:
    text = format_pairing_code(CODE)
    assert len(text.split("-")) == 27
    assert {len(group) for group in text.split("-")} == {6}
    for typed in (text, text.lower(), text.replace("-", ""), text.replace("-", " "), f"  {text[:80]}\n{text[80:]}\n"):
        assert parse_pairing_code(typed) == CODE


@given(position=st.integers(0, 187), letter=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567018!é"))
def test_a_mistyped_code_is_refused(position: int, letter: str) -> None:
    text = format_pairing_code(CODE)
    if text[position] in (letter, "-"):
        return
    with pytest.raises(UsageError):
        parse_pairing_code(text[:position] + letter + text[position + 1 :])


def test_a_code_has_one_spelling() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    text = format_pairing_code(CODE)
    last = letters.index(text[-1])
    for unused_bits in (1, 2, 3):
        with pytest.raises(UsageError):
            parse_pairing_code(text[:-1] + letters[last ^ unused_bits])


@pytest.mark.parametrize("typed", ["", "connexa", "A" * 162, "A" * 163, "é" * 162])
def test_what_is_no_code_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        parse_pairing_code(typed)


def test_the_code_binds_the_keys_of_the_new_device() -> None:
    assert CODE.keys_digest == sha256(NEW.dsk.public.raw, NEW.dik.public.raw)
    assert CODE.matches(NEW.dsk.public, NEW.dik.public)
    assert not CODE.matches(PRIMARY.dsk.public, NEW.dik.public)
    assert not CODE.matches(NEW.dsk.public, PRIMARY.dik.public)


def test_p28_only_who_saw_the_code_can_answer_and_only_the_new_device_can_read() -> None:
    payload = seal_grant(CODE, b"grant", PRIMARY.id, NEW.id)
    assert open_grant(HPKE, SECRET, payload, NEW.id) == (PRIMARY.id, b"grant")
    relayed = seal_grant(PairingCode(CODE.key, RNG(32), CODE.keys_digest), b"forged", PRIMARY.id, NEW.id)
    for key, secret, answer, device in (
        (HPKE, SECRET, relayed, NEW.id),
        (HPKE, RNG(32), payload, NEW.id),
        (X25519Secret.generate(RNG), SECRET, payload, NEW.id),
        (HPKE, SECRET, payload, PRIMARY.id),
        (HPKE, SECRET, NEW.id + payload[32:], NEW.id),
    ):
        with pytest.raises(InvalidTag):
            open_grant(key, secret, answer, device)
    with pytest.raises(IntegrityError):
        open_grant(HPKE, SECRET, payload[:70], NEW.id)


def test_the_slot_tells_nothing_of_the_secret() -> None:
    assert slot_id(SECRET) == hashlib.sha256(b"connexa/pair/v1\0" + SECRET).digest()[:16]
    assert SECRET.hex() not in repr(CODE)
    assert repr(SECRET) not in repr(CODE)
