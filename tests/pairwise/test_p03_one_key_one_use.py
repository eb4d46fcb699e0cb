"""P03: Ed25519 signs and X25519 agrees, with keys that have nothing to do with each other; the device certificate binds the two."""

from __future__ import annotations

from dataclasses import replace

import pytest
from nacl.bindings import crypto_sign_ed25519_pk_to_curve25519, crypto_sign_ed25519_sk_to_curve25519, crypto_sign_seed_keypair

from connexa.crypto import InvalidSignature, Kind
from connexa.errors import IntegrityError
from connexa.identity import DeviceId, verify_device_certificate
from connexa.identity.statement import seal_statement
from connexa.pairwise import Reason, Reject, read_initial, verify_bundle
from connexa.wire.v1.keys_pb2 import DeviceCertificate, InitialPart, PrekeyBundle, Signed
from tests.node.correspondents import Device as NodeDevice
from tests.pairwise.world import NOW, Device, first_message

ALICE, BOB, MALLORY = Device.make("a", 1), Device.make("b", 2), Device.make("m", 3)


def test_p03_a_type_does_one_of_the_two() -> None:
    signing, agreeing = ALICE.dsk, ALICE.dik
    assert not hasattr(signing, "exchange") and not hasattr(signing.public, "exchange")
    assert not hasattr(agreeing, "sign") and not hasattr(agreeing.public, "verify")


async def test_p03_a_nodes_agreement_key_does_not_follow_from_its_signing_keys(pair: tuple[NodeDevice, NodeDevice]) -> None:
    account = pair[0].account
    assert account.secret is not None
    for seed in (account.dsk.seed, account.secret.key.seed, account.secret.seed):
        public, secret = crypto_sign_seed_keypair(seed)
        assert account.dik.raw not in (seed, crypto_sign_ed25519_sk_to_curve25519(secret))
        assert account.dik.public.raw != crypto_sign_ed25519_pk_to_curve25519(public)
    assert account.dsk.seed != account.secret.key.seed


def _certificate(**fields: object) -> Signed:
    """Alice's certificate with other fields, under her old signature."""
    message = DeviceCertificate.FromString(ALICE.signed_certificate.body)
    for name, value in fields.items():
        setattr(message, name, value)
    return Signed(body=message.SerializeToString(), signature=ALICE.signed_certificate.signature)


def test_p03_the_certificates_signature_covers_each_byte() -> None:
    signed = ALICE.signed_certificate
    for at in range(len(signed.body)):
        body = signed.body[:at] + bytes([signed.body[at] ^ 1]) + signed.body[at + 1 :]
        with pytest.raises(InvalidSignature):
            verify_device_certificate(Signed(body=body, signature=signed.signature), ALICE.user.public, NOW)


def test_p03_an_agreement_key_that_somebody_put_in_is_refused_on_both_ways() -> None:
    swapped = _certificate(dik=MALLORY.dik.public.raw)
    bundle = PrekeyBundle()
    bundle.CopyFrom(ALICE.bundle_message())
    bundle.certificate.CopyFrom(swapped)
    with pytest.raises(IntegrityError):
        verify_bundle(bundle, ALICE.user.public, ALICE.listed, NOW)
    part = InitialPart.FromString(first_message(ALICE, BOB)[0])
    part.certificate.CopyFrom(swapped)
    with pytest.raises(Reject) as refused:
        read_initial(part.SerializeToString(), ALICE.sender, NOW)
    assert refused.value.reason is Reason.IDENTITY


def test_p03_only_the_user_key_certifies_a_device() -> None:
    message = DeviceCertificate.FromString(ALICE.signed_certificate.body)
    for key, kind in ((ALICE.dsk, Kind.DEVICE), (MALLORY.user.key, Kind.DEVICE), (ALICE.user.key, Kind.DEVICE_LIST)):
        with pytest.raises(InvalidSignature):
            verify_device_certificate(seal_statement(kind, message, key), ALICE.user.public, NOW)


def test_p03_the_sender_certificate_and_the_devices_certificate_name_the_same_keys() -> None:
    raw, _ = first_message(ALICE, BOB)
    for who in (replace(ALICE.sender, device=DeviceId(bytes(32))), replace(ALICE.sender, keys=bytes(32))):
        with pytest.raises(Reject) as refused:
            read_initial(raw, who, NOW)
        assert refused.value.reason is Reason.IDENTITY
