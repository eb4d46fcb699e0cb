"""V26 (RFC 9420 §12.2): a committer neither updates itself by an Update nor removes itself."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.proposals import Remove, Update
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Room, refused


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol").warm()


@pytest.mark.parametrize("private", [False, True])
def test_no_update_of_the_committer(room: Room, private: bool) -> None:
    bob = Hostile(room, "bob")
    update = Update(bob.leaf_node())
    message, ref = bob.referred(update)
    room["alice"].process(message, now=NOW)
    for commit in (bob.commit(ref, private=private), bob.commit(update, private=private)):
        with refused(room["alice"], rule="V26", error=ValidationError):
            room["alice"].process(commit, now=NOW)


@pytest.mark.parametrize("private", [False, True])
def test_no_removal_of_the_committer(room: Room, private: bool) -> None:
    bob = Hostile(room, "bob")
    message, ref = bob.referred(Remove(bob.leaf))
    room["alice"].process(message, now=NOW)
    other, others = Hostile(room, "carol").referred(Remove(bob.leaf))
    room["alice"].process(other, now=NOW)
    for one in (ref, others, Remove(bob.leaf)):
        with refused(room["alice"], rule="V26", error=ValidationError):
            room["alice"].process(bob.commit(one, path=False, private=private), now=NOW)


def test_our_own_commits_hold_neither(room: Room) -> None:
    bob = room["bob"]
    with refused(bob, rule="V26", error=ValidationError):
        bob.commit(remove=[bob.own_leaf], now=NOW)
    bob.propose_update(now=NOW)
    bob.propose_remove(bob.own_leaf, now=NOW)
    for pending in bob.pending:
        with refused(bob, rule="V26", error=ValidationError):
            bob.commit(by_ref=[pending.ref], now=NOW)
    staged = bob.commit(now=NOW)  # of all that is pending it takes what it can
    assert not any(isinstance(one.proposal, (Update, Remove)) for one in staged.proposals)


def test_others_commit_both(room: Room) -> None:
    update, leave = room["bob"].propose_update(now=NOW), room["carol"].propose_remove(room.leaf("carol"), now=NOW)
    room.deliver("bob", update)
    room.deliver("carol", leave)
    room.commit("alice")
    assert set(room.groups) == {"alice", "bob"}
    room.agree()
