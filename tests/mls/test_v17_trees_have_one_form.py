"""V17 (RFC 9420 §12.4.3.3): an encoded tree does not end with a blank, and has leaves at even and parents at odd places."""

from __future__ import annotations

import pytest

from connexa.mls import ValidationError
from connexa.mls.codec import V
from connexa.mls.ratchet_tree import RatchetTree
from tests.mls.hostile import RATCHET_TREE, Hostile
from tests.mls.kit import SUITE, Person, Room, refused

ROOM = Room("alice", "bob", "carol", "dave", "erin").warm()
BOB = Hostile(ROOM, "bob")


def everywhere(encoded: bytes, rule: str = "V17") -> None:
    """In a Welcome, beside one, in a GroupInfo, beside one, and for the layer alone."""
    newcomer = Person.make("newcomer", 44)
    bundle = newcomer.bundle()
    with refused(rule=rule, error=ValidationError):
        newcomer.join(BOB.welcome(bundle, encoded_tree=encoded), bundle)
    without = BOB.welcome(bundle, extensions=lambda extensions: extensions.without(RATCHET_TREE))
    with refused(rule=rule, error=ValidationError):
        newcomer.join(without, bundle, ratchet_tree=encoded)
    with refused(rule=rule, error=ValidationError):
        newcomer.external_join(BOB.group_info(encoded_tree=encoded))
    with refused(rule=rule, error=ValidationError):
        newcomer.external_join(ROOM["alice"].group_info(tree=False), ratchet_tree=encoded)
    with refused(rule=rule, error=ValidationError):
        RatchetTree.decode(SUITE, encoded)
    assert not newcomer.store.groups


@pytest.mark.parametrize("blanks", [1, 2, 3, 7])
def test_no_blank_at_the_end(blanks: int) -> None:
    everywhere(BOB.tree.encode(trailing=blanks))


@pytest.mark.parametrize("encoded", [V(b""), V(b"\0"), V(b"\0" * 7)], ids=["nothing", "one blank", "seven blanks"])
def test_not_only_blanks(encoded: bytes) -> None:
    everywhere(encoded)


@pytest.mark.parametrize("place", [1, 3, 5, 7])
def test_no_leaf_where_a_parent_belongs(place: int) -> None:
    tree = BOB.tree
    tree.nodes[place] = tree.nodes[0]
    everywhere(tree.encode())


@pytest.mark.parametrize("place", [0, 2, 8])
def test_no_parent_where_a_leaf_belongs(place: int) -> None:
    tree = BOB.tree
    tree.nodes[place] = tree.nodes[1]
    everywhere(tree.encode())


def test_what_we_encode_has_that_form() -> None:
    for group in ROOM.groups.values():
        encoded = group.ratchet_tree()
        assert RatchetTree.decode(SUITE, encoded).encode() == encoded
