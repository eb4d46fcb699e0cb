"""V39 (RFC 9420 §12.4, §5.2): a commit refers to proposals that are here, of this epoch, by the hash of the whole authenticated content; an
Update is about its sender's leaf."""

from __future__ import annotations

import pytest

from connexa.mls import CryptoError, UnknownProposal
from connexa.mls.content import Sender
from connexa.mls.proposals import ProposalRef, Remove, Update
from connexa.mls.registry import SenderType
from tests.mls.hostile import Hostile, Ref
from tests.mls.kit import NOW, Room, refused


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol").warm()


@pytest.mark.parametrize("ref", [bytes(32), b"", b"x" * 31, b"x" * 64])
def test_what_never_came(room: Room, ref: bytes) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    with refused(alice, rule="V39", error=UnknownProposal) as caught:
        alice.process(bob.commit(Ref(ProposalRef(ref), Remove(2), 1)), now=NOW)
    assert caught.value.reference == ref and caught.value.retryable
    with refused(alice, rule="V39", error=UnknownProposal):
        alice.commit(by_ref=[ref], now=NOW)


def test_a_proposal_that_was_lost_can_be_fetched_and_the_commit_taken(room: Room) -> None:
    proposal = room["bob"].propose_update(now=NOW)
    room["alice"].process(proposal, now=NOW)
    commit = room["alice"].commit(now=NOW).commit
    with refused(room["carol"], rule="V39", error=UnknownProposal):
        room["carol"].process(commit, now=NOW)
    room["carol"].process(proposal, now=NOW)
    room["carol"].process(commit, now=NOW)


def test_proposals_end_with_their_epoch(room: Room) -> None:
    message, ref = Hostile(room, "bob").referred(Remove(room.leaf("carol")))
    room["alice"].process(message, now=NOW)
    room.commit("carol", update=True)
    assert not room["alice"].pending
    bob = Hostile(room, "bob")
    with refused(room["alice"], rule="V39", error=UnknownProposal):
        room["alice"].process(bob.commit(ref), now=NOW)
    with refused(room["alice"], rule="V39", error=UnknownProposal):
        room["alice"].commit(by_ref=[ref.ref], now=NOW)


def test_the_reference_is_over_all_of_it(room: Room) -> None:
    """The same proposal of the same member, signed apart: in the clear and sealed, with other authenticated data."""
    bob = Hostile(room, "bob")
    _, public = bob.referred(Remove(2))
    message, private = bob.referred(Remove(2), private=True)
    _, other = bob.referred(Remove(2), aad=b"x")
    assert len({public.ref, private.ref, other.ref}) == 3
    room["alice"].process(message, now=NOW)
    for ref in (public, other):
        with refused(room["alice"], rule="V39", error=UnknownProposal):
            room["alice"].process(bob.commit(ref), now=NOW)
    room["alice"].process(bob.commit(private), now=NOW)


def test_the_reference_is_not_the_hash_of_the_proposal_alone(room: Room) -> None:
    bob = Hostile(room, "bob")
    room["alice"].process(bob.propose(Remove(2)), now=NOW)
    alone = bob.suite.ref_hash("MLS 1.0 Proposal Reference", b"\0\3" + Remove(2).encode())
    with refused(room["alice"], rule="V39", error=UnknownProposal):
        room["alice"].process(bob.commit(Ref(ProposalRef(alone), Remove(2), 1)), now=NOW)


def test_an_update_is_its_senders(room: Room) -> None:
    """Carol's leaf in Bob's mouth: under his signature it is for his place, where hers does not hold."""
    bob, carol = Hostile(room, "bob"), Hostile(room, "carol")
    leaf = carol.leaf_node()
    with refused(room["alice"], rule="V03", error=CryptoError):
        room["alice"].process(bob.propose(Update(leaf)), now=NOW)
    message = bob.propose(Update(leaf), sender=Sender(SenderType.MEMBER, carol.leaf))
    with refused(room["alice"], rule="V21", error=CryptoError):
        room["alice"].process(message, now=NOW)
