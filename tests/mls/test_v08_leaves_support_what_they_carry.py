"""V08 (RFC 9420 §7.3): each extension in a leaf, but for the default ones, is among the capabilities of that leaf."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.proposals import Add, Update
from tests.mls.hostile import Hostile, Path, forge_package
from tests.mls.kit import CAPABILITIES, NOW, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")
ALICE = ROOM["alice"]
CARRIED = [Extensions(((0xF123, b""),)), Extensions(((0x000A, b""), (0xF123, b"x"))), Extensions(((0x0A0A, b""),))]
LISTED = replace(CAPABILITIES, extensions=(0xF123, 0x000A, 0x0A0A))


@pytest.mark.parametrize("extensions", CARRIED)
def test_in_a_key_package(extensions: Extensions) -> None:
    dave = Person.make("dave", 4)
    package = forge_package(dave, extensions=Extensions(), leaf=Hostile.leaf_of(dave, extensions)).key_package
    for act in (lambda: ALICE.propose_add(package, now=NOW), lambda: ALICE.commit(add=[package], now=NOW)):
        with refused(ALICE, rule="V08", error=ValidationError):
            act()
    for message in (BOB.propose(Add(package)), BOB.commit(Add(package))):
        with refused(ALICE, rule="V08", error=ValidationError):
            ALICE.process(message, now=NOW)


@pytest.mark.parametrize("extensions", CARRIED)
def test_in_an_update_and_in_a_path(extensions: Extensions) -> None:
    update = BOB.propose(Update(BOB.leaf_node(extensions=extensions)))
    commit = BOB.commit(path=Path(leaf=lambda fields: {**fields, "extensions": extensions}))
    for message in (update, commit):
        with refused(ALICE, rule="V08", error=ValidationError):
            ALICE.process(message, now=NOW)


@pytest.mark.parametrize("extensions", CARRIED)
def test_in_the_tree_of_a_joiner(extensions: Extensions) -> None:
    dave = Person.make("dave", 4)
    bundle = dave.bundle()
    tree = BOB.tree
    tree.add(Hostile.leaf_of(Person.make("odd", 5), extensions))
    tree.add(bundle.key_package.leaf_node)
    with refused(rule="V08", error=ValidationError):
        dave.join(BOB.welcome(bundle, tree=tree), bundle)


@pytest.mark.parametrize("extensions", CARRIED)
def test_listed_ones_are_carried(extensions: Extensions) -> None:
    room = Room("alice", "bob")
    dave = Person.make("dave", 4)
    bundle = dave.bundle(capabilities=LISTED, leaf_extensions=extensions)
    staged = room.commit("alice", add=[bundle.key_package])
    assert dave.join(staged.welcome, bundle).epoch_authenticator == room["bob"].epoch_authenticator


def test_default_ones_are_never_listed() -> None:
    room = Room("alice", "bob")
    bundle = Person.make("dave", 4).bundle(leaf_extensions=Extensions().with_application_id(b"app"))
    room.commit("alice", add=[bundle.key_package])
