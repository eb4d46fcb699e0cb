"""V11 (RFC 9420 §7.3): a key package is used in its lifetime; a member who came by it and never updated may outlive it."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.nodes import Lifetime
from connexa.mls.policy import Rules
from tests.mls.hostile import Hostile, add_refused, forge_package
from tests.mls.kit import LIFETIME, NOW, Person, Room, refused

WRONG = [
    Lifetime(NOW - 100, NOW - 1),
    Lifetime(NOW + 1, NOW + 100),
    Lifetime(NOW + 100, NOW - 100),
    Lifetime(NOW + 1, NOW - 1),
    Lifetime(0, 0),
    Lifetime(2**64 - 1, 2**64 - 1),
]
ENDED = LIFETIME.not_after + 1
ROOM = Room("alice", "bob", "carol")


@pytest.mark.parametrize("lifetime", WRONG)
def test_nobody_comes_outside_of_it(lifetime: Lifetime) -> None:
    dave = Person.make("dave", 4)
    add_refused(ROOM, Hostile(ROOM, "bob"), forge_package(dave, lifetime=lifetime).key_package, "V11")


def test_both_ends_belong_to_it() -> None:
    room = Room("alice", "bob")
    for lifetime in (Lifetime(NOW, NOW), Lifetime(0, 2**64 - 1)):
        room["alice"].commit(add=[Person.make("dave", 4).bundle(lifetime=lifetime).key_package], now=NOW)


def test_nobody_begins_a_group_outside_of_their_own() -> None:
    dave = Person.make("dave", 4)
    late = forge_package(dave, lifetime=WRONG[0])
    with refused(rule="V11", error=ValidationError):
        dave.create(b"new", bundle=late)
    assert not dave.store.groups


def test_members_outlive_their_key_packages_unless_the_rules_say_no() -> None:
    room = Room("alice", "bob")
    dave = Person.make("dave", 4)
    bundle = dave.bundle(lifetime=Lifetime(NOW, ENDED + 100))
    staged = room.commit("alice", add=[bundle.key_package])
    strict = Rules(tolerate_expired_members=False)
    with refused(rule="V11", error=ValidationError):
        dave.join(staged.welcome, bundle, now=ENDED, rules=strict)
    assert not dave.store.groups
    assert dave.join(staged.welcome, bundle, now=ENDED).epoch == room["bob"].epoch


def test_a_commit_of_somebody_whose_lifetime_has_ended_is_taken() -> None:
    room = Room("alice", "bob")
    staged = room["bob"].commit(update=True, now=ENDED)
    room["alice"].merge(room["alice"].process(staged.commit, now=ENDED).commit, now=ENDED)


def test_who_was_away_takes_what_was_good_when_it_was_said() -> None:
    rules = Rules(late_adds=1000)
    room = Room("alice", "bob", "carol")
    for name in ("alice", "bob"):
        room[name]._rules = rules
    package = Person.make("dave", 4).bundle(lifetime=Lifetime(NOW - 5, NOW)).key_package
    staged = room["alice"].commit(add=[package], now=NOW)
    for name, now in (("carol", NOW + 1), ("bob", NOW + 1001)):
        with refused(room[name], rule="V11", error=ValidationError):
            room[name].process(staged.commit, now=now)
    room["bob"].merge(room["bob"].process(staged.commit, now=NOW + 1000).commit, now=NOW + 1000)
    with refused(room["alice"], rule="V11", error=ValidationError):
        room["alice"].commit(add=[package], now=NOW + 1)  # but nobody adds it then
