"""The array form of a complete binary tree (RFC 9420 appendix C): leaf i is node 2i, the inner nodes lie between.

    level 2            3
                   ┌───┴───┐
    level 1        1       5
                 ┌─┴─┐   ┌─┴─┐
    level 0      0   2   4   6        leaves 0 1 2 3

A tree always has 2^d leaves, so a node's parent does not depend on how many.
"""

from __future__ import annotations

__all__ = [
    "ancestors",
    "common_ancestor",
    "copath",
    "direct_path",
    "left",
    "level",
    "node_width",
    "parent",
    "right",
    "root",
    "sibling",
    "span",
]


def level(node: int) -> int:
    """The height of a node above the leaves: how many ones its number ends with."""
    return (~node & (node + 1)).bit_length() - 1


def node_width(n_leaves: int) -> int:
    """How many nodes a tree of so many leaves has."""
    return 2 * n_leaves - 1 if n_leaves else 0


def root(n_leaves: int) -> int:
    """The root of a tree with 2^d leaves."""
    return n_leaves - 1


def left(node: int) -> int:
    """The left child of an inner node."""
    return node ^ (1 << (level(node) - 1))


def right(node: int) -> int:
    """The right child of an inner node."""
    return node ^ (3 << (level(node) - 1))


def parent(node: int) -> int:
    """The node above; of a root, the root that the next doubling brings."""
    bit = ~node & (node + 1)
    return (node | bit) & ~(bit << 1)


def sibling(node: int) -> int:
    """The other child of the node above."""
    return node ^ ((~node & (node + 1)) << 1)


def span(node: int) -> tuple[int, int]:
    """The first and the last leaf under a node, as indices of leaves."""
    half = (1 << level(node)) - 1
    return (node - half) // 2, (node + half) // 2


def ancestors(node: int, n_leaves: int) -> list[int]:
    """All nodes above a node, the lowest first."""
    top = n_leaves - 1
    found = []
    bit = ~node & (node + 1)
    while node != top:
        node = (node | bit) & ~(bit << 1)
        bit <<= 1
        found.append(node)
    return found


def direct_path(leaf: int, n_leaves: int) -> list[int]:
    """The nodes above a leaf (by its index), the lowest first (§4.1.2)."""
    return ancestors(2 * leaf, n_leaves)


def copath(leaf: int, n_leaves: int) -> list[int]:
    """The siblings of a leaf and of each node above it but the root, the lowest first."""
    path = [2 * leaf, *direct_path(leaf, n_leaves)]
    return [sibling(node) for node in path[:-1]]


def common_ancestor(leaf: int, other: int) -> int:
    """The lowest node above two different leaves (by their indices)."""
    height = (leaf ^ other).bit_length()
    return (2 * leaf >> height + 1 << height + 1) | ((1 << height) - 1)
