"""V16 (RFC 9420 §12.4.3.1): no two nodes of a tree have one encryption key; a joiner looks, and no path brings one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connexa.mls import ValidationError
from connexa.mls.nodes import ParentNode
from tests.mls.hostile import Hostile, Path, join_refused
from tests.mls.kit import NOW, Room, refused

ROOM = Room("alice", "bob", "carol", "dave").warm()
BOB = Hostile(ROOM, "bob")


@pytest.mark.parametrize(("place", "other"), [(1, 5), (5, 1), (3, 1), (3, 5)])
def test_two_parents(place: int, other: int) -> None:
    tree = BOB.tree
    one, two = tree.nodes[place], tree.nodes[other]
    assert isinstance(one, ParentNode) and isinstance(two, ParentNode)
    tree.nodes[place] = replace(one, encryption_key=two.encryption_key)
    join_refused(BOB, "V16", tree=tree)


@pytest.mark.parametrize("leaf", [0, 1])
def test_a_parent_and_a_leaf(leaf: int) -> None:
    tree = BOB.tree
    parent, member = tree.nodes[5], tree.nodes[2 * leaf]
    assert isinstance(parent, ParentNode) and member is not None
    tree.nodes[5] = replace(parent, encryption_key=member.encryption_key)
    join_refused(BOB, "V16", tree=tree)


def test_one_key_twice_in_a_path() -> None:
    same: list[bytes] = []

    def publish(position: int, key: bytes) -> bytes:
        same.append(key)
        return same[0]

    message = BOB.commit(path=Path(publish=publish))
    assert len(same) == 2
    for name in ("alice", "carol", "dave"):
        with refused(ROOM[name], rule="V35", error=ValidationError):
            ROOM[name].process(message, now=NOW)
