"""V44 (RFC 9420 §7.8): after a Remove the tree is no larger than it has to be, the path above the leaf is new or blank.

Nobody keeps the secret keys of what is blank.
"""

from __future__ import annotations

import pytest

from connexa.mls.nodes import ParentNode
from tests.mls.kit import NOW, SUITE, Person, Room
from tests.mls.naive_tree import NaiveTree
from tests.mls.walk import leaked


def tree_of(room: Room, name: str) -> NaiveTree:
    return NaiveTree.decode(SUITE, room[name].ratchet_tree())


def people(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("count", "gone", "width"),
    [
        (5, [4], 4),
        (8, [7], 8),
        (8, [4, 5, 6, 7], 4),
        (9, [8], 8),
        (9, [1, 8], 8),
        (9, [1], 16),
        (12, [*range(2, 12)], 2),
        (3, [1, 2], 1),
    ],
)
def test_the_tree_has_the_right_size(count: int, gone: list[int], width: int) -> None:
    room = Room(*people(count)).warm()
    room.commit("p0", remove=gone)
    for name in room.groups:
        assert room[name]._state.epoch.public.tree.width == width
        assert tree_of(room, name).n_leaves == width
        encoded = room[name].ratchet_tree()
        assert encoded == room["p0"].ratchet_tree()
    room.agree()


def test_the_path_above_is_blank_or_new() -> None:
    room = Room(*people(8)).warm()
    before = tree_of(room, "p0")
    room.commit("p0", remove=[5])
    after = tree_of(room, "p0")
    assert after.nodes[10] is None and after.nodes[9] is None and after.nodes[11] is None
    for place in (1, 3, 7):  # on the committer's own path: new
        old, new = before.nodes[place], after.nodes[place]
        assert isinstance(old, ParentNode) and isinstance(new, ParentNode) and old.encryption_key != new.encryption_key
    for place in (5, 13):  # beside both: untouched
        assert before.nodes[place] == after.nodes[place]


@pytest.mark.parametrize("gone", [[1], [6], [3, 5], [1, 2, 3, 4, 5, 6]])
def test_no_secret_key_of_what_is_gone_is_kept(gone: list[int]) -> None:
    room = Room(*people(8)).warm()
    held = {name: {key.public: key.raw for key in group._state.epoch.path.node_keys.values()} for name, group in room.groups.items()}
    room.commit("p0", remove=gone)
    nodes = {node.encryption_key for node in tree_of(room, "p0").nodes if node is not None}
    for name, group in room.groups.items():
        dead = [raw for public, raw in held[name].items() if public not in nodes]
        assert dead
        assert not leaked(dead, group, group.dump(), room.people[name].store.groups), name
        kept = {key.public for key in group._state.epoch.path.node_keys.values()}
        assert kept <= nodes
        for node, key in group._state.epoch.path.node_keys.items():
            assert group._state.epoch.public.tree.nodes[node].encryption_key == key.public


def test_updates_of_others_blank_our_keys_too() -> None:
    room = Room(*people(4)).warm()
    held = {name: {key.public: key.raw for key in group._state.epoch.path.node_keys.values()} for name, group in room.groups.items()}
    room.deliver("p1", room["p1"].propose_update(now=NOW))
    room.commit("p3")
    nodes = {node.encryption_key for node in tree_of(room, "p0").nodes if node is not None}
    for name, group in room.groups.items():
        dead = [raw for public, raw in held[name].items() if public not in nodes]
        assert dead and not leaked(dead, group, group.dump(), room.people[name].store.groups), name


def test_old_leaf_keys_are_gone() -> None:
    room = Room(*people(4)).warm()
    old = {name: group._state.epoch.path.leaf_key.raw for name, group in room.groups.items()}
    room.deliver("p1", room["p1"].propose_update(now=NOW))
    room.commit("p2")  # p1 by an Update, p2 by its path
    for name in ("p1", "p2"):
        assert not leaked([old[name]], room[name], room[name].dump(), room.people[name].store.groups)


def test_a_blank_leaf_is_filled_again_from_the_left() -> None:
    room = Room(*people(8)).warm()
    room.commit("p0", remove=[2, 5])
    room.add("p1", [Person.make("new", 50)])
    assert room.leaf("new") == 2
    room.agree()
