"""P48: r is bound by the code, revealed after the answer, and part of the digits; a link code is nothing else, and stands in no address."""

from __future__ import annotations

import hashlib
import hmac
import struct

import pytest

from connexa.errors import UsageError
from connexa.identity import parse_contact_invite
from connexa.pairwise import PairingTalk, format_pairing_code, pairing_digits, parse_pairing_code
from tests.pairwise.linking import NewDevice, approve
from tests.pairwise.world import Device, seeded

RNG = seeded(48)
PRIMARY, EVE = Device.make("a", 1), Device.make("e", 9)
NEW = NewDevice.make(Device.make("a", 2), RNG)


def naive_digits(talk: PairingTalk) -> str:
    """The digits by the text of the protocol, with nothing but the standard library."""
    said = (talk.code.raw, talk.request, talk.answer, talk.reveal)
    digest = hashlib.sha256(b"".join(struct.pack(">HI", tag, len(part)) + part for tag, part in enumerate(said, 1))).digest()
    prk = hmac.digest(bytes(32), talk.code.secret, "sha256")
    okm = hmac.digest(prk, b"Connexa/1 link sas" + digest + b"\x01", "sha256")[:8]
    return f"{int.from_bytes(okm, 'big') % 1_000_000:06d}"


def test_both_devices_come_to_the_digits_of_the_protocol() -> None:
    talk = approve(PRIMARY, NEW, NEW.request)
    assert pairing_digits(talk) == pairing_digits(NEW.hear(talk.answer)) == naive_digits(talk)
    assert len(pairing_digits(talk)) == 6


def test_every_word_that_was_said_is_in_the_digits() -> None:
    talk = approve(PRIMARY, NEW, NEW.request)
    flip = bytes([talk.answer[-1] ^ 1])
    others = [
        PairingTalk(NewDevice.make(NEW.device, RNG).code, talk.primary, talk.new, talk.request, talk.answer, talk.reveal),
        PairingTalk(talk.code, talk.primary, talk.new, talk.request + b"\0", talk.answer, talk.reveal),
        PairingTalk(talk.code, talk.primary, talk.new, talk.request, talk.answer[:-1] + flip, talk.reveal),
        PairingTalk(talk.code, talk.primary, talk.new, talk.request, talk.answer, RNG(32)),
        PairingTalk(talk.code, talk.primary, talk.new, talk.request + talk.answer[:1], talk.answer[1:], talk.reveal),
    ]
    assert len({talk.digest, *(other.digest for other in others)}) == 6


def test_somebody_in_between_who_knows_the_code_can_only_guess() -> None:
    """Eve, who photographed the code and runs the slot, answers the new device herself and plays it to the primary."""
    shown = []
    for _ in range(64):
        to_new = approve(EVE, NEW, NEW.request)  # she must commit to her answer before the new device reveals r
        at_new = NEW.hear(to_new.answer)
        at_primary = approve(PRIMARY, NEW, NEW.request)  # whose answer is random, and comes after the request that she relays
        shown.append(pairing_digits(at_new) == pairing_digits(at_primary))
    assert sum(shown) <= 1  # 64 in a million


def test_without_r_she_could_not_even_compute_what_to_grind_for() -> None:
    answers = [approve(EVE, NEW, NEW.request).answer for _ in range(16)]
    before = {pairing_digits(PairingTalk(NEW.code, EVE.id, NEW.device.id, NEW.request, one, bytes(32))) for one in answers}
    after = {pairing_digits(NEW.hear(one)) for one in answers}
    assert before != after


@pytest.mark.parametrize("around", ["https://connexa.example/link#{}", "connexa:{}", "http://x/?c={}", "see {} here", "tel:+{}"])
def test_a_code_inside_an_address_is_refused(around: str) -> None:
    for text in (format_pairing_code(NEW.code), format_pairing_code(NEW.code).lower()):
        with pytest.raises(UsageError) as refused:
            parse_pairing_code(around.format(text))
        assert refused.value.code == "pairing.in_address"


def test_codes_of_one_kind_are_refused_where_another_is_asked_for() -> None:
    with pytest.raises(UsageError) as refused:
        parse_contact_invite(format_pairing_code(NEW.code))
    assert refused.value.code == "invite.other_code"
    for other in ("cxinvite1abcdefgh", "CX1:ABCDEFGH"):
        with pytest.raises(UsageError) as refused:
            parse_pairing_code(other)
        assert refused.value.code == "pairing.other_code"
