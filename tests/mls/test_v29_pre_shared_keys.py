"""V29 (RFC 9420 §8.4, §12.1.4, §12.2): each pre-shared key once and with a whole nonce, resumption keys for an application's use alone, and
one that is not here is an error, never a default."""

from __future__ import annotations

import pytest

from connexa.mls import CryptoError, MissingPSK, MLSError, ValidationError
from connexa.mls.proposals import PreSharedKey
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK
from connexa.mls.registry import ResumptionUsage
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, SUITE, Person, Room, refused

PSKS = {b"one": b"1" * 32, b"two": b"2" * 32}


def external(name: bytes, nonce: bytes = b"n" * 32) -> PreSharedKeyID:
    return PreSharedKeyID(ExternalPSK(name), nonce)


def resumption(usage: ResumptionUsage, epoch: int, group_id: bytes = b"room") -> PreSharedKeyID:
    return PreSharedKeyID(ResumptionPSK(usage, group_id, epoch), b"n" * 32)


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol", psks=PSKS).warm()


def test_no_key_twice(room: Room) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    with refused(alice, rule="V29", error=ValidationError):
        alice.commit(psk=[b"one", b"two", b"one"], now=NOW)
    one, again = external(b"one"), external(b"one", b"m" * 32)
    for second in (one, again):
        both = [(one, PSKS[b"one"]), (second, PSKS[b"one"])]
        with refused(alice, rule="V29", error=ValidationError):
            alice.process(bob.commit(PreSharedKey(one), PreSharedKey(second), psks=both), now=NOW)
    message, ref = bob.referred(PreSharedKey(one))
    alice.process(message, now=NOW)
    with refused(alice, rule="V29", error=ValidationError):
        alice.commit(psk=[b"one"], by_ref=[ref.ref], now=NOW)


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_the_nonce_has_the_length_of_a_hash(room: Room, length: int) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    psk = external(b"one", bytes(length))
    for message in (bob.propose(PreSharedKey(psk)), bob.commit(PreSharedKey(psk), psks=[(psk, PSKS[b"one"])])):
        with refused(alice, rule="V29", error=ValidationError):
            alice.process(message, now=NOW)


def test_our_nonces_are_fresh(room: Room) -> None:
    nonces = set()
    for _ in range(5):
        for one in room["alice"].commit(psk=[b"one", b"two"], now=NOW).proposals:
            assert isinstance(one.proposal, PreSharedKey) and len(one.proposal.psk.nonce) == SUITE.nh
            nonces.add(one.proposal.psk.nonce)
    assert len(nonces) == 10


@pytest.mark.parametrize("usage", [ResumptionUsage.REINIT, ResumptionUsage.BRANCH])
def test_resumption_keys_of_new_groups_are_not_for_running_ones(room: Room, usage: ResumptionUsage) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    psk = resumption(usage, alice.epoch)
    known = [(psk, alice.resumption_psk(alice.epoch))]
    for message in (bob.propose(PreSharedKey(psk)), bob.commit(PreSharedKey(psk), psks=known)):
        with refused(alice, rule="V29", error=ValidationError):
            alice.process(message, now=NOW)
    with refused(alice, rule="V29", error=ValidationError):
        alice.propose_psk(ResumptionPSK(usage, b"room", alice.epoch), now=NOW)
    with refused(alice, rule="V29", error=ValidationError):
        alice.commit(psk=[ResumptionPSK(usage, b"room", alice.epoch)], now=NOW)


def test_what_is_not_here_is_no_key(room: Room) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    with refused(alice, rule="V29", error=MissingPSK) as caught:
        alice.commit(psk=[b"unknown"], now=NOW)
    assert caught.value.psk_id
    psk = external(b"unknown")
    for secret in (b"", bytes(32), b"unknown", PSKS[b"one"]):  # whatever a default might be
        with refused(alice, rule="V29", error=MissingPSK):
            alice.process(bob.commit(PreSharedKey(psk), psks=[(psk, secret)]), now=NOW)
    with refused(alice, rule="V29", error=MissingPSK):
        alice.process(bob.commit(PreSharedKey(psk)), now=NOW)


