"""V10 (RFC 9420 §7.3): everybody supports the type of everybody's credential, newcomers and members alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.nodes import Credential
from connexa.mls.proposals import Update
from tests.mls.hostile import Hostile, Path, add_refused
from tests.mls.kit import CAPABILITIES, NOW, Anybody, Person, Room, refused

BOTH = replace(CAPABILITIES, credentials=(1, 0xF001))
ONLY_OTHER = replace(CAPABILITIES, credentials=(0xF001,))
OTHER = Credential(0xF001, b"dave")
ROOM = Room("alice", "bob", "carol", auth=Anybody())
BOB = Hostile(ROOM, "bob")


def test_a_type_that_members_do_not_know() -> None:
    dave = Person.make("dave", 4)
    add_refused(ROOM, BOB, dave.bundle(credential=OTHER, capabilities=BOTH).key_package, "V10", alone=False)


@pytest.mark.parametrize("credentials", [(), (0xF001,), (2,)])
def test_a_newcomer_who_does_not_know_the_members_type(credentials: tuple[int, ...]) -> None:
    capabilities = replace(CAPABILITIES, credentials=credentials)
    add_refused(ROOM, BOB, Person.make("dave", 4).bundle(capabilities=capabilities).key_package, "V10", alone=False)


def changed_by(change: dict) -> Callable[[dict], dict]:
    return lambda fields: {**fields, **change}


def test_renewed_leaves() -> None:
    room = Room("alice", "bob", "carol", auth=Anybody())
    bob = Hostile(room, "bob")
    changes: tuple[dict, ...] = ({"credential": Credential(0xF001, b"bob"), "capabilities": BOTH}, {"capabilities": ONLY_OTHER})
    for change in changes:
        message, ref = bob.referred(Update(bob.leaf_node(**change)))
        room["alice"].process(message, now=NOW)
        with refused(room["alice"], rule="V10", error=ValidationError):
            room["alice"].commit(by_ref=[ref.ref], now=NOW)
        with refused(room["alice"], rule="V10", error=ValidationError):
            room["alice"].process(Hostile(room, "carol").commit(ref), now=NOW)
        with refused(room["alice"], rule="V10", error=ValidationError):
            room["alice"].process(bob.commit(path=Path(leaf=changed_by(change))), now=NOW)


def test_joiners() -> None:
    dave = Person.make("dave", 4)
    dave.auth = Anybody()
    for bundle in (dave.bundle(credential=OTHER, capabilities=BOTH), dave.bundle(capabilities=ONLY_OTHER)):
        with refused(rule="V10", error=ValidationError):
            dave.join(BOB.welcome(bundle), bundle)
        with refused(rule="V10", error=ValidationError):
            dave.external_join(ROOM["alice"].group_info(), bundle=bundle)


def test_two_types_live_together_where_all_know_both() -> None:
    room = Room("alice", "bob", auth=Anybody(), capabilities=BOTH)
    dave = Person.make("dave", 4)
    dave.auth = Anybody()
    bundle = dave.bundle(credential=OTHER, capabilities=BOTH)
    staged = room.commit("alice", add=[bundle.key_package])
    assert dave.join(staged.welcome, bundle).epoch_authenticator == room["bob"].epoch_authenticator
