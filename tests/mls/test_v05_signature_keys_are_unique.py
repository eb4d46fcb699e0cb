"""V05 (RFC 9420 §7.3, §12.2): no two members have one signature key, not even two who come by one commit."""

from __future__ import annotations

from connexa.mls import ValidationError
from connexa.mls.proposals import Add, Update
from tests.mls.hostile import Hostile, Path
from tests.mls.kit import NOW, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")
ALICE, CAROL = ROOM["alice"], ROOM["carol"]


def test_nobody_comes_with_a_members_key() -> None:
    mallory = Person.make("mallory", 5)
    package = mallory.bundle(signer=ROOM.people["carol"].signer).key_package
    with refused(ALICE, rule="V05", error=ValidationError):
        ALICE.commit(add=[package], now=NOW)
    for message in (BOB.commit(Add(package)), BOB.commit(Add(package), path=False)):
        with refused(ALICE, CAROL, rule="V05", error=ValidationError):
            ALICE.process(message, now=NOW)


def test_nobody_comes_by_reference_with_a_members_key() -> None:
    room = Room("alice", "bob", "carol")
    bob = Hostile(room, "bob")
    package = Person.make("mallory", 5).bundle(signer=room.people["carol"].signer).key_package
    message, ref = bob.referred(Add(package))
    room["alice"].process(message, now=NOW)
    with refused(room["alice"], rule="V05", error=ValidationError):
        room["alice"].process(bob.commit(ref), now=NOW)
    with refused(room["alice"], rule="V05", error=ValidationError):
        room["alice"].commit(by_ref=[ref.ref], now=NOW)


def test_two_do_not_come_with_one_key() -> None:
    one, two = Person.make("one", 6), Person.make("two", 7)
    packages = [one.bundle().key_package, two.bundle(signer=one.signer).key_package]
    with refused(ALICE, rule="V05", error=ValidationError):
        ALICE.commit(add=packages, now=NOW)
    with refused(ALICE, rule="V05", error=ValidationError):
        ALICE.process(BOB.commit(*map(Add, packages)), now=NOW)


def test_nobody_takes_anothers_key_by_update_or_path() -> None:
    room = Room("alice", "bob", "carol")
    bob, carols = Hostile(room, "bob"), room.people["carol"].signer
    message, ref = bob.referred(Update(bob.leaf_node(signer=carols)))
    room["alice"].process(message, now=NOW)
    with refused(room["alice"], rule="V05", error=ValidationError):
        room["alice"].commit(by_ref=[ref.ref], now=NOW)
    with refused(room["alice"], rule="V05", error=ValidationError):
        room["alice"].process(Hostile(room, "carol").commit(ref), now=NOW)
    with refused(room["alice"], rule="V05", error=ValidationError):
        room["alice"].process(bob.commit(path=Path(leaf=lambda fields: {**fields, "signer": carols})), now=NOW)


def test_a_key_is_free_again_once_its_owner_has_gone() -> None:
    room = Room("alice", "bob", "carol")
    heir = Person.make("heir", 8)
    package = heir.bundle(signer=room.people["carol"].signer).key_package
    room.commit("alice", remove=[room.leaf("carol")], add=[package])
    assert room["bob"].epoch == room["alice"].epoch


def test_a_joiner_finds_two_members_with_one_key() -> None:
    dave = Person.make("dave", 9)
    bundle = dave.bundle()
    tree = BOB.tree
    tree.add(Person.make("twin", 10).bundle(signer=ROOM.people["carol"].signer).key_package.leaf_node)
    tree.add(bundle.key_package.leaf_node)
    with refused(rule="V05", error=ValidationError):
        dave.join(BOB.welcome(bundle, tree=tree), bundle)
    assert not dave.store.groups
