"""V15 (RFC 9420 §7.9, §12.4.3.1): each parent is named by the one node below it that its committer made, as the sibling stood then; and its
unmerged leaves are members below it, in rising order, merged nowhere on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls.nodes import ParentNode
from connexa.mls.tree_math import root
from tests.mls.hostile import Hostile, forge_leaf, join_refused
from tests.mls.kit import NOW, Person, Room
from tests.mls.naive_tree import NaiveTree

ROOM = Room("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi").warm()
AUTHOR = Hostile(ROOM, "bob")
TOP = root(8)


def tree() -> NaiveTree:
    return AUTHOR.tree


def parent(of: NaiveTree, place: int) -> ParentNode:
    node = of.nodes[place]
    assert isinstance(node, ParentNode)
    return node


@pytest.mark.parametrize("unmerged", [(3, 1), (1, 1), (1, 2, 2), (7, 6, 5)], ids=["falling", "twice", "twice at the end", "all falling"])
def test_unmerged_leaves_rise(unmerged: tuple[int, ...]) -> None:
    made = tree()
    made.nodes[TOP] = replace(parent(made, TOP), unmerged_leaves=unmerged)
    join_refused(AUTHOR, "V15", tree=made)


@pytest.mark.parametrize(("place", "leaf"), [(1, 2), (3, 4), (11, 3), (13, 5), (TOP, 8), (TOP, 2**32 - 1)])
def test_unmerged_leaves_stand_below(place: int, leaf: int) -> None:
    made = tree()
    made.nodes[place] = replace(parent(made, place), unmerged_leaves=(leaf,))
    join_refused(AUTHOR, "V15", tree=made)


def test_unmerged_leaves_are_members() -> None:
    room = Room(*ROOM.groups).warm()
    room.commit("alice", remove=[5])
    author = Hostile(room, "bob")
    made = author.tree
    made.nodes[TOP] = replace(parent(made, TOP), unmerged_leaves=(5,))
    join_refused(author, "V15", tree=made)


@pytest.mark.parametrize("leaf", [0, 3, 7])
def test_a_leaf_is_not_merged_below_where_it_is_unmerged(leaf: int) -> None:
    made = tree()
    made.nodes[TOP] = replace(parent(made, TOP), unmerged_leaves=(leaf,))
    join_refused(AUTHOR, "V15", tree=made)


@pytest.mark.parametrize("place", [1, 3, 5, 11, TOP])
def test_no_parent_without_a_committer(place: int) -> None:
    room = Room(*ROOM.groups)  # all parents are blank but those on the creator's path
    author = Hostile(room, "bob")
    made = author.tree
    key = author.suite.generate_key_pair(author.rng).public
    made.nodes[place] = ParentNode(key, b"")
    join_refused(author, "V15", tree=made)


@pytest.mark.parametrize("place", [1, 3, 5, 9, 11, 13, TOP])
def test_no_parent_with_another_key(place: int) -> None:
    made = tree()
    made.nodes[place] = replace(parent(made, place), encryption_key=AUTHOR.suite.generate_key_pair(AUTHOR.rng).public)
    join_refused(AUTHOR, "V15", tree=made)


def grown() -> tuple[Room, Hostile]:
    """A tree with an unmerged leaf beside a path that was made before it came."""
    room = Room("alice", "bob", "carol", "dave").warm()
    room.commit("dave", remove=[room.leaf("carol")])
    room.commit("alice", update=True)
    room.commit("bob", add=[Person.make("late", 50).bundle().key_package])
    return room, Hostile(room, "bob")


def test_the_sibling_is_as_it_was_before_the_unmerged_came() -> None:
    room, author = grown()
    made = author.tree
    top = parent(made, root(4))
    late = next(member.leaf for member in room["alice"].members() if member.credential.identity == b"late")
    assert top.unmerged_leaves == (late,) == (2,)
    newcomer = Person.make("newcomer", 51)
    newcomer.external_join(room["alice"].group_info())  # as it is, it holds

    # Alice names the root with its sibling as it is now, with the latecomer in it.
    now = author.suite.hash(b"".join(bytes([len(part)]) + part for part in (top.encryption_key, top.parent_hash, made.hash(5))))
    lower = parent(made, 1)
    made.nodes[1] = replace(lower, parent_hash=now)
    alice = room.people["alice"]
    fields: dict = {"group_id": b"room", "leaf_index": 0, "parent_hash": made.parent_hash(1, 0)}
    made.nodes[0] = forge_leaf(alice, **fields)
    join_refused(author, "V15", tree=made)

    # And with the sibling as it was, the same forgery of hers holds.
    made.nodes[1] = replace(lower, parent_hash=made.parent_hash(root(4), 1))
    made.nodes[0] = forge_leaf(alice, **{**fields, "parent_hash": made.parent_hash(1, 0)})
    newcomer.external_join(author.group_info(tree=made))


def test_two_children_do_not_vouch_for_one_parent() -> None:
    room = Room("alice", "bob").warm()
    author = Hostile(room, "bob")
    made = author.tree
    # Both leaves name the root, each with the other as its sibling: a hash of each other cannot be had, so one names it falsely.
    made.nodes[0] = forge_leaf(room.people["alice"], group_id=b"room", leaf_index=0, parent_hash=made.parent_hash(1, 0))
    made.nodes[2] = forge_leaf(room.people["bob"], group_id=b"room", leaf_index=1, parent_hash=b"x" * 32)
    join_refused(author, "V15", tree=made)


def test_honest_trees_with_unmerged_leaves_are_joined() -> None:
    room, _ = grown()
    newcomer = Person.make("newcomer", 51)
    bundle = newcomer.bundle()
    staged = room["alice"].commit(add=[bundle.key_package], now=NOW)
    assert newcomer.join(staged.welcome, bundle).epoch == staged.epoch
