"""Random histories of a tree beside one that is written down from the RFC's text, recursively and without any cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import system_random
from connexa.mls.codec import V
from connexa.mls.nodes import LeafNode, ParentNode
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.tree_validation import check_tree
from tests.mls.trees import GROUP, ONE, TEMPLATE, leaf

SIGNER = ONE.generate_signature_key(system_random)
LEAVES = [leaf(signer=SIGNER) for _ in range(24)]
KEYS = [ONE.generate_key_pair(system_random).public for _ in range(400)]


@dataclass
class Naive:
    """A subtree of §4.1: a leaf, or two halves with a parent; blank where `node` is None."""

    first: int
    size: int
    node: LeafNode | ParentNode | None = None
    halves: list[Naive] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.size > 1:
            half = self.size // 2
            self.halves = [Naive(self.first, half), Naive(self.first + half, half)]

    def at(self, index: int) -> Naive:
        return self if self.size == 1 else self.halves[index >= self.halves[1].first].at(index)

    def path(self, index: int) -> list[Naive]:
        """From the root down to the leaf's parent."""
        return [] if self.size == 1 else [self, *self.halves[index >= self.halves[1].first].path(index)]

    def subtrees(self) -> list[Naive]:
        """All nodes in array order."""
        return [self] if self.size == 1 else [*self.halves[0].subtrees(), self, *self.halves[1].subtrees()]

    def place(self) -> int:
        return 2 * self.first + self.size - 1

    def members(self) -> list[int]:
        if self.size == 1:
            return [self.first] if self.node else []
        return self.halves[0].members() + self.halves[1].members()

    def resolution(self) -> list[int]:
        """§4.1.1."""
        if isinstance(self.node, ParentNode):
            return [self.place(), *(2 * leaf for leaf in self.node.unmerged_leaves)]
        if self.size == 1:
            return [self.place()] if self.node else []
        return self.halves[0].resolution() + self.halves[1].resolution()

    def hash(self, without: tuple[int, ...] = ()) -> bytes:
        """§7.8; without some leaves: the original sibling's (§7.9)."""
        if self.size == 1:
            here = None if self.first in without else self.node
            return sha256(b"\1" + self.first.to_bytes(4, "big") + (b"\1" + here.encode() if here else b"\0")).digest()
        content = b"\0"
        if isinstance(self.node, ParentNode):
            rest = tuple(leaf for leaf in self.node.unmerged_leaves if leaf not in without)
            content = b"\1" + ParentNode(self.node.encryption_key, self.node.parent_hash, rest).encode()
        return sha256(b"\2" + content + V(self.halves[0].hash(without)) + V(self.halves[1].hash(without))).digest()

    def encode(self) -> bytes:
        nodes = [one.node for one in self.subtrees()]
        while nodes and nodes[-1] is None:
            nodes.pop()
        return V(b"".join(b"\0" if n is None else bytes((1, 1 + isinstance(n, ParentNode))) + n.encode() for n in nodes))


