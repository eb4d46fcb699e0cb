"""The public ratchet tree (RFC 9420 §4, §7.7 to §7.9): who stands where, under which keys; its resolutions and hashes.

In memory a tree always has its full width of 2^d leaves. Nodes never change, so a copy shares them and everything computed about
them; a change forgets only what was known of the nodes above it. Whether a received tree is a valid one, `tree_validation` says.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from connexa.mls import tree_math
from connexa.mls.codec import MAX_ITEMS, V, decode, rv
from connexa.mls.errors import DecodeError, ValidationError
from connexa.mls.nodes import LeafNode, ParentNode, UpdatePath
from connexa.mls.registry import NodeType
from connexa.mls.suite import Suite

__all__ = ["RatchetTree"]

Node = LeafNode | ParentNode

_TAGS = {LeafNode: b"\1\1", ParentNode: b"\1\2"}  # present, and its type


class RatchetTree:
    """A tree under one suite. Leaves go by their index, nodes by their place in the array (leaf i is node 2i)."""

    __slots__ = ("_end", "_first_blank", "_hashes", "_nodes", "_resolutions", "suite")

    def __init__(self, suite: Suite, nodes: Sequence[Node | None] = ()) -> None:
        """A tree of these nodes in array order; missing ones behind the last are blank."""
        width = 1
        while 2 * width - 1 < len(nodes):
            width *= 2
        size = 2 * width - 1
        self.suite = suite
        self._nodes: list[Node | None] = [*nodes, *[None] * (size - len(nodes))]
        self._hashes: list[bytes | None] = [None] * size
        self._resolutions: list[tuple[int, ...] | None] = [None] * size
        self._first_blank = 0  # no leaf before this one is blank
        self._end = width  # and none from this one on is not; both spare a search at each add and remove

    def copy(self) -> RatchetTree:
        """Another tree that changes by itself."""
        other = RatchetTree.__new__(RatchetTree)
        other.suite = self.suite
        other._nodes = self._nodes.copy()
        other._hashes = self._hashes.copy()
        other._resolutions = self._resolutions.copy()
        other._first_blank = self._first_blank
        other._end = self._end
        return other

    # Who is where

    @property
    def width(self) -> int:
        """How many leaves there is room for, blank ones too."""
        return (len(self._nodes) + 1) // 2

    @property
    def nodes(self) -> Sequence[Node | None]:
        """All nodes in array order; not to be changed."""
        return self._nodes

    def leaf(self, index: int) -> LeafNode | None:
        """The member at that leaf; none if it is blank or lies outside."""
        node = self._nodes[2 * index] if 0 <= index < self.width else None
        return node if isinstance(node, LeafNode) else None

    def leaves(self) -> list[LeafNode | None]:
        """All leaves, none where one is blank."""
        return [node if isinstance(node, LeafNode) else None for node in self._nodes[::2]]

    def members(self) -> Iterator[tuple[int, LeafNode]]:
        """The leaves that are not blank, with their indices."""
        for index, node in enumerate(self._nodes[::2]):
            if isinstance(node, LeafNode):
                yield index, node

    def find(self, leaf: LeafNode) -> int | None:
        """The index of that whole leaf: a joiner finds itself by it (§12.4.3.1)."""
        return next((index for index, node in self.members() if node.raw == leaf.raw), None)

    def encryption_key(self, node: int) -> bytes:
        """The public key of a node that is not blank."""
        found = self._nodes[node]
        if found is None:
            raise ValueError("a blank node has no key")
        return found.encryption_key

    # Paths and resolutions

    def resolution(self, node: int) -> tuple[int, ...]:
        """The nodes that together stand for everybody under this one (§4.1.1)."""
        known = self._resolutions[node]
        if known is not None:
            return known
        here = self._nodes[node]
        found: tuple[int, ...] = ()
        if isinstance(here, LeafNode):
            found = (node,)
        elif here is not None:
            found = (node, *[2 * leaf for leaf in here.unmerged_leaves])
        elif node & 1:
            found = self.resolution(tree_math.left(node)) + self.resolution(tree_math.right(node))
        self._resolutions[node] = found
        return found

    def filtered_path(self, index: int) -> list[tuple[int, int]]:
        """The filtered direct path of a leaf (§4.1.2), the lowest node first, each with its child off the path."""
        found, node = [], 2 * index
        for above in tree_math.direct_path(index, self.width):
            off = tree_math.sibling(node)
            if self.resolution(off):
                found.append((above, off))
            node = above
        return found

    def recipients(self, node: int, added: Container[int] = ()) -> list[int]:
        """The resolution without leaves that the same commit adds: to whom a path secret is sealed (§7.5, V34)."""
        return [one for one in self.resolution(node) if one & 1 or one >> 1 not in added]

    # Hashes

    def hash(self, node: int | None = None) -> bytes:
        """The tree hash of a node, or of the whole tree (§7.8)."""
        node = tree_math.root(self.width) if node is None else node
        known = self._hashes[node]
        if known is not None:
            return known
        if node & 1:
            left, right = self.hash(tree_math.left(node)), self.hash(tree_math.right(node))
            found = self._hash_parent(self._nodes[node], left, right)
        else:
            found = self._hash_leaf(node, self._nodes[node])
        self._hashes[node] = found
        return found

    def parent_hash(self, node: int, off: int) -> bytes:
        """What the next node below a parent on a path holds of it (§7.9); `off` is the parent's child off that path."""
        here = self._nodes[node]
        if not isinstance(here, ParentNode):
            raise ValueError("only a parent has a parent hash")
        original = self._hash_without(off, here.unmerged_leaves)
        return self.suite.hash(V(here.encryption_key) + V(here.parent_hash) + V(original))

    def _hash_without(self, node: int, leaves: Sequence[int]) -> bytes:
        """The tree hash as it was before these leaves came: the original sibling's (§7.9)."""
        first, last = tree_math.span(node)
        inside = leaves[bisect_left(leaves, first) : bisect_right(leaves, last)]
        if not inside:
            return self.hash(node)
        if not node & 1:
            return self._hash_leaf(node, None)
        here = self._nodes[node]
        if isinstance(here, ParentNode):
            gone = frozenset(inside)
            here = replace(here, unmerged_leaves=tuple(leaf for leaf in here.unmerged_leaves if leaf not in gone))
        left, right = tree_math.left(node), tree_math.right(node)
        return self._hash_parent(here, self._hash_without(left, inside), self._hash_without(right, inside))

    def _hash_leaf(self, node: int, leaf: Node | None) -> bytes:
        content = b"\0" if leaf is None else b"\1" + leaf.encode()
        return self.suite.hash(b"\1" + (node >> 1).to_bytes(4, "big") + content)

    def _hash_parent(self, parent: Node | None, left: bytes, right: bytes) -> bytes:
        content = b"\0" if parent is None else b"\1" + parent.encode()
        return self.suite.hash(b"\2" + content + V(left) + V(right))

    # Changes

    def add(self, leaf: LeafNode) -> int:
        """Put a new member at the leftmost blank leaf, and into the unmerged leaves of the parents above (§12.1.1)."""
        index = self.make_room()
        self.put_leaf(index, leaf)
        for above in tree_math.direct_path(index, self.width):
            parent = self._nodes[above]
            if isinstance(parent, ParentNode):
                unmerged = list(parent.unmerged_leaves)
                insort(unmerged, index)
                self._nodes[above] = replace(parent, unmerged_leaves=tuple(unmerged))
        return index

    def make_room(self) -> int:
        """The leftmost blank leaf; a full tree doubles."""
        index, width = self._first_blank, self.width
        while index < width and self._nodes[2 * index] is not None:
            index += 1
        self._first_blank = index
        if index == width:
            for cells in (self._nodes, self._hashes, self._resolutions):
                cells.extend([None] * (2 * width))
        return index

    def update(self, index: int, leaf: LeafNode) -> None:
        """Give a member a new leaf and blank the parents above (§12.1.2)."""
        self._blank_path(index)
        self.put_leaf(index, leaf)

    def remove(self, index: int) -> None:
        """Blank a leaf and the parents above, and halve the tree while its right half is empty (§12.1.3, §7.7)."""
        self._blank_path(index)
        self._nodes[2 * index] = None
        self._forget(2 * index)
        self._first_blank = min(self._first_blank, index)
        while self._end > 1 and self._nodes[2 * self._end - 2] is None:
            self._end -= 1
        width = self.width
        while width // 2 >= self._end:
            width //= 2
        if width < self.width:
            for cells in (self._nodes, self._hashes, self._resolutions):
                del cells[2 * width - 1 :]

    def put_leaf(self, index: int, leaf: LeafNode) -> None:
        """Set a leaf and nothing else."""
        self._nodes[2 * index] = leaf
        self._end = max(self._end, index + 1)
        self._forget(2 * index)

    def put_path(self, index: int, keys: Sequence[bytes]) -> bytes:
        """Give the filtered path of a leaf new keys, the lowest first, and blank the rest above it; the leaf's parent hash (§7.9.1)."""
        path = self.filtered_path(index)
        if len(keys) != len(path):
            raise ValidationError("V34", "A path has not one key for each node that it should have.")
        self._blank_path(index)
        self._forget(2 * index)
        parent_hash = b""
        for (node, off), key in zip(reversed(path), reversed(keys), strict=True):
            self._nodes[node] = ParentNode(key, parent_hash)
            parent_hash = self.parent_hash(node, off)
        return parent_hash

    def merge(self, index: int, path: UpdatePath, added: Container[int] = ()) -> None:
        """Take over a committer's path (§7.5), after the proposals of its commit, which added the leaves `added`.

        Raises `ValidationError` with V34, V35 or V36; the tree is then of no use, so a caller merges into a copy.
        """
        self._check_new_keys(index, path)
        for (_, off), node in zip(self.filtered_path(index), path.nodes, strict=False):
            if len(node.encrypted_path_secret) != len(self.recipients(off, added)):
                raise ValidationError("V34", "A path secret is not sealed once for each who needs it.")
        parent_hash = self.put_path(index, [node.encryption_key for node in path.nodes])
        if path.leaf_node.parent_hash != parent_hash:
            raise ValidationError("V36", "A committer's leaf does not name the path above it.")
        self.put_leaf(index, path.leaf_node)

    def _check_new_keys(self, index: int, path: UpdatePath) -> None:
        fresh = [path.leaf_node.encryption_key, *(node.encryption_key for node in path.nodes)]
        known = set(fresh)
        # The leaf of somebody who joins by this very commit may stand in the tree already.
        taken = any(node.encryption_key in known for node in self._nodes if node is not None and node is not path.leaf_node)
        if taken or len(known) != len(fresh):
            raise ValidationError("V35", "A path brings a key that is in the tree already.")
        for key in fresh:
            self.suite.check_encryption_key(key)

    def _blank_path(self, index: int) -> None:
        for above in tree_math.direct_path(index, self.width):
            self._nodes[above] = None

    def _forget(self, node: int) -> None:
        """What is known of a node and of all above it does not hold any more."""
        self._hashes[node] = self._resolutions[node] = None
        for above in tree_math.ancestors(node, self.width):
            self._hashes[above] = self._resolutions[above] = None

    # The ratchet_tree extension

    def encode(self) -> bytes:
        """`optional<Node> ratchet_tree<V>` without blanks behind the last node (§12.4.3.3)."""
        end = len(self._nodes)
        while end and self._nodes[end - 1] is None:
            end -= 1
        nodes = self._nodes[:end]
        return V(b"".join([b"\0" if node is None else _TAGS[type(node)] + node.encode() for node in nodes]))

    @classmethod
    def decode(cls, suite: Suite, encoded: bytes) -> RatchetTree:
        """The tree in an extension, unverified; `ValidationError` (V17) if it is not in the one form that a tree has."""
        content = decode(rv, encoded)
        nodes: list[Node | None] = []
        pos, size = 0, len(content)
        while pos < size:
            node, pos = _read_node(content, pos, len(nodes))
            nodes.append(node)
            if len(nodes) > MAX_ITEMS:
                raise DecodeError("A tree has more nodes than we allow.")
        if not nodes or nodes[-1] is None:
            raise ValidationError("V17", "A tree is empty, or ends with a blank node.")
        return cls(suite, nodes)


def _read_node(buf: bytes, pos: int, place: int) -> tuple[Node | None, int]:
    present = buf[pos]
    if present == 0:
        return None, pos + 1
    if present != 1:
        raise DecodeError("An optional is neither present nor absent.", "V02")
    kind = buf[pos + 1] if pos + 1 < len(buf) else 0
    if kind not in (NodeType.LEAF, NodeType.PARENT):
        raise DecodeError("A node is neither a leaf nor a parent.", "V02")
    if (kind == NodeType.PARENT) != bool(place & 1):
        raise ValidationError("V17", "A tree has a leaf or a parent where the other belongs.")
    if kind == NodeType.PARENT:
        return ParentNode.read(buf, pos + 2)
    return LeafNode.read(buf, pos + 2)
