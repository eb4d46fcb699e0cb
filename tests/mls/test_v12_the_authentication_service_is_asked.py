"""V12 (RFC 9420 §5.3.1): it decides on each credential that comes, is renewed, or is found on joining; a new one succeeds the old one."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.extensions import Extensions, ExternalSender
from connexa.mls.nodes import Credential
from connexa.mls.proposals import GroupContextExtensions, Update
from tests.mls.hostile import Hostile, Path, add_refused
from tests.mls.kit import NOW, Anybody, Person, Room, refused

STRANGER = b"stranger"
CREDENTIAL = Credential.basic(STRANGER)


def room_with(auth: Anybody) -> Room:
    return Room("alice", "bob", "carol", auth=auth)


def test_strangers_are_not_added() -> None:
    room = room_with(Anybody({STRANGER}))
    add_refused(room, Hostile(room, "bob"), Person.make("stranger", 4).bundle().key_package, "V12")


def test_nobody_becomes_a_stranger() -> None:
    room = room_with(Anybody({STRANGER}))
    bob = Hostile(room, "bob")
    update = bob.propose(Update(bob.leaf_node(credential=CREDENTIAL)))
    commit = bob.commit(path=Path(leaf=lambda fields: {**fields, "credential": CREDENTIAL}))
    for message in (update, commit):
        for name in ("alice", "carol"):
            with refused(room[name], rule="V12", error=ValidationError):
                room[name].process(message, now=NOW)


@pytest.mark.parametrize("name", [b"carol", b"somebody else", b""])
def test_nobody_becomes_somebody_else(name: bytes) -> None:
    room = room_with(Anybody())
    bob = Hostile(room, "bob")
    other = Credential.basic(name)
    update = bob.propose(Update(bob.leaf_node(credential=other)))
    commit = bob.commit(path=Path(leaf=lambda fields: {**fields, "credential": other}))
    for message in (update, commit):
        with refused(room["alice"], rule="V12", error=ValidationError):
            room["alice"].process(message, now=NOW)


def test_a_joiner_asks_for_every_member() -> None:
    room = room_with(Anybody())
    newcomer = Person.make("dave", 4)
    bundle = newcomer.bundle()
    staged = room.commit("alice", add=[bundle.key_package])
    for member in (b"alice", b"bob", b"carol", b"dave"):
        newcomer.auth = Anybody({member})
        with refused(rule="V12", error=ValidationError):
            newcomer.join(staged.welcome, bundle)
    other = Person.make("erin", 5)
    for member in (b"alice", b"bob", b"carol", b"dave", b"erin"):
        other.auth = Anybody({member})
        with refused(rule="V12", error=ValidationError):
            other.external_join(room["alice"].group_info())
    assert not newcomer.store.groups and not other.store.groups


def test_nobody_begins_a_group_as_a_stranger() -> None:
    stranger = Person.make("stranger", 4)
    stranger.auth = Anybody({STRANGER})
    with refused(rule="V12", error=ValidationError):
        stranger.create(b"new")


def test_external_joiners_and_external_senders_are_asked_for() -> None:
    room = room_with(Anybody({STRANGER}))
    stranger = Person.make("stranger", 4)
    stranger.auth = Anybody()
    _, staged = stranger.external_join(room["alice"].group_info())
    with refused(room["alice"], rule="V12", error=ValidationError):
        room["alice"].process(staged.commit, now=NOW)
    senders = Extensions().with_external_senders([ExternalSender(stranger.signer.public, CREDENTIAL)])
    with refused(room["alice"], rule="V12", error=ValidationError):
        room["alice"].commit(extensions=senders, now=NOW)
    with refused(room["alice"], rule="V12", error=ValidationError):
        room["alice"].process(Hostile(room, "bob").commit(GroupContextExtensions(senders), extensions=senders), now=NOW)


def test_a_resync_replaces_the_same_client_alone() -> None:
    room = room_with(Anybody())
    mallory = Person.make("mallory", 6)
    mallory.auth = Anybody()
    with refused(*room.groups.values(), rule="V12", error=ValidationError):
        mallory.external_join(room["alice"].group_info(), resync_leaf=room.leaf("bob"))