class NaiveTree:
    """What the RFC says that adds, updates, removes and paths do."""

    def __init__(self) -> None:
        self.root = Naive(0, 1)

    def add(self, one: LeafNode) -> None:
        """§7.7, §12.1.1."""
        blank = [index for index in range(self.root.size) if self.root.at(index).node is None]
        if not blank:
            old, self.root = self.root, Naive(0, 2 * self.root.size)
            self.root.halves[0] = old
            blank = [old.size]
        for above in self.root.path(blank[0]):
            if isinstance(above.node, ParentNode):
                leaves = tuple(sorted((*above.node.unmerged_leaves, blank[0])))
                above.node = ParentNode(above.node.encryption_key, above.node.parent_hash, leaves)
        self.root.at(blank[0]).node = one

    def update(self, index: int, one: LeafNode | None) -> None:
        """§12.1.2; without a leaf the first half of §12.1.3."""
        for above in self.root.path(index):
            above.node = None
        self.root.at(index).node = one

    def remove(self, index: int) -> None:
        """§12.1.3."""
        self.update(index, None)
        while self.root.size > 1 and not self.root.halves[1].members():
            self.root = self.root.halves[0]

    def filtered(self, index: int) -> list[tuple[Naive, Naive]]:
        """§4.1.2: from the root down, each node with its child off the path."""
        path = self.root.path(index)
        on_path = [*path, self.root.at(index)][1:]
        pairs = [(above, above.halves[below is above.halves[0]]) for above, below in zip(path, on_path, strict=True)]
        return [(above, off) for above, off in pairs if off.resolution()]

    def path(self, index: int, keys: list[bytes]) -> bytes:
        """§7.5, §7.9: keys from the root down; gives the leaf's parent hash."""
        pairs = self.filtered(index)
        for above in self.root.path(index):
            above.node = None
        parent_hash = b""
        for (above, off), key in zip(pairs, keys, strict=True):
            above.node = ParentNode(key, parent_hash)
            parent_hash = sha256(V(key) + V(parent_hash) + V(off.hash())).digest()
        return parent_hash


@given(st.lists(st.tuples(st.sampled_from(["add", "add", "path", "path", "path", "update", "remove"]), st.integers(0, 2**16)), max_size=40))
def test_a_random_history(history: list[tuple[str, int]]) -> None:
    tree, naive = RatchetTree(ONE), NaiveTree()
    tree.add(LEAVES[0])
    naive.add(LEAVES[0])
    fresh, keys = iter(LEAVES[1:]), iter(KEYS)
    before: list[tuple[RatchetTree, bytes]] = []
    for step, number in history:
        members = naive.root.members()
        index = members[number % len(members)]
        before.append((tree, tree.encode()))
        tree = tree.copy()
        if step == "path":
            _path(tree, naive, index, keys)
        elif step == "remove" and len(members) > 1:
            tree.remove(index)
            naive.remove(index)
        elif (one := next(fresh, None)) is not None and step != "remove":
            _put(tree, naive, step, index, one)
        _equal(tree, naive)
    check_tree(RatchetTree.decode(ONE, tree.encode()), GROUP)
    assert all(old.encode() == encoded for old, encoded in before)


def _put(tree: RatchetTree, naive: NaiveTree, step: str, index: int, one: LeafNode) -> None:
    if step == "add":
        tree.add(one)
        naive.add(one)
    else:
        tree.update(index, one)
        naive.update(index, one)


def _path(tree: RatchetTree, naive: NaiveTree, index: int, keys: object) -> None:
    new = [next(keys) for _ in naive.filtered(index)]  # type: ignore[call-overload]
    parent_hash = naive.path(index, new)
    assert tree.put_path(index, new[::-1]) == parent_hash
    key = next(keys)  # type: ignore[call-overload]
    signed = LeafNode.sign(
        ONE,
        SIGNER,
        key,
        TEMPLATE.credential,
        TEMPLATE.capabilities,
        extensions=TEMPLATE.extensions,
        parent_hash=parent_hash,
        group_id=GROUP,
        leaf_index=index,
    )
    tree.put_leaf(index, signed)
    naive.root.at(index).node = signed


def _equal(tree: RatchetTree, naive: NaiveTree) -> None:
    subtrees = naive.root.subtrees()
    assert list(tree.nodes) == [one.node for one in subtrees]
    assert [list(tree.resolution(node)) for node in range(len(subtrees))] == [one.resolution() for one in subtrees]
    assert [tree.hash(node) for node in range(len(subtrees))] == [one.hash() for one in subtrees]
    assert tree.encode() == naive.root.encode()
    assert [index for index, _ in tree.members()] == naive.root.members()
    for index in naive.root.members():
        filtered = [(above.place(), off.place()) for above, off in naive.filtered(index)]
        assert tree.filtered_path(index) == filtered[::-1]
