"""A ratchet tree as RFC 9420 §7 tells it, recursive and slow: for authors of trees and paths that keep to no rule.

Nothing here checks anything; nodes are set as they come.
"""

from __future__ import annotations

from typing import Any

from connexa.mls.codec import V, decode, items, optional, u8, vec
from connexa.mls.nodes import LeafNode, ParentNode
from connexa.mls.suite import Suite
from connexa.mls.tree_math import direct_path, left, right, root, sibling

__all__ = ["NaiveTree", "Node"]

Node = LeafNode | ParentNode | None


def _read_node(buf: bytes, pos: int) -> tuple[LeafNode | ParentNode, int]:
    kind, pos = u8(buf, pos)
    return LeafNode.read(buf, pos) if kind == 1 else ParentNode.read(buf, pos)


class NaiveTree:
    """Nodes in array order, full width."""

    def __init__(self, suite: Suite, nodes: list[Any]) -> None:
        self.suite = suite
        self.nodes = nodes
        while (len(self.nodes) + 1) & len(self.nodes):
            self.nodes.append(None)

    @classmethod
    def decode(cls, suite: Suite, encoded: bytes) -> NaiveTree:
        return cls(suite, decode(lambda buf, pos: items(lambda b, p: optional(_read_node, b, p), buf, pos), encoded))

    def encode(self, *, trailing: int = 0) -> bytes:
        """Without trailing blanks, but for as many as are wanted."""
        nodes = list(self.nodes)
        while nodes and nodes[-1] is None:
            nodes.pop()
        return vec(_encoded(node) for node in [*nodes, *[None] * trailing])

    @property
    def n_leaves(self) -> int:
        return (len(self.nodes) + 1) // 2

    def hash(self, node: int | None = None, without: frozenset[int] = frozenset()) -> bytes:
        """The tree hash of a subtree (§7.8), as if some leaves were not there (§7.9's original sibling)."""
        node = root(self.n_leaves) if node is None else node
        held = self.nodes[node]
        if not node & 1:
            if node // 2 in without:
                held = None
            return self.suite.hash(b"\1" + (node // 2).to_bytes(4, "big") + _optional(held))
        if isinstance(held, ParentNode) and without:
            held = ParentNode(held.encryption_key, held.parent_hash, tuple(i for i in held.unmerged_leaves if i not in without))
        below = V(self.hash(left(node), without)) + V(self.hash(right(node), without))
        return self.suite.hash(b"\2" + _optional(held) + below)

    def parent_hash(self, parent: int, child: int) -> bytes:
        """What `child`'s side stores of `parent` (§7.9)."""
        held = self.nodes[parent]
        assert isinstance(held, ParentNode)
        original = self.hash(sibling(child), frozenset(held.unmerged_leaves))
        return self.suite.hash(V(held.encryption_key) + V(held.parent_hash) + V(original))

    def resolution(self, node: int) -> list[int]:
        """§4.1.1."""
        held = self.nodes[node]
        if held is not None:
            return [node, *(2 * i for i in held.unmerged_leaves)] if isinstance(held, ParentNode) else [node]
        return [] if not node & 1 else self.resolution(left(node)) + self.resolution(right(node))

    def filtered(self, leaf: int) -> list[tuple[int, int]]:
        """The filtered direct path (§4.1.2): each node with its child on the copath."""
        found, below = [], 2 * leaf
        for node in direct_path(leaf, self.n_leaves):
            if self.resolution(sibling(below)):
                found.append((node, sibling(below)))
            below = node
        return found

    def add(self, leaf_node: LeafNode) -> int:
        """§7.7."""
        free = [i for i in range(self.n_leaves) if self.nodes[2 * i] is None]
        if not free:
            free = [self.n_leaves]
            self.nodes += [None] * (len(self.nodes) + 1)
        leaf = free[0]
        self.nodes[2 * leaf] = leaf_node
        for node in direct_path(leaf, self.n_leaves):
            held = self.nodes[node]
            if isinstance(held, ParentNode):
                self.nodes[node] = ParentNode(held.encryption_key, held.parent_hash, tuple(sorted((*held.unmerged_leaves, leaf))))
        return leaf

    def update(self, leaf: int, leaf_node: LeafNode | None) -> None:
        """A new leaf over a blank path."""
        self.nodes[2 * leaf] = leaf_node
        for node in direct_path(leaf, self.n_leaves):
            self.nodes[node] = None

    def remove(self, leaf: int) -> None:
        """Blank it, and halve the tree while its right half is empty."""
        self.update(leaf, None)
        while self.n_leaves > 1 and all(node is None for node in self.nodes[self.n_leaves - 1 :]):
            self.nodes = self.nodes[: self.n_leaves - 1]


def _optional(node: Node) -> bytes:
    return b"\0" if node is None else b"\1" + node.encode()


def _encoded(node: Node) -> bytes:
    return b"\0" if node is None else b"\1" + (b"\1" if isinstance(node, LeafNode) else b"\2") + node.encode()
