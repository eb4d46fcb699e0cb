"""Trees for tests: leaves, trees that grew by commits, and a tree written down from the RFC's text."""

from __future__ import annotations

from connexa.crypto import system_random
from connexa.crypto.mls import KemSecret, SignatureSecret
from connexa.mls.codec import decode
from connexa.mls.extensions import NO_EXTENSIONS
from connexa.mls.nodes import Capabilities, Credential, LeafNode, Lifetime, UpdatePath
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.suite import SUITES, Suite
from connexa.mls.tree_kem import LeafTemplate, NewPath, PrivatePath, decap, encap

ONE = SUITES[1]
GROUP = b"group"
TEMPLATE = LeafTemplate(Credential.basic(b"member"), Capabilities(credentials=(1,)), NO_EXTENSIONS)


def leaf(suite: Suite = ONE, *, signer: SignatureSecret | None = None, key: KemSecret | None = None) -> LeafNode:
    """A key package's leaf."""
    signer = signer or suite.generate_signature_key(system_random)
    public = (key or suite.generate_key_pair(system_random)).public
    return LeafNode.sign(
        suite, signer, public, TEMPLATE.credential, TEMPLATE.capabilities, extensions=NO_EXTENSIONS, lifetime=Lifetime(0, 2**64 - 1)
    )


class Grower:
    """A tree, and the secrets of all its members."""

    def __init__(self, suite: Suite = ONE) -> None:
        self.tree = RatchetTree(suite)
        self.signers: dict[int, SignatureSecret] = {}
        self.private: dict[int, PrivatePath] = {}

    def join(self) -> int:
        """Somebody new at the leftmost blank leaf, who holds nothing but its own key."""
        suite = self.tree.suite
        signer, key = suite.generate_signature_key(system_random), suite.generate_key_pair(system_random)
        index = self.tree.add(leaf(suite, signer=signer, key=key))
        self.signers[index], self.private[index] = signer, PrivatePath(index, key)
        return index

    def path(self, index: int, added: frozenset[int] = frozenset()) -> NewPath:
        """A member's path over the tree as it is; nothing changes."""
        return encap(self.tree, index, TEMPLATE, self.signers[index], group_id=GROUP, context=self.context, rng=system_random, added=added)

    def commit(self, sender: int, added: frozenset[int] = frozenset()) -> None:
        """One member's path, taken in by all others and by those whom it adds."""
        new = self.path(sender, added)
        merged = self.tree.copy()
        merged.merge(sender, decode(UpdatePath.read, new.update_path.encode()), added)
        for index, one in self.private.items():
            if index == sender:
                self.private[index] = new.private
            elif index in added:
                self.private[index] = PrivatePath.join(merged, index, one.leaf_key, sender, new.secret_for(index))
            else:
                self.private[index], secret = decap(one, merged, sender, new.update_path, self.context(merged.hash()), added)
                assert secret == new.commit_secret
        self.tree = merged

    def remove(self, index: int) -> None:
        """A member goes, and everybody forgets what it knew."""
        self.tree.remove(index)
        self.private = {i: one.pruned(self.tree) for i, one in self.private.items() if i != index}

    @staticmethod
    def context(tree_hash: bytes) -> bytes:
        """What stands for the provisional GroupContext."""
        return b"context " + tree_hash


def grown(size: int, suite: Suite = ONE) -> Grower:
    """So many members, each added by the one before it with a commit."""
    grower = Grower(suite)
    for index in range(size):
        grower.join()
        if index:
            grower.commit(index - 1, frozenset({index}))
    return grower
