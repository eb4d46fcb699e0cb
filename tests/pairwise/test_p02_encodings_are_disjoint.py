"""P02: no key is taken for one of another type, and a signature holds for one kind, number, user, device, expiry and key."""

from __future__ import annotations

import itertools

import pytest

from connexa.crypto import HybridPublic, InvalidKey, InvalidSignature, Kind, MlKemPublic, X25519Public
from connexa.errors import IntegrityError
from connexa.identity.statement import seal_statement
from connexa.pairwise import PREKEY_LIFE, read_prekey
from connexa.wire.v1.keys_pb2 import Prekey, Signed
from tests.pairwise.world import NOW, Device

BOB, MALLORY = Device.make("b", 2), Device.make("m", 3)
SIGNED = {Kind.SPK: BOB.spk[0], Kind.KEM_LR: BOB.last_resort[0], Kind.OTP: BOB.one_time[0], Kind.SEK: BOB.sek[0]}


def _forge(kind: Kind, **changes: object) -> Signed:
    """The same prekey with other fields, signed by the same device."""
    message = Prekey.FromString(SIGNED[kind].body)
    for name, value in changes.items():
        setattr(message, name, value)
    return seal_statement(kind, message, BOB.dsk)


def test_p02_key_types_have_lengths_of_their_own() -> None:
    agreement, kem, both = BOB.spk[1].public.raw, BOB.last_resort[1].public.raw, BOB.sek[1].public.raw
    assert (len(agreement), len(kem), len(both)) == (32, 1_184, 1_216)
    for raw in (kem, both, agreement * 37, kem[:32] + b"\xff"):
        with pytest.raises(InvalidKey):
            X25519Public(raw)
    for raw in (agreement, both, kem[:-1], kem + b"\0"):
        with pytest.raises(InvalidKey):
            MlKemPublic(raw)
    for raw in (agreement, kem, both[:-1], both + b"\0", agreement + kem):
        with pytest.raises(InvalidKey):
            HybridPublic.from_bytes(raw)
    with pytest.raises(InvalidKey):
        MlKemPublic(b"\xff" * 1_184)  # of its length, and fails the modulus check
    for wrong in (b"", agreement, bytes(1_087), bytes(1_089)):
        with pytest.raises(InvalidKey):
            BOB.last_resort[1].decapsulate(wrong)


@pytest.mark.parametrize("kind", SIGNED)
def test_p02_a_kinds_prekey_holds_the_keys_of_its_kind_in_their_fields(kind: Kind) -> None:
    agreement, kem = BOB.spk[1].public.raw, BOB.last_resort[1].public.raw
    signed = Prekey.FromString(SIGNED[kind].body)
    good = agreement if signed.x25519 else b"", kem if signed.mlkem768 else b""
    for keys in itertools.product((b"", agreement, kem), repeat=2):
        forged = _forge(kind, x25519=keys[0], mlkem768=keys[1])
        if keys == good:
            read_prekey(kind, forged, BOB.certificate, NOW)
        else:
            with pytest.raises(IntegrityError):
                read_prekey(kind, forged, BOB.certificate, NOW)


def test_p02_a_signature_holds_for_its_kind_alone() -> None:
    for kind in SIGNED:
        for other, signed in SIGNED.items():
            if kind is other:
                assert read_prekey(kind, signed, BOB.certificate, NOW).kind is kind
            else:
                with pytest.raises(InvalidSignature):
                    read_prekey(kind, signed, BOB.certificate, NOW)


@pytest.mark.parametrize("kind", SIGNED)
def test_p02_the_kind_is_under_the_signature_twice(kind: Kind) -> None:
    """A body that names another kind is refused though its label is right."""
    for other in set(SIGNED) - {kind}:
        with pytest.raises(IntegrityError, match="another kind"):
            read_prekey(kind, _forge(kind, type=other), BOB.certificate, NOW)


@pytest.mark.parametrize("kind", SIGNED)
def test_p02_every_byte_of_the_body_is_covered(kind: Kind) -> None:
    signed = SIGNED[kind]
    for at in range(len(signed.body)):
        body = signed.body[:at] + bytes([signed.body[at] ^ 1]) + signed.body[at + 1 :]
        with pytest.raises(InvalidSignature):
            read_prekey(kind, Signed(body=body, signature=signed.signature), BOB.certificate, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"user": MALLORY.user.id},
        {"device": MALLORY.id},
        {"type": "otp"},
        {"id": 0},
        {"id": 1 << 31},
        {"x25519": b""},
        {"mlkem768": BOB.last_resort[1].public.raw},
        {"expires": NOW - 601},
        {"expires": NOW + PREKEY_LIFE + 601},
        {"starts": 1},
    ],
)
def test_p02_a_signed_prekey_covers_id_user_device_expiry_and_keys(changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        read_prekey(Kind.SPK, _forge(Kind.SPK, **changes), BOB.certificate, NOW)
