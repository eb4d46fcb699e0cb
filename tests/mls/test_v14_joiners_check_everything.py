"""V14 (RFC 9420 §12.4.3.1, §7.9.2): a joiner checks the tree's hash, all its parent hashes and everybody's leaf, not only its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import CryptoError, ValidationError
from connexa.mls.codec import decode
from connexa.mls.nodes import LeafNode, ParentNode
from tests.mls.hostile import Hostile, join_refused
from tests.mls.kit import Person, Room, refused

ROOM = Room("alice", "bob", "carol", "dave", "erin").warm()
BOB = Hostile(ROOM, "bob")
PARENTS = [place for place, node in enumerate(BOB.tree.nodes) if isinstance(node, ParentNode)]


def newcomer() -> Person:
    return Person.make("newcomer", 43)


@pytest.mark.parametrize(
    "wrong", [lambda digest: bytes(32), lambda digest: digest[:-1] + bytes([digest[-1] ^ 1]), lambda digest: digest[:-1]]
)
def test_a_tree_that_does_not_have_its_hash(wrong) -> None:
    join_refused(BOB, "V14", tree=BOB.tree, context=lambda context: replace(context, tree_hash=wrong(context.tree_hash)))


def test_another_tree_beside_the_welcome() -> None:
    person = newcomer()
    bundle = person.bundle()
    staged = ROOM["alice"].commit(add=[bundle.key_package], tree="external", now=1_800_000_000)
    other = BOB.tree  # the honest one of the epoch before, with the newcomer, but without the committer's new path
    other.add(bundle.key_package.leaf_node)
    with refused(rule="V14", error=ValidationError):
        other.nodes[PARENTS[-1]] = None
        person.join(staged.welcome, bundle, ratchet_tree=other.encode())
    assert not person.store.groups


def test_no_tree_at_all() -> None:
    person = newcomer()
    bundle = person.bundle()
    staged = ROOM["alice"].commit(add=[bundle.key_package], tree="external", now=1_800_000_000)
    with refused(rule="V14", error=ValidationError):
        person.join(staged.welcome, bundle)
    with refused(rule="V14", error=ValidationError):
        person.external_join(ROOM["alice"].group_info(tree=False))


@pytest.mark.parametrize("place", PARENTS)
def test_each_parent_hash_counts(place: int) -> None:
    tree = BOB.tree
    parent = tree.nodes[place]
    assert isinstance(parent, ParentNode)
    tree.nodes[place] = replace(parent, parent_hash=bytes(32))
    join_refused(BOB, "V15", tree=tree)


@pytest.mark.parametrize("name", ["alice", "bob", "carol", "dave", "erin"])
def test_each_leaf_signature_counts(name: str) -> None:
    tree = BOB.tree
    place = 2 * ROOM.leaf(name)
    leaf = tree.nodes[place]
    assert isinstance(leaf, LeafNode)
    # The hashes above do not cover what follows from this change at a path's lowest leaf alone: that is the signature.
    tree.nodes[place] = decode(LeafNode.read, leaf.raw[:-1] + bytes([leaf.raw[-1] ^ 1]))
    person = newcomer()
    bundle = person.bundle()
    tree.add(bundle.key_package.leaf_node)
    welcome = BOB.welcome(bundle, tree=tree)
    with pytest.raises((CryptoError, ValidationError)) as caught:
        person.join(welcome, bundle)
    assert caught.value.rule in {"V03", "V15"}


def test_a_signature_alone() -> None:
    room = Room("alice", "bob", "carol")  # with blank parents no parent hash stands before the signatures
    bob = Hostile(room, "bob")
    for name in ("alice", "carol"):
        tree = bob.tree
        place = 2 * room.leaf(name)
        leaf = tree.nodes[place]
        assert isinstance(leaf, LeafNode)
        tree.nodes[place] = decode(LeafNode.read, leaf.raw[:-1] + bytes([leaf.raw[-1] ^ 1]))
        join_refused(bob, "V03", tree=tree)
