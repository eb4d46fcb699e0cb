"""How a tree changes, and what one is refused for (V15, V16, V17); the official trees are in `conformance`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import system_random
from connexa.mls.codec import V, decode
from connexa.mls.errors import CryptoError, DecodeError, MLSError, ValidationError
from connexa.mls.nodes import LeafNode, ParentNode
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.suite import SUITES, Suite
from connexa.mls.tree_validation import VerifiedLeaves, check_tree, verify_leaves
from tests.mls.trees import ONE, Grower, grown, leaf


def test_any_changed_byte_of_a_tree_is_refused(vectors: Path) -> None:
    """Everything in a tree is signed, or vouched for by something that is, but for what one parent alone says of its place."""
    cases = json.loads((vectors / "mls/tree-validation.json").read_text())
    case = next(one for one in cases if one["cipher_suite"] == 1 and len(one["tree_hashes"]) == 15)
    encoded, group_id = bytes.fromhex(case["tree"]), bytes.fromhex(case["group_id"])
    for position in range(0, len(encoded), 3):
        changed = encoded[:position] + bytes([encoded[position] ^ 1]) + encoded[position + 1 :]
        with pytest.raises(MLSError):
            check_tree(RatchetTree.decode(ONE, changed), group_id)


@pytest.mark.parametrize("suite", SUITES.values(), ids=lambda s: str(int(s.number)))
def test_one_member(suite: Suite) -> None:
    tree = RatchetTree(suite)
    assert tree.add(leaf(suite)) == 0
    assert (tree.width, tree.resolution(0), tree.filtered_path(0)) == (1, (0,), [])
    check_tree(tree, b"")
    assert RatchetTree.decode(suite, tree.encode()).hash() == tree.hash()


def test_a_tree_grows_to_the_right_and_shrinks_again() -> None:
    tree = RatchetTree(ONE)
    leaves = [leaf() for _ in range(9)]
    assert [tree.add(one) for one in leaves] == list(range(9))
    assert tree.width == 16
    tree.remove(2)
    tree.remove(5)
    assert tree.add(leaves[5]) == 2
    assert tree.width == 16
    tree.remove(8)
    assert tree.width == 8
    assert tree.make_room() == 5
    assert [index for index, _ in tree.members()] == [0, 1, 2, 3, 4, 6, 7]
    assert tree.find(leaves[5]) == 2
    assert tree.find(leaves[8]) is None
    assert [tree.leaf(index) for index in (-1, 5, 8, 10**9)] == [None] * 4
    for index in (7, 6, 4, 3, 2, 1, 0):
        tree.remove(index)
    assert (tree.width, list(tree.members())) == (1, [])


def test_a_copy_changes_by_itself() -> None:
    tree = grown(9).tree
    encoded, root = tree.encode(), tree.hash()
    copy = tree.copy()
    copy.remove(8)
    copy.add(leaf())
    copy.update(0, leaf())
    assert copy.hash() != root
    assert (tree.encode(), tree.hash()) == (encoded, root)


def test_trailing_blanks_and_nodes_in_each_others_places() -> None:
    one, parent = b"\1\1" + leaf().raw, b"\1\2" + ParentNode(b"k", b"").encode()
    for nodes in ((), (one, b"\0"), (one, one), (parent,), (one, b"\0", parent), (b"\0",)):
        with pytest.raises(ValidationError) as refused:
            RatchetTree.decode(ONE, V(b"".join(nodes)))
        assert refused.value.rule == "V17"
    for nodes in ((b"\2",), (b"\1\3",), (b"\1",), (one, b"\1\0")):
        with pytest.raises(DecodeError) as malformed:
            RatchetTree.decode(ONE, V(b"".join(nodes)))
        assert malformed.value.rule == "V02"


def test_a_grown_tree_is_a_valid_one() -> None:
    for size in (2, 3, 5, 8, 13):
        grower = grown(size)
        check_tree(RatchetTree.decode(ONE, grower.tree.encode()), b"group")


def _with(grower: Grower, place: int, **changes: Any) -> RatchetTree:
    """The tree with one parent changed: everything else stays."""
    parent = grower.tree.nodes[place]
    assert isinstance(parent, ParentNode)
    nodes = list(grower.tree.nodes)
    fields = {"encryption_key": parent.encryption_key, "parent_hash": parent.parent_hash, "unmerged_leaves": parent.unmerged_leaves}
    nodes[place] = ParentNode(**{**fields, **changes})
    return RatchetTree(ONE, nodes)


def test_a_parent_that_nobody_vouches_for() -> None:
    grower = grown(8)
    blank = list(grower.tree.nodes)
    blank[3] = None
    for broken in (
        _with(grower, 3, parent_hash=bytes(32)),
        _with(grower, 3, encryption_key=leaf().encryption_key),
        RatchetTree(ONE, blank),
    ):
        with pytest.raises(ValidationError) as refused:
            check_tree(broken, b"group")
        assert refused.value.rule == "V15"


def test_unmerged_leaves_that_do_not_fit() -> None:
    grower = grown(7)
    grower.tree.add(leaf())  # leaf 7, unmerged under 11 and 7
    check_tree(grower.tree, b"group")
    wrong: list[tuple[int, tuple[int, ...]]] = [
        (7, ()),
        (7, (7, 7)),
        (7, (7, 6)),
        (7, (6, 7)),
        (7, (7, 8)),
        (11, (3, 7)),
        (3, (1,)),
        (11, ()),
    ]
    for place, leaves in wrong:
        with pytest.raises(ValidationError) as refused:
            check_tree(_with(grower, place, unmerged_leaves=leaves), b"group")
        assert refused.value.rule == "V15"
    gone = list(grower.tree.nodes)
    gone[14] = None
    with pytest.raises(ValidationError) as refused:
        check_tree(RatchetTree(ONE, gone), b"group")
    assert refused.value.rule == "V15"


def test_a_leaf_that_came_after_both_halves_were_merged() -> None:
    """The root was made by a leaf of the left half, when the right half did not list the newcomer: its hash of then counts."""
    grower = grown(7)
    grower.commit(0)
    grower.join()
    right = grower.tree.nodes[11]
    assert isinstance(right, ParentNode)
    assert right.unmerged_leaves == (7,)
    check_tree(grower.tree, b"group")


def test_a_leaf_that_is_unmerged_above_a_parent_that_it_is_merged_under() -> None:
    """Every hash in this tree holds: its insiders signed the right half with the newcomer in it, the root without."""
    grower = grown(7)
    newcomer = grower.join()
    late = grower.tree.leaf(newcomer)
    assert late is not None
    grower.commit(4)
    nodes = list(grower.tree.nodes)
    nodes[2 * newcomer] = None
    grower.tree = RatchetTree(ONE, nodes)
    tree = grower.path(0).tree
    nodes = list(tree.nodes)
    nodes[2 * newcomer] = late
    root = nodes[7]
    assert isinstance(root, ParentNode)
    nodes[7] = ParentNode(root.encryption_key, root.parent_hash, (newcomer,))
    with pytest.raises(ValidationError) as refused:
        check_tree(RatchetTree(ONE, nodes), b"group")
    assert refused.value.rule == "V15"


def test_keys_that_two_nodes_have() -> None:
    grower = grown(4)
    for place, key in ((1, grower.tree.encryption_key(5)), (3, grower.tree.encryption_key(0))):
        with pytest.raises(ValidationError) as refused:
            check_tree(_with(grower, place, encryption_key=key), b"group")
        assert refused.value.rule == "V16"
    nodes = list(grower.tree.nodes)
    nodes[4] = nodes[6]
    with pytest.raises(ValidationError) as refused:
        check_tree(RatchetTree(ONE, nodes), b"group")
    assert refused.value.rule == "V06"
    with pytest.raises(CryptoError) as inadmissible:
        check_tree(_with(grower, 3, encryption_key=bytes(32)), b"group")
    assert inadmissible.value.rule == "V45"


def test_leaves_verified_once_are_not_verified_again() -> None:
    grower, seen = grown(3), VerifiedLeaves(limit=3)
    verify_leaves(grower.tree, b"group", seen)
    for index, one in grower.tree.members():
        assert seen.holds(one, b"group", index)
        assert not seen.holds(one, b"group", index + 1)
        assert not seen.holds(one, b"other", index)
    with pytest.raises(CryptoError):
        verify_leaves(grower.tree, b"other", seen)
    good = grower.tree.leaf(2)
    assert good is not None
    bad = decode(LeafNode.read, good.raw[:-1] + bytes([good.raw[-1] ^ 1]))
    grower.tree.put_leaf(2, bad)
    with pytest.raises(CryptoError):
        verify_leaves(grower.tree, b"group", seen)
    seen.add(bad, b"group", 2)
    verify_leaves(grower.tree, b"group", seen)  # nobody looked
    seen.add(leaf(), b"group", 9)
    assert not seen.holds(good, b"group", 2)  # the oldest went


def test_one_bad_signature_among_many_is_found() -> None:
    """More leaves than one thread checks."""
    tree = RatchetTree(ONE)
    signer = ONE.generate_signature_key(system_random)
    for _ in range(200):
        tree.add(leaf(signer=signer))
    verify_leaves(tree, b"group")
    good = tree.leaf(150)
    assert good is not None
    tree.put_leaf(150, decode(LeafNode.read, good.raw[:-1] + bytes([good.raw[-1] ^ 1])))
    with pytest.raises(CryptoError) as refused:
        verify_leaves(tree, b"group")
    assert refused.value.rule == "V03"
