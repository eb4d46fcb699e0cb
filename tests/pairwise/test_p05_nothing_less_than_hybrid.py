"""P05: without a KEM key, a ciphertext, the suite or a one-time key that was named there is no session, and nothing is tried with less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.crypto import Kind
from connexa.errors import IntegrityError
from connexa.identity import ListedDevice, body_hash, issue_device_certificate
from connexa.identity.statement import seal_statement
from connexa.pairwise import Reason, Reject, ResponderSecrets, SessionSet, read_initial, respond, verify_bundle
from connexa.wire.v1.keys_pb2 import InitialPart, Prekey, PrekeyBundle, Signed
from tests.pairwise.world import NOW, Device, first_message, first_plaintext, two_ends

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)


@pytest.mark.parametrize("last_resort", [False, True])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"suite": 0}, Reason.SUITE),
        ({"suite": 2}, Reason.SUITE),
        ({"suite": 0x0101}, Reason.SUITE),
        ({"ciphertext": b""}, Reason.SUITE),
        ({"ciphertext": bytes(1_087)}, Reason.SUITE),
        ({"ciphertext": bytes(1_089)}, Reason.SUITE),
        ({"kem": 0}, Reason.KEYS),
        ({"spk": 0}, Reason.KEYS),
        ({"one_time": None}, Reason.KEYS),
    ],
)
def test_p05_an_initial_part_with_less_is_refused(change: dict[str, object], reason: Reason, last_resort: bool) -> None:
    part = InitialPart.FromString(first_message(ALICE, BOB, last_resort=last_resort)[0])
    for name, value in change.items():
        setattr(part, name, last_resort if name == "one_time" else value)
    with pytest.raises(Reject) as refused:
        read_initial(part.SerializeToString(), ALICE.sender, NOW)
    assert refused.value.reason is reason


def test_p05_each_field_of_an_initial_part_is_needed() -> None:
    raw = first_message(ALICE, BOB)[0]
    for name in InitialPart.DESCRIPTOR.fields_by_name:
        part = InitialPart.FromString(raw)
        part.ClearField(name)
        with pytest.raises(Reject):
            read_initial(part.SerializeToString(), ALICE.sender, NOW)


def test_p05_a_one_time_key_that_is_named_but_gone_is_not_left_out() -> None:
    raw, message = first_message(ALICE, BOB)
    initial = read_initial(raw, ALICE.sender, NOW)
    without = ResponderSecrets(BOB.spk[1], BOB.one_time[1].mlkem, None)
    with pytest.raises(Reject):
        first_plaintext(BOB, initial, message, without)
    with pytest.raises(Reject):
        first_plaintext(BOB, replace(initial, one_time=False), message, without)
    with pytest.raises(Reject):
        respond(BOB.local, initial, None, message, seen=(), now=NOW)


def test_p05_a_one_time_key_that_was_not_named_is_not_put_in() -> None:
    raw, message = first_message(ALICE, BOB, last_resort=True)
    initial = read_initial(raw, ALICE.sender, NOW)
    with pytest.raises(Reject):
        first_plaintext(BOB, initial, message, ResponderSecrets(BOB.spk[1], BOB.last_resort[1], BOB.one_time[1].x25519))


def test_p05_a_message_without_its_initial_part_opens_nothing() -> None:
    _, bob = two_ends()
    _, message = first_message(bob.other, bob.device)
    with pytest.raises(Reject) as refused:
        bob.sessions.receive(bob.other.sender, message, NOW)
    assert refused.value.reason is Reason.HEADER
    assert bob.sessions == SessionSet()


def _one_time(kind: Kind, **changes: object) -> Signed:
    signed = BOB.one_time[0] if kind is Kind.OTP else BOB.last_resort[0]
    message = Prekey.FromString(signed.body)
    for name, value in changes.items():
        setattr(message, name, value)
    return seal_statement(kind, message, BOB.dsk)


@pytest.mark.parametrize(
    "one_time",
    [
        Signed(),
        BOB.spk[0],
        _one_time(Kind.OTP, mlkem768=b""),
        _one_time(Kind.KEM_LR, mlkem768=b""),
        _one_time(Kind.KEM_LR, mlkem768=b"", x25519=BOB.one_time[1].x25519.public.raw),
        _one_time(Kind.OTP, mlkem768=bytes(1_183)),
    ],
)
def test_p05_a_bundle_without_a_kem_key_makes_no_session(one_time: Signed) -> None:
    message = PrekeyBundle()
    message.CopyFrom(BOB.bundle_message())
    message.one_time.CopyFrom(one_time)
    with pytest.raises(IntegrityError):
        verify_bundle(message, BOB.user.public, BOB.listed, NOW)


@pytest.mark.parametrize("suites", [(), (0,), (2,), (0xFFFF,)])
def test_p05_a_device_without_our_suite_is_no_partner(suites: tuple[int, ...]) -> None:
    signed = issue_device_certificate(replace(BOB.certificate, suites=suites), BOB.user)
    message = PrekeyBundle()
    message.CopyFrom(BOB.bundle_message())
    message.certificate.CopyFrom(signed)
    with pytest.raises(IntegrityError, match="no suite"):
        verify_bundle(message, BOB.user.public, ListedDevice(BOB.id, body_hash(signed)), NOW)
