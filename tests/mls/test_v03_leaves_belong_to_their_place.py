"""V03 (RFC 9420 §7.2): a leaf is signed, and that of an Update or a commit for one index of one group: moved, it does not hold."""

from __future__ import annotations

import pytest

from connexa.mls import CryptoError
from connexa.mls.codec import decode
from connexa.mls.framing import MLSMessage
from connexa.mls.nodes import LeafNode
from connexa.mls.proposals import Add, Update
from tests.mls.hostile import Hostile, Path, forge_leaf, forge_package
from tests.mls.kit import LIFETIME, NOW, Person, Room, refused

ROOM = Room("alice", "bob", "carol").warm()
BOB = Hostile(ROOM, "bob")
ELSEWHERE = [{"leaf_index": 0}, {"leaf_index": 2}, {"leaf_index": 9}, {"group_id": b"other"}, {"group_id": b""}]


def with_a_flipped_bit(leaf: LeafNode) -> LeafNode:
    """In the signature's last byte: the leaf itself stays what it was."""
    return decode(LeafNode.read, leaf.raw[:-1] + bytes([leaf.raw[-1] ^ 1]))


@pytest.mark.parametrize("place", ELSEWHERE)
def test_an_update_is_for_its_own_leaf_and_group(place: dict) -> None:
    message = BOB.propose(Update(BOB.leaf_node(**place)))
    with refused(ROOM["alice"], rule="V03", error=CryptoError):
        ROOM["alice"].process(message, now=NOW)


def test_the_same_update_at_home_is_taken() -> None:
    room = Room("alice", "bob")
    bob = Hostile(room, "bob")
    room["alice"].process(bob.propose(Update(bob.leaf_node())), now=NOW)
    assert len(room["alice"].pending) == 1


def test_an_update_of_one_group_is_none_of_another_with_the_same_people() -> None:
    one, other = Room("alice", "bob", group_id=b"one"), Room("alice", "bob", group_id=b"two")
    leaf = Hostile(one, "bob").leaf_node()
    with refused(other["alice"], rule="V03"):
        other["alice"].process(Hostile(other, "bob").propose(Update(leaf)), now=NOW)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_the_leaf_of_a_path_is_for_the_committer_and_the_group(place: dict) -> None:
    message = BOB.commit(path=Path(leaf=lambda fields: {**fields, **place}))
    with refused(ROOM["alice"], ROOM["carol"], rule="V03", error=CryptoError):
        ROOM["alice"].process(message, now=NOW)
    with refused(ROOM["carol"], rule="V03", error=CryptoError):
        ROOM["carol"].process(message, now=NOW)


def test_an_honest_path_of_the_same_author_is_taken() -> None:
    room = Room("alice", "bob", "carol").warm()
    message = Hostile(room, "bob").commit()
    for name in ("alice", "carol"):
        room[name].merge(room[name].process(message, now=NOW).commit, now=NOW)
    assert room["alice"].epoch_authenticator == room["carol"].epoch_authenticator


def test_a_bit_of_a_leaf_is_wrong() -> None:
    update = BOB.propose(Update(with_a_flipped_bit(BOB.leaf_node())))
    commit = BOB.commit(path=Path(raw_leaf=with_a_flipped_bit))
    for message in (update, commit):
        with refused(ROOM["alice"], rule="V03", error=CryptoError):
            ROOM["alice"].process(message, now=NOW)


@pytest.mark.parametrize("wire", ["public", "private"])
def test_the_leaf_of_a_key_package_is_signed(wire) -> None:
    dave = Person.make("dave", 4)
    package = forge_package(dave, leaf=with_a_flipped_bit(forge_leaf(dave, lifetime=LIFETIME))).key_package
    raw = MLSMessage(package).encode()
    with refused(ROOM["alice"], rule="V03", error=CryptoError):
        ROOM["alice"].propose_add(raw, now=NOW, wire=wire)
    with refused(ROOM["alice"], rule="V03", error=CryptoError):
        ROOM["alice"].commit(add=[raw], now=NOW, wire=wire)
    for message in (BOB.propose(Add(package), private=wire == "private"), BOB.commit(Add(package), private=wire == "private")):
        with refused(ROOM["alice"], rule="V03", error=CryptoError):
            ROOM["alice"].process(message, now=NOW)
