"""Whether a tree that somebody hands to us can be a group's (RFC 9420 §7.9.2, §12.4.3.1): for joiners, and servers that follow."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from connexa.crypto import sha256
from connexa.mls import tree_math
from connexa.mls.errors import ValidationError
from connexa.mls.nodes import LeafNode, ParentNode
from connexa.mls.ratchet_tree import RatchetTree

__all__ = ["VerifiedLeaves", "check_tree", "verify_leaves"]

_THREADED = 128  # leaves from which on threads pay; checking a signature holds no lock
_CHUNK = 64


def check_tree(tree: RatchetTree, group_id: bytes, verified: VerifiedLeaves | None = None) -> None:
    """All that a tree shows by itself: unmerged leaves and parent hashes (V15), keys (V06, V16, V45), signatures (V03)."""
    parents = [(place, node) for place, node in enumerate(tree.nodes) if isinstance(node, ParentNode)]
    _check_keys(tree)
    unmerged = {place: frozenset(parent.unmerged_leaves) for place, parent in parents}
    for place, parent in parents:
        _check_unmerged(tree, place, parent, unmerged)
    for place, parent in parents:
        _check_parent_hash(tree, place, parent)
    verify_leaves(tree, group_id, verified)


def _check_keys(tree: RatchetTree) -> None:
    seen: set[bytes] = set()
    for node in tree.nodes:
        if node is None:
            continue
        if node.encryption_key in seen:
            rule = "V06" if isinstance(node, LeafNode) else "V16"
            raise ValidationError(rule, "Two nodes of a tree have one encryption key.")
        if isinstance(node, ParentNode):
            tree.suite.check_encryption_key(node.encryption_key)  # a leaf's is checked with its signature
        seen.add(node.encryption_key)


def _check_unmerged(tree: RatchetTree, place: int, parent: ParentNode, unmerged: Mapping[int, frozenset[int]]) -> None:
    leaves = parent.unmerged_leaves
    first, last = tree_math.span(place)
    if any(a >= b for a, b in pairwise(leaves)):
        raise ValidationError("V15", "The unmerged leaves of a parent are not in rising order.")
    if leaves and not first <= leaves[0] <= leaves[-1] <= last:
        raise ValidationError("V15", "An unmerged leaf does not stand under its parent.")
    for leaf in leaves:
        if tree.leaf(leaf) is None:
            raise ValidationError("V15", "An unmerged leaf is blank.")
        # The next parent on the way down is enough: that one answers for those below it.
        below = _next_parent(tree, leaf, place)
        if below is not None and leaf not in unmerged[below]:
            raise ValidationError("V15", "A leaf is unmerged above a parent that it is merged under.")


def _next_parent(tree: RatchetTree, leaf: int, place: int) -> int | None:
    """Where the highest parent between a leaf and the node at `place` stands that is not blank."""
    while place & 1:
        middle = place - 1  # the last leaf of the left half stands just before its parent in the array
        place = tree_math.left(place) if 2 * leaf <= middle else tree_math.right(place)
        if isinstance(tree.nodes[place], ParentNode):
            return place
    return None


def _check_parent_hash(tree: RatchetTree, place: int, parent: ParentNode) -> None:
    """A node below was made by the same commit and says so (§7.9.2); two cannot: each would name a hash of the other."""
    left, right = tree_math.left(place), tree_math.right(place)
    if not (_names(tree, place, parent, left, right) or _names(tree, place, parent, right, left)):
        raise ValidationError("V15", "A parent's place in the tree is not vouched for by a node below it.")


def _names(tree: RatchetTree, place: int, parent: ParentNode, child: int, off: int) -> bool:
    """Whether the one node that stands for that side names this parent; whoever stands beside it there came later."""
    unmerged = {2 * leaf for leaf in parent.unmerged_leaves}  # each under `child` is in its resolution: `_check_unmerged`
    made = [node for node in tree.resolution(child) if node not in unmerged]
    if len(made) != 1:
        return False
    below = tree.nodes[made[0]]
    return below is not None and below.parent_hash == tree.parent_hash(place, off)


def verify_leaves(tree: RatchetTree, group_id: bytes, verified: VerifiedLeaves | None = None) -> None:
    """Raise `CryptoError` (V03) unless each member signed its leaf for its place (V14); those verified before are not checked again."""
    suite = tree.suite
    fresh = [(index, leaf) for index, leaf in tree.members() if verified is None or not verified.holds(leaf, group_id, index)]

    def check(chunk: Sequence[tuple[int, LeafNode]]) -> None:
        for index, leaf in chunk:
            leaf.verify(suite, group_id, index)

    threads = min(4, os.cpu_count() or 1)
    if len(fresh) < _THREADED or threads == 1:
        check(fresh)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(check, [fresh[i : i + _CHUNK] for i in range(0, len(fresh), _CHUNK)]):
                pass
    if verified is not None:
        for index, leaf in fresh:
            verified.add(leaf, group_id, index)


class VerifiedLeaves:
    """Which leaf signatures were checked before: a rejoin or a resync does not pay for a thousand of them again."""

    __slots__ = ("_limit", "_seen")

    def __init__(self, limit: int = 65_536) -> None:
        self._limit = limit
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def holds(self, leaf: LeafNode, group_id: bytes, index: int) -> bool:
        """Whether this very leaf was verified for this place."""
        return _fingerprint(leaf, group_id, index) in self._seen

    def add(self, leaf: LeafNode, group_id: bytes, index: int) -> None:
        """Remember it, instead of the oldest if there are too many."""
        self._seen[_fingerprint(leaf, group_id, index)] = None
        if len(self._seen) > self._limit:
            self._seen.popitem(last=False)


def _fingerprint(leaf: LeafNode, group_id: bytes, index: int) -> bytes:
    return sha256(len(group_id).to_bytes(4, "big"), group_id, index.to_bytes(4, "big"), leaf.raw)
