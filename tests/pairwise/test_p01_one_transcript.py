"""P01: suite, ids, identity keys, prekeys, ephemeral key and ciphertext stand in one transcript, in the key derivation and in the AD.

The naive implementation plays Alice, so that a single byte of a single field can be another in one of the two places.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from connexa.crypto import X25519Secret
from connexa.identity import DeviceId
from connexa.pairwise import Initial, Reason, Reject, read_initial, respond
from tests.pairwise.from_vectors import local_device, responder_secrets, sender
from tests.pairwise.naive import mlkem, pqxdh, ratchet
from tests.pairwise.naive.primitives import dh, dh_public, f
from tests.pairwise.naive.vectors import NOW, person, prekeys, random
from tests.pairwise.world import NOW as THEN
from tests.pairwise.world import Device, first_message, first_plaintext, seeded

FIELDS = (
    "suite",
    *("user A", "device A", "UIK A", "DSK A", "DIK A"),
    *("user B", "device B", "UIK B", "DSK B", "DIK B"),
    *("SPK id", "SPK", "KEM id", "KEM key", "OTP", "EK A", "KEM ciphertext"),
)
A, B = person("p01", "alice"), person("p01", "bob")


def _transcript(fields: list[bytes]) -> bytes:
    return hashlib.sha512(b"Connexa/1 PQXDH transcript" + b"".join(f(i, part) for i, part in enumerate(fields, 1))).digest()


def _changed(part: bytes) -> bytes:
    return part[:-1] + bytes([part[-1] ^ 1]) if part else bytes(32)


def _alice(*, one_time: bool, field: int | None, where: str) -> bytes:
    """What Bob reads of a first message whose transcript has one field changed, in the key derivation or in the AD."""
    keys, a, b = prekeys("p01", "bob", one_time=one_time), pqxdh.device(A), pqxdh.device(B)
    bundle, ek = pqxdh.prekey_fields(keys), random("p01", "ek", 32)
    honest = pqxdh.initiate(A, b, bundle, ek, random("p01", "m", 32))
    ciphertext, ss = mlkem.encapsulate(bundle[3], random("p01", "m", 32))
    fields = [b"\0\1", *pqxdh.identity(a), *pqxdh.identity(b), *bundle, dh_public(ek), ciphertext]
    assert _transcript(fields) == honest["T"]
    if field is not None:
        fields[field] = _changed(fields[field])
    shared = [dh(A["dik"], bundle[1]), dh(ek, b["dik"]), dh(ek, bundle[1])] + ([dh(ek, bundle[4])] if one_time else [])
    for_keys = _transcript(fields) if where == "KDF" else honest["T"]
    derived = {**pqxdh.derive(for_keys, shared, ss), "T": _transcript(fields) if where == "AD" else honest["T"]}
    draws = {"n12": random("p01", "n12", 12), "dh": random("p01", "dh", 32)}
    message = ratchet.send(ratchet.start(derived, "A", a, b, spk=bundle[1]), b"first", draws)[1]
    read = read_initial(honest["initial"], sender(local_device(A)), NOW)
    return respond(local_device(B), read, responder_secrets(keys), message, seen=(), now=NOW).plaintext


@pytest.mark.parametrize("one_time", [True, False])
def test_p01_the_transcript_is_the_protocols(one_time: bool) -> None:
    assert _alice(one_time=one_time, field=None, where="KDF") == b"first"


@pytest.mark.parametrize("one_time", [True, False])
@pytest.mark.parametrize("where", ["KDF", "AD"])
@pytest.mark.parametrize("field", range(len(FIELDS)), ids=FIELDS)
def test_p01_a_bit_of_any_field_in_either_place_makes_it_open_nothing(field: int, where: str, one_time: bool) -> None:
    with pytest.raises(Reject) as refused:
        _alice(one_time=one_time, field=field, where=where)
    assert refused.value.reason is Reason.HEADER


def test_p01_no_byte_moves_from_one_field_to_the_next() -> None:
    fields = [bytes([i]) * 4 for i in range(1, 19)]
    seen = {_transcript(fields)}
    for i in range(17):
        moved = [*fields[:i], fields[i][:-1], fields[i][-1:] + fields[i + 1], *fields[i + 2 :]]
        seen |= {_transcript(moved), _transcript([*fields[:i], fields[i + 1], fields[i], *fields[i + 2 :]])}
    assert len(seen) == 1 + 2 * 17


ALICE, BOB = Device.make("a", 1), Device.make("b", 2)
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


def _read() -> tuple[Initial, bytes]:
    raw, message = first_message(ALICE, BOB)
    return read_initial(raw, ALICE.sender, THEN), message


@pytest.mark.parametrize("field", CHANGES)
def test_p01_what_the_initiator_says_is_bound(field: str) -> None:
    initial, message = _read()
    with pytest.raises(Reject):
        first_plaintext(BOB, CHANGES[field](initial), message)
    assert first_plaintext(BOB, initial, message) == b"first"


def test_p01_the_responders_own_keys_are_bound() -> None:
    initial, message = _read()
    other, secrets = Device.make("b", 9), BOB.secrets_for(initial)
    spk, kem, one_time = other.spk[1], other.one_time[1].mlkem, other.one_time[1].x25519
    for wrong in (replace(secrets, spk=spk), replace(secrets, kem=kem), replace(secrets, one_time=one_time)):
        with pytest.raises(Reject):
            first_plaintext(BOB, initial, message, wrong)
    with pytest.raises(Reject):
        respond(replace(BOB.local, dik=other.dik), initial, secrets, message, seen=(), now=THEN)
