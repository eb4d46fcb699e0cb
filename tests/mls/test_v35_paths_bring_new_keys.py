"""V35 (RFC 9420 §12.4.2): no key of a path is in the tree already, the committer's own old one included."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.nodes import LeafNode, ParentNode
from tests.mls.hostile import Hostile, Path
from tests.mls.kit import NOW, Room, refused

ROOM = Room("alice", "bob", "carol", "dave").warm()
BOB = Hostile(ROOM, "bob")
TREE = BOB.tree
PLACES = [place for place, node in enumerate(TREE.nodes) if node is not None]


def everybody_refuses(message: bytes, *rules: str) -> None:
    for name in ("alice", "carol", "dave"):
        before = ROOM[name].dump()
        with pytest.raises(ValidationError) as caught:
            ROOM[name].process(message, now=NOW)
        assert caught.value.rule in rules
        assert ROOM[name].dump() == before


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("place", [place for place in PLACES if place not in (1, 2, 3)])
def test_no_node_of_a_path_has_a_key_of_the_tree(place: int, position: int) -> None:
    key = TREE.nodes[place].encryption_key
    everybody_refuses(BOB.commit(path=Path(publish=lambda at, new: key if at == position else new)), "V35")


@pytest.mark.parametrize("position", [0, 1])
def test_nor_one_that_the_path_replaces(position: int) -> None:
    """The old keys of the committer's own path go with this commit, and their owners know them."""
    old = TREE.nodes[[1, 3][position]]
    assert isinstance(old, ParentNode)
    everybody_refuses(BOB.commit(path=Path(publish=lambda at, new: old.encryption_key if at == position else new)), "V35")


def test_the_committers_leaf_has_a_new_key() -> None:
    old = TREE.nodes[2 * BOB.leaf]
    assert isinstance(old, LeafNode)
    message = BOB.commit(path=Path(leaf=lambda fields: {**fields, "encryption_key": old.encryption_key}))
    with refused(ROOM["alice"], rule="V35", error=ValidationError):
        ROOM["alice"].process(message, now=NOW)


@pytest.mark.parametrize("place", [1, 3, 5])
def test_the_committers_leaf_has_no_parents_key(place: int) -> None:
    key = TREE.nodes[place].encryption_key
    everybody_refuses(BOB.commit(path=Path(leaf=lambda fields: {**fields, "encryption_key": key})), "V35")


def test_leaf_and_node_of_one_path_differ() -> None:
    key = BOB.suite.generate_key_pair(BOB.rng).public
    path = Path(publish=lambda at, new: key if at == 0 else new, leaf=lambda fields: {**fields, "encryption_key": key})
    everybody_refuses(BOB.commit(path=path), "V35")
