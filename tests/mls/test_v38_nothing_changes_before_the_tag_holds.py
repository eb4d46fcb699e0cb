"""V38 (RFC 9420 §12.4.2, §14): the confirmation tag is checked before anything changes; and making a commit changes nothing either."""

from __future__ import annotations

import pytest

from connexa.mls import CryptoError, StaleCommit
from connexa.mls.events import Staged
from connexa.mls.proposals import Remove
from tests.mls.hostile import Hostile
from tests.mls.kit import NOW, Person, Room, refused


@pytest.fixture
def room() -> Room:
    return Room("alice", "bob", "carol").warm()


@pytest.mark.parametrize("tag", [bytes(32), b"", bytes(31), bytes(33)])
@pytest.mark.parametrize("private", [False, True])
def test_a_wrong_tag(room: Room, tag: bytes, private: bool) -> None:
    bob = Hostile(room, "bob")
    for message in (bob.commit(tag=tag, private=private), bob.commit(Remove(0), tag=tag, private=private)):
        with refused(room["carol"], rule="V38", error=CryptoError):
            room["carol"].process(message, now=NOW)


def test_the_tag_of_another_commit(room: Room) -> None:
    bob = Hostile(room, "bob")
    bob.commit()
    tag = bob.suite.mac(bob.next_epoch.secrets.confirmation_key, bob.next_context.confirmed_transcript_hash)
    with refused(room["alice"], rule="V38", error=CryptoError):
        room["alice"].process(bob.commit(tag=tag), now=NOW)


def test_after_a_refusal_the_honest_commit_of_the_epoch_is_taken(room: Room) -> None:
    bad = Hostile(room, "bob").commit(tag=bytes(32), private=True)
    for name in ("alice", "carol"):
        with refused(room[name], rule="V38", error=CryptoError):
            room[name].process(bad, now=NOW)
    room.commit("bob", update=True)
    room.agree()


def test_making_a_commit_changes_nothing(room: Room) -> None:
    alice, store = room["alice"], room.people["alice"].store
    before, stored = alice.dump(), {name: dict(parts) for name, parts in store.groups.items()}
    package = Person.make("dave", 9).bundle().key_package
    for what in ({"update": True}, {"add": [package]}, {"remove": [1, 2]}, {"wire": "public"}, {"add": [package], "remove": [2]}):
        staged = alice.commit(now=NOW, **what)
        assert alice.dump() == before and store.groups == stored
        alice.discard(staged)
        assert alice.dump() == before and store.groups == stored
    assert alice.epoch_authenticator == room["bob"].epoch_authenticator


def test_staging_a_received_commit_changes_nothing(room: Room) -> None:
    staged = room["alice"].commit(update=True, now=NOW)
    bob, store = room["bob"], room.people["bob"].store
    before, stored = bob.dump(), {name: dict(parts) for name, parts in store.groups.items()}
    for _ in range(3):
        event = bob.process(staged.commit, now=NOW)
        assert isinstance(event, Staged)
        assert bob.dump() == before and store.groups == stored
    bob.merge(bob.process(staged.commit, now=NOW).commit, now=NOW)
    assert bob.dump() != before


def test_a_staged_commit_whose_epoch_has_ended_is_not_merged(room: Room) -> None:
    alice, bob = room["alice"], room["bob"]
    ours, theirs = alice.commit(update=True, now=NOW), bob.commit(update=True, now=NOW)
    event = alice.process(theirs.commit, now=NOW)
    alice.merge(event.commit, now=NOW)
    for staged in (ours, event.commit):
        with refused(alice, rule="V25", error=StaleCommit):
            alice.merge(staged, now=NOW)
    bob.merge(theirs, now=NOW)
    assert alice.epoch_authenticator == bob.epoch_authenticator
