"""Key agreement: one transcript, nothing less than hybrid, no replay, no confusion of identities (P01-P07, P12, P13)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.crypto import InvalidKey, MlKemPublic, X25519Public, X25519Secret
from connexa.identity import DeviceId
from connexa.pairwise import Initial, Reason, Reject, ResponderSecrets, encrypt, initiate, read_initial, respond
from connexa.wire.v1.keys_pb2 import InitialPart
from tests.pairwise.oracle import open_first
from tests.pairwise.world import NOW, Device, seeded, two_ends

ALICE, BOB = Device.make("a", 1), Device.make("b", 2)


def _first(*, last_resort: bool = False) -> tuple[bytes, bytes]:
    session = ALICE.begin(BOB, last_resort=last_resort)
    initial = session.initial
    return initial, encrypt(session, b"first", ALICE.rng)[1]


def _respond(initial: Initial, message: bytes, secrets: ResponderSecrets | None = None, *, seen: frozenset[bytes] = frozenset()) -> bytes:
    return respond(BOB.local, initial, secrets or BOB.secrets_for(initial), message, seen=seen, now=NOW).plaintext


@pytest.mark.parametrize("last_resort", [False, True])
def test_the_formulas_of_the_protocol_open_what_we_send(last_resort: bool) -> None:
    session = ALICE.begin(BOB, last_resort=last_resort)
    session, _ = encrypt(session, b"lost", ALICE.rng)
    initial = InitialPart.FromString(session.initial)
    _, message = encrypt(session, b"second", ALICE.rng)
    kem = BOB.last_resort[1] if last_resort else BOB.one_time[1].mlkem
    otp = None if last_resort else BOB.one_time[1].x25519
    fields = [b"\x00\x01"]
    for device in (ALICE, BOB):
        fields += [device.user.id, device.id, device.user.public.key.raw, device.dsk.public.raw, device.dik.public.raw]
    fields += [(7).to_bytes(4, "big"), BOB.spk[1].public.raw, initial.kem.to_bytes(4, "big"), kem.public.raw]
    fields += [otp.public.raw if otp else b"", initial.ephemeral, initial.ciphertext]
    plaintext, header = open_first(
        fields,
        dik_a=ALICE.dik.public.raw,
        dik_b=BOB.dik.raw,
        spk_b=BOB.spk[1].raw,
        otp_b=otp.raw if otp else b"",
        kem_seed=kem.seed,
        ids=ALICE.user.id + ALICE.id + BOB.user.id + BOB.id,
        message=message,
    )
    assert plaintext == b"second"
    assert header[32:50] == bytes(7) + b"\x01" + bytes(7) + b"\x01" + bytes(2)  # pn 0, n 1, epoch 0, pq_n 1, idle
    assert header[50:] == bytes(128)


@pytest.mark.parametrize("last_resort", [False, True])
def test_a_first_message_opens(last_resort: bool) -> None:
    initial, message = _first(last_resort=last_resort)
    responded = BOB.answer(ALICE, initial, message)
    assert responded.plaintext == b"first"
    assert responded.one_time == (None if last_resort else 21)
    assert responded.session.binding.remote_device == ALICE.id


CHANGES = {
    "spk id": lambda i: replace(i, spk=i.spk + 1),
    "kem id": lambda i: replace(i, kem=i.kem + 1),
    "ephemeral": lambda i: replace(i, ephemeral=X25519Secret.generate(seeded(5)).public),
    "ciphertext": lambda i: replace(i, ciphertext=bytes([i.ciphertext[0] ^ 1]) + i.ciphertext[1:]),
    "user": lambda i: replace(i, party=replace(i.party, user=BOB.user.id)),
    "device": lambda i: replace(i, party=replace(i.party, device=DeviceId(bytes(32)))),
    "UIK": lambda i: replace(i, party=replace(i.party, uik=BOB.user.public.key)),
    "DSK": lambda i: replace(i, party=replace(i.party, dsk=BOB.dsk.public)),
    "DIK": lambda i: replace(i, party=replace(i.party, dik=BOB.dik.public)),
}


@pytest.mark.parametrize("field", CHANGES)
def test_p01_every_field_is_bound(field: str) -> None:
    raw, message = _first()
    initial = read_initial(raw, ALICE.sender, NOW)
    with pytest.raises(Reject):
        _respond(CHANGES[field](initial), message)
    assert _respond(initial, message) == b"first"


def test_p01_the_responders_own_keys_are_bound() -> None:
    raw, message = _first()
    initial = read_initial(raw, ALICE.sender, NOW)
    other = Device.make("b", 9)
    secrets = BOB.secrets_for(initial)
    spk, kem, one_time = other.spk[1], other.one_time[1].mlkem, other.one_time[1].x25519
    for wrong in (replace(secrets, spk=spk), replace(secrets, kem=kem), replace(secrets, one_time=one_time)):
        with pytest.raises(Reject):
            _respond(initial, message, wrong)
    with pytest.raises(Reject):
        respond(replace(BOB.local, dik=other.dik), initial, secrets, message, seen=(), now=NOW)


def test_p13_an_identity_swapped_in_the_bundle_fails_at_the_aead() -> None:
    mallory = Device.make("m", 3)
    bundle = BOB.bundle()
    for party in (
        replace(bundle.party, user=mallory.user.id),
        replace(bundle.party, device=mallory.id),
        replace(bundle.party, uik=mallory.user.public.key),
        replace(bundle.party, dsk=mallory.dsk.public),
    ):
        session = initiate(ALICE.local, replace(bundle, party=party), NOW, ALICE.rng)
        initial = read_initial(session.initial, ALICE.sender, NOW)
        with pytest.raises(Reject) as refused:
            _respond(initial, encrypt(session, b"x", ALICE.rng)[1])
        assert refused.value.reason is Reason.HEADER


@pytest.mark.parametrize(
    "change",
    [
        {"suite": 0},
        {"suite": 2},
        {"ciphertext": b""},
        {"ciphertext": bytes(1_087)},
        {"kem": 0},
        {"spk": 0},
        {"one_time": False},
    ],
)
def test_p05_nothing_less_is_accepted(change: dict[str, object]) -> None:
    raw, _ = _first()
    part = InitialPart.FromString(raw)
    for name, value in change.items():
        setattr(part, name, value)
    with pytest.raises(Reject) as refused:
        read_initial(part.SerializeToString(), ALICE.sender, NOW)
    assert refused.value.reason in (Reason.SUITE, Reason.KEYS)


def test_p05_a_one_time_key_that_is_claimed_but_gone_is_not_left_out() -> None:
    raw, message = _first()
    initial = read_initial(raw, ALICE.sender, NOW)
    with pytest.raises(Reject):
        _respond(initial, message, ResponderSecrets(BOB.spk[1], BOB.one_time[1].mlkem, None))
    with pytest.raises(Reject):
        respond(BOB.local, initial, None, message, seen=(), now=NOW)


@pytest.mark.parametrize("last_resort", [False, True])
def test_p06_a_replayed_first_message_never_opens_twice(last_resort: bool) -> None:
    alice, bob = two_ends()
    session = alice.device.begin(bob.device, last_resort=last_resort)
    packet = session.initial, encrypt(session, b"once", alice.device.rng)[1]
    bob.receive(packet)
    with pytest.raises(Reject) as refused:  # the session is there: it says duplicate
        bob.receive(packet)
    assert refused.value.reason is Reason.DUPLICATE
    bob.sessions = type(bob.sessions)()  # the session was deleted: the memory of the ephemeral key says no
    with pytest.raises(Reject) as refused:
        bob.receive(packet)
    assert refused.value.reason is Reason.REPLAY
    assert bob.opened == [b"once"]


def test_p07_a_forged_first_message_burns_nothing() -> None:
    raw, message = _first()
    initial = read_initial(raw, ALICE.sender, NOW)
    for position in (0, 20, 100, 250, len(message) - 1):
        forged = bytearray(message)
        forged[position] ^= 1
        with pytest.raises(Reject):
            _respond(initial, bytes(forged))
    responded = respond(BOB.local, initial, BOB.secrets_for(initial), message, seen=(), now=NOW)
    assert (responded.plaintext, responded.one_time, responded.ephemeral) == (b"first", 21, initial.ephemeral.raw)


def test_p12_what_we_sent_never_opens_here() -> None:
    raw, message = _first()
    initial = read_initial(raw, ALICE.sender, NOW)
    with pytest.raises(Reject) as refused:
        respond(ALICE.local, initial, BOB.secrets_for(initial), message, seen=(), now=NOW)
    assert refused.value.reason is Reason.IDENTITY


def test_p03_p24_the_certificate_binds_separate_keys() -> None:
    assert ALICE.dsk.seed != ALICE.dik.raw
    raw, _ = _first()
    with pytest.raises(Reject) as refused:  # keys of another device under the same sender certificate
        read_initial(raw, replace(ALICE.sender, device=DeviceId(bytes(32))), NOW)
    assert refused.value.reason is Reason.IDENTITY
    with pytest.raises(Reject):
        read_initial(raw, replace(ALICE.sender, keys=bytes(32)), NOW)


def test_p04_keys_that_are_none_are_refused() -> None:
    raw, _ = _first()
    for ephemeral in (b"", bytes(31), b"\xff" * 32):
        part = InitialPart.FromString(raw)
        part.ephemeral = ephemeral
        with pytest.raises(Reject) as refused:
            read_initial(part.SerializeToString(), ALICE.sender, NOW)
        assert refused.value.reason is Reason.KEYS
    initial = replace(read_initial(raw, ALICE.sender, NOW), ephemeral=X25519Public(bytes(32)))  # canonical, of low order
    with pytest.raises(Reject) as refused:
        _respond(initial, bytes(600))
    assert refused.value.reason is Reason.KEYS


def test_p02_kem_and_agreement_keys_are_not_taken_for_each_other() -> None:
    bundle = BOB.bundle()
    with pytest.raises(InvalidKey):
        X25519Public(bundle.kem.raw)
    with pytest.raises(InvalidKey):
        MlKemPublic(bundle.spk.raw)
