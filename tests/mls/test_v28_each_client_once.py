"""V28 (RFC 9420 §12.2): no client is added that is here already, unless the same list removes it; creating and receiving alike."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.proposals import Add, Remove
from tests.mls.hostile import Hostile, add_refused
from tests.mls.kit import NOW, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()


@pytest.mark.parametrize("name", ["alice", "carol"])
def test_nobody_comes_twice(name: str) -> None:
    again = Person.make(name, 9)
    add_refused(ROOM, Hostile(ROOM, "bob"), again.bundle().key_package, "V28", alone=False)


def test_nobody_comes_twice_by_one_commit() -> None:
    packages = [Person.make("dave", 9).bundle().key_package, Person.make("dave", 10).bundle().key_package]
    with refused(ROOM["alice"], rule="V28", error=ValidationError):
        ROOM["alice"].commit(add=packages, now=NOW)
    with refused(ROOM["alice"], rule="V28", error=ValidationError):
        ROOM["alice"].process(Hostile(ROOM, "bob").commit(*map(Add, packages)), now=NOW)


def test_nobody_joins_from_outside_beside_an_old_leaf() -> None:
    again = Person.make("carol", 9)
    with refused(rule="V28", error=ValidationError):
        again.external_join(ROOM["alice"].group_info())
    assert not again.store.groups


def test_by_reference() -> None:
    room = Room("alice", "bob", "carol")
    bob = Hostile(room, "bob")
    message, ref = bob.referred(Add(Person.make("carol", 9).bundle().key_package))
    room["alice"].process(message, now=NOW)
    with refused(room["alice"], rule="V28", error=ValidationError):
        room["alice"].commit(by_ref=[ref.ref], now=NOW)
    with refused(room["alice"], rule="V28", error=ValidationError):
        room["alice"].process(bob.commit(ref), now=NOW)
    assert not room["alice"].commit(now=NOW).added  # of what is pending it takes what holds


def test_a_client_that_goes_in_the_same_list_may_come_back() -> None:
    room = Room("alice", "bob", "carol")
    bundle = Person.make("carol", 9).bundle()
    event = room["alice"].process(Hostile(room, "bob").commit(Remove(room.leaf("carol")), Add(bundle.key_package)), now=NOW)
    room["alice"].merge(event.commit, now=NOW)
    assert len(room["alice"].members()) == 3


def test_we_put_a_client_anew_in_one_commit() -> None:
    room = Room("alice", "bob", "carol")
    again = Person.make("carol", 9)
    bundle = again.bundle()
    staged = room.commit("alice", remove=[room.leaf("carol")], add=[bundle.key_package])
    group = again.join(staged.welcome, bundle)
    assert group.epoch_authenticator == room["bob"].epoch_authenticator
