"""V06 (RFC 9420 §7.3): no two members have one encryption key, however the second one got it."""

from __future__ import annotations

from connexa.mls import ValidationError
from connexa.mls.proposals import Add, Update
from tests.mls.hostile import Hostile, Path, forge_package
from tests.mls.kit import NOW, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")
ALICE, CAROL = ROOM["alice"], ROOM["carol"]
CAROLS = ALICE.member(ROOM.leaf("carol")).leaf_node.encryption_key


def test_nobody_comes_with_a_members_key() -> None:
    package = forge_package(Person.make("mallory", 5), encryption_key=CAROLS).key_package
    with refused(ALICE, rule="V06", error=ValidationError):
        ALICE.commit(add=[package], now=NOW)
    for message in (BOB.commit(Add(package)), BOB.commit(Add(package), path=False)):
        with refused(ALICE, CAROL, rule="V06", error=ValidationError):
            ALICE.process(message, now=NOW)


def test_two_do_not_come_with_one_key() -> None:
    one = forge_package(Person.make("one", 6))
    two = forge_package(Person.make("two", 7), encryption=one.enc_sk)
    packages = [one.key_package, two.key_package]
    with refused(ALICE, rule="V06", error=ValidationError):
        ALICE.commit(add=packages, now=NOW)
    with refused(ALICE, rule="V06", error=ValidationError):
        ALICE.process(BOB.commit(*map(Add, packages)), now=NOW)


def test_nobody_takes_anothers_key_by_update_or_path() -> None:
    room = Room("alice", "bob", "carol")
    bob = Hostile(room, "bob")
    key = room["alice"].member(room.leaf("carol")).leaf_node.encryption_key
    message, ref = bob.referred(Update(bob.leaf_node(encryption_key=key)))
    room["alice"].process(message, now=NOW)
    with refused(room["alice"], rule="V06", error=ValidationError):
        room["alice"].commit(by_ref=[ref.ref], now=NOW)
    with refused(room["alice"], rule="V06", error=ValidationError):
        room["alice"].process(Hostile(room, "carol").commit(ref), now=NOW)
    with refused(room["alice"], rule="V06", error=ValidationError):
        room["alice"].process(bob.commit(path=Path(leaf=lambda fields: {**fields, "encryption_key": key})), now=NOW)


def test_a_joiner_finds_two_members_with_one_key() -> None:
    dave = Person.make("dave", 9)
    bundle = dave.bundle()
    tree = BOB.tree
    tree.add(forge_package(Person.make("twin", 10), encryption_key=CAROLS).key_package.leaf_node)
    tree.add(bundle.key_package.leaf_node)
    with refused(rule="V06", error=ValidationError):
        dave.join(BOB.welcome(bundle, tree=tree), bundle)
    assert not dave.store.groups
