"""P13: a user id, device id or identity key that somebody swapped in a bundle or in an initial part ends at the AEAD or before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.errors import IntegrityError
from connexa.identity import ListedDevice, body_hash, issue_device_certificate
from connexa.pairwise import Party, Reason, Reject, encrypt, initiate, read_initial, verify_bundle
from connexa.wire.v1.keys_pb2 import InitialPart, PrekeyBundle
from tests.pairwise.world import NOW, Device, acquainted, first_message, first_plaintext

ALICE, BOB, MALLORY = Device.make("a", 1), Device.make("b", 2), Device.make("m", 3)
SWAPS = {
    "user": lambda party: replace(party, user=MALLORY.user.id),
    "device": lambda party: replace(party, device=MALLORY.id),
    "UIK": lambda party: replace(party, uik=MALLORY.user.public.key),
    "DSK": lambda party: replace(party, dsk=MALLORY.dsk.public),
    "DIK": lambda party: replace(party, dik=MALLORY.dik.public),
}


@pytest.mark.parametrize("what", SWAPS)
def test_p13_an_identity_swapped_in_the_bundle_fails_at_the_aead(what: str) -> None:
    bundle = BOB.bundle()
    party: Party = SWAPS[what](bundle.party)
    session = initiate(ALICE.local, replace(bundle, party=party), NOW, ALICE.rng)
    initial = read_initial(session.initial, ALICE.sender, NOW)
    with pytest.raises(Reject) as refused:
        first_plaintext(BOB, initial, encrypt(session, b"x", ALICE.rng)[1])
    assert refused.value.reason is Reason.HEADER


def test_p13_prekeys_of_bob_under_mallorys_own_certificate_make_no_bundle() -> None:
    mixed = PrekeyBundle()
    mixed.CopyFrom(BOB.bundle_message())
    mixed.certificate.CopyFrom(MALLORY.signed_certificate)
    with pytest.raises(IntegrityError):
        verify_bundle(mixed, MALLORY.user.public, MALLORY.listed, NOW)


def test_p13_mallory_certifies_bobs_keys_as_her_own_and_gets_no_session_of_his() -> None:
    """She signs a certificate with Bob's DSK and DIK: the prekeys name Bob's user and device, so they are not hers."""
    stolen = replace(BOB.certificate, user=MALLORY.user.id)
    signed = issue_device_certificate(stolen, MALLORY.user)
    mixed = PrekeyBundle()
    mixed.CopyFrom(BOB.bundle_message())
    mixed.certificate.CopyFrom(signed)
    with pytest.raises(IntegrityError, match="another kind or device"):
        verify_bundle(mixed, MALLORY.user.public, ListedDevice(BOB.id, body_hash(signed)), NOW)


def test_p13_an_initial_part_of_alice_is_not_taken_under_mallorys_sender_certificate() -> None:
    raw, _ = first_message(ALICE, BOB)
    for who in (
        MALLORY.sender,
        replace(ALICE.sender, user=MALLORY.user.id),
        replace(ALICE.sender, device=MALLORY.id),
        replace(ALICE.sender, keys=MALLORY.sender.keys),
    ):
        with pytest.raises(Reject) as refused:
            read_initial(raw, who, NOW)
        assert refused.value.reason is Reason.IDENTITY


def test_p13_mallory_replays_alices_beginning_as_hers_and_it_opens_nothing() -> None:
    raw, message = first_message(ALICE, BOB)
    part = InitialPart.FromString(raw)
    part.user_key = MALLORY.user.public.packet
    part.certificate.CopyFrom(MALLORY.signed_certificate)
    initial = read_initial(part.SerializeToString(), MALLORY.sender, NOW)
    with pytest.raises(Reject) as refused:
        first_plaintext(BOB, initial, message)
    assert refused.value.reason is Reason.HEADER


def test_p13_a_stranger_whose_device_has_a_contacts_id_gets_no_place_in_its_set() -> None:
    alice, bob = acquainted()
    mallory = Device.make("c", 9)
    certificate = replace(mallory.certificate, device=alice.device.id)
    mallory = replace(mallory, certificate=certificate, signed_certificate=issue_device_certificate(certificate, mallory.user))
    mallory.renew_prekeys(NOW)  # under the new id
    session, message = encrypt(mallory.begin(bob.device), b"not alice", mallory.rng)
    responded = bob.device.answer(mallory, session.initial, message)
    before = bob.sessions.dump()
    with pytest.raises(Reject) as refusal:
        bob.sessions.with_theirs(responded.session, NOW)
    assert refusal.value.reason is Reason.IDENTITY
    with pytest.raises(Reject):
        bob.sessions.with_own(bob.device.begin(mallory), NOW)
    assert bob.sessions.dump() == before
    bob.receive(alice.send(b"still here"))
    assert bob.opened[-1] == b"still here"