@pytest.mark.parametrize(("group_id", "back"), [(b"room", 100), (b"room", -1), (b"other", 0)])
def test_nor_is_a_resumption_key_of_nowhere(room: Room, group_id: bytes, back: int) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    epoch = (alice.epoch - back) % 2**64
    psk = resumption(ResumptionUsage.APPLICATION, epoch, group_id)
    with refused(alice, rule="V29", error=MissingPSK):
        alice.process(bob.commit(PreSharedKey(psk), psks=[(psk, bytes(32))]), now=NOW)
    with refused(alice, rule="V29", error=MissingPSK):
        alice.commit(psk=[ResumptionPSK(ResumptionUsage.APPLICATION, group_id, epoch)], now=NOW)


def test_another_secret_leads_to_another_epoch(room: Room) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    psk = external(b"one")
    with refused(alice, rule="V38", error=CryptoError):
        alice.process(bob.commit(PreSharedKey(psk), psks=[(psk, b"x" * 32)]), now=NOW)
    resumed = resumption(ResumptionUsage.APPLICATION, alice.epoch)
    with refused(alice, rule="V38", error=CryptoError):
        alice.process(bob.commit(PreSharedKey(resumed), psks=[(resumed, b"x" * 32)]), now=NOW)
    alice.process(bob.commit(PreSharedKey(psk), psks=[(psk, PSKS[b"one"])]), now=NOW)


def test_joiners_have_the_keys_or_do_not_join(room: Room) -> None:
    newcomer = Person.make("newcomer", 48)
    bundle = newcomer.bundle()
    staged = room["alice"].commit(add=[bundle.key_package], psk=[b"one", b"two"], now=NOW)
    with refused(rule="V29", error=MissingPSK):
        newcomer.join(staged.welcome, bundle)
    with refused(rule="V29", error=MissingPSK):
        newcomer.join(staged.welcome, bundle, psks={b"one": PSKS[b"one"]})
    for wrong in ({b"one": PSKS[b"two"]}, {b"two": b""}, {b"one": b"1" * 31}):
        with pytest.raises(MLSError) as caught:
            newcomer.join(staged.welcome, bundle, psks={**PSKS, **wrong})
        assert caught.value.rule in {"V45", "V18", "V29"}
    assert not newcomer.store.groups
    assert newcomer.join(staged.welcome, bundle, psks=PSKS).epoch == staged.epoch


def test_a_joiner_takes_no_bad_key_names(room: Room) -> None:
    newcomer = Person.make("newcomer", 48)
    newcomer.store.psks.update(PSKS)
    bundle = newcomer.bundle()
    bob = Hostile(room, "bob")
    one, again = external(b"one"), external(b"one", b"m" * 32)
    for psks in ([one, again], [external(b"one", b"short")]):
        with refused(rule="V29", error=ValidationError):
            newcomer.join(bob.welcome(bundle, psks=[(psk, PSKS[b"one"]) for psk in psks]), bundle)
    assert not newcomer.store.groups


def test_external_joiners_too(room: Room) -> None:
    newcomer = Person.make("newcomer", 48)
    with refused(*room.groups.values(), rule="V29", error=MissingPSK):
        newcomer.external_join(room["alice"].group_info(), psks=[b"one"])
    newcomer.store.psks.update(PSKS)
    with refused(rule="V29", error=ValidationError):
        newcomer.external_join(room["alice"].group_info(), psks=[b"one", b"one"])
    newcomer.store.psks[b"one"] = b"x" * 32
    _, staged = newcomer.external_join(room["alice"].group_info(), psks=[b"one"])
    with refused(room["bob"], rule="V38", error=CryptoError):
        room["bob"].process(staged.commit, now=NOW)
