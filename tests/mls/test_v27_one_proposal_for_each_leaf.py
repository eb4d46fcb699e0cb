"""V27 (RFC 9420 §12.2, §12.1.3): one Update or Remove for a leaf, and no Remove of nobody."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.proposals import Remove, Update
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused


@pytest.fixture
def room() -> Room:
    room = Room("alice", "bob", "carol", "dave", "erin").warm()
    room.commit("alice", remove=[room.leaf("dave")])
    return room


def test_nobody_is_removed_twice(room: Room) -> None:
    carol, bob = room.leaf("carol"), Hostile(room, "bob")
    with refused(room["alice"], rule="V27", error=ValidationError):
        room["alice"].commit(remove=[carol, carol], now=NOW)
    message, ref = bob.referred(Remove(carol))
    room["alice"].process(message, now=NOW)
    for commit in (bob.commit(Remove(carol), Remove(carol)), bob.commit(ref, Remove(carol))):
        with refused(room["alice"], rule="V27", error=ValidationError):
            room["alice"].process(commit, now=NOW)
    with refused(room["alice"], rule="V27", error=ValidationError):
        room["alice"].commit(remove=[carol], by_ref=[ref.ref], now=NOW)


def test_nobody_is_updated_twice_or_updated_and_removed(room: Room) -> None:
    bob, carol = Hostile(room, "bob"), Hostile(room, "carol")
    refs = []
    for _ in range(2):
        message, ref = carol.referred(Update(carol.leaf_node()))
        room["alice"].process(message, now=NOW)
        refs.append(ref)
    for commit in (bob.commit(*refs), bob.commit(refs[0], Remove(carol.leaf)), bob.commit(Remove(carol.leaf), refs[1])):
        with refused(room["alice"], rule="V27", error=ValidationError):
            room["alice"].process(commit, now=NOW)
    for by_ref, remove in ((refs, []), (refs[:1], [carol.leaf])):
        with refused(room["alice"], rule="V27", error=ValidationError):
            room["alice"].commit(by_ref=[ref.ref for ref in by_ref], remove=remove, now=NOW)


@pytest.mark.parametrize("leaf", [3, 5, 7, 8, 100, 2**31, 2**32 - 1])
def test_nobody_is_not_removed(room: Room, leaf: int) -> None:
    alice, bob = room["alice"], Hostile(room, "bob")
    with refused(alice, rule="V27", error=ValidationError):
        alice.commit(remove=[leaf], now=NOW)
    with refused(alice, rule="V27", error=ValidationError):
        alice.propose_remove(leaf, now=NOW)
    for message in (bob.propose(Remove(leaf)), bob.propose(Remove(leaf), private=True), bob.commit(Remove(leaf), path=False)):
        with refused(alice, rule="V27", error=ValidationError):
            alice.process(message, now=NOW)


def test_of_all_that_is_pending_a_commit_takes_what_holds_together(room: Room) -> None:
    bob = Hostile(room, "bob")
    for _ in range(2):
        room["alice"].process(bob.propose(Remove(room.leaf("carol"))), now=NOW)
        room["alice"].process(bob.propose(Update(bob.leaf_node())), now=NOW)
    staged = room["alice"].commit(now=NOW)
    assert staged.removed == (room.leaf("carol"),) and staged.updated == (bob.leaf,)
