"""TreeKEM (RFC 9420 §7.4 to §7.6): a member's secret keys in the tree, and how one member's fresh path reaches all others.

path_secret[0] ─"path"─► path_secret[1] ─"path"─► … ─"path"─► commit_secret
      │ "node"                 │ "node"
  key pair of the lowest   key pair of the next          (nodes of the committer's filtered direct path)
      node
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from connexa.crypto import Rng, Secret
from connexa.crypto.mls import KemSecret, SignatureSecret
from connexa.mls import tree_math
from connexa.mls.codec import V, items, rv, u32, vec
from connexa.mls.errors import CryptoError, ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.nodes import Capabilities, Credential, HPKECiphertext, LeafNode, UpdatePath, UpdatePathNode
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.suite import Suite

__all__ = ["LeafTemplate", "NewPath", "PrivatePath", "decap", "encap"]

_LABEL = "UpdatePathNode"


class PrivatePath(Secret):
    """What one member can open: its leaf's key, and the keys of the nodes above that it was told."""

    __slots__ = ("leaf_index", "leaf_key", "node_keys")

    leaf_index: int
    leaf_key: KemSecret
    node_keys: Mapping[int, KemSecret]

    def __init__(self, leaf_index: int, leaf_key: KemSecret, node_keys: Mapping[int, KemSecret] | None = None) -> None:
        self.leaf_index = leaf_index
        self.leaf_key = leaf_key
        self.node_keys = node_keys or {}

    def key(self, node: int) -> KemSecret | None:
        """The secret key of a node, if this member holds it."""
        return self.leaf_key if node == 2 * self.leaf_index else self.node_keys.get(node)

    def pruned(self, tree: RatchetTree) -> PrivatePath:
        """Without the keys of nodes that are blank in that tree, or have another key, or are no more (V44)."""
        kept = {
            node: key
            for node, key in self.node_keys.items()
            if node < len(tree.nodes) and (public := tree.nodes[node]) is not None and public.encryption_key == key.public
        }
        return PrivatePath(self.leaf_index, self.leaf_key, kept)

    def updated(self, leaf_key: KemSecret, tree: RatchetTree) -> PrivatePath:
        """After an own Update was committed: the new leaf's key, and what is left above."""
        return PrivatePath(self.leaf_index, leaf_key, self.node_keys).pruned(tree)

    @classmethod
    def join(cls, tree: RatchetTree, leaf_index: int, leaf_key: KemSecret, committer: int, path_secret: bytes | None) -> PrivatePath:
        """A new member's, from the path secret in its Welcome, which has to give the tree's own keys up to the root (V20)."""
        path = cls(leaf_index, leaf_key)
        if path_secret is None:
            return path
        meeting = tree_math.common_ancestor(leaf_index, committer)
        above = [meeting, *tree_math.ancestors(meeting, tree.width)]
        nodes = [node for node in above if tree.nodes[node] is not None]
        if nodes[:1] != [meeting]:
            raise ValidationError("V20", "A Welcome holds a secret of a node that is blank.")
        keys, _ = _climb(tree.suite, path_secret, [tree.encryption_key(node) for node in nodes], "V20")
        return cls(leaf_index, leaf_key, dict(zip(nodes, keys, strict=True)))

    def encode(self) -> bytes:
        """Its stored form; secret."""
        keys = vec(node.to_bytes(4, "big") + V(key.raw) for node, key in self.node_keys.items())
        return self.leaf_index.to_bytes(4, "big") + V(self.leaf_key.raw) + keys

    @classmethod
    def read(cls, suite: Suite, buf: bytes, pos: int) -> tuple[PrivatePath, int]:
        """From its stored form."""
        leaf_index, pos = u32(buf, pos)
        leaf_key, pos = rv(buf, pos)
        keys, pos = items(_read_key, buf, pos)
        return cls(leaf_index, suite.load_key_pair(leaf_key), {node: suite.load_key_pair(raw) for node, raw in keys}), pos


def _read_key(buf: bytes, pos: int) -> tuple[tuple[int, bytes], int]:
    node, pos = u32(buf, pos)
    raw, pos = rv(buf, pos)
    return (node, raw), pos


@dataclass(frozen=True, slots=True)
class LeafTemplate:
    """What a committer's new leaf says of it, besides its keys."""

    credential: Credential
    capabilities: Capabilities
    extensions: Extensions

    @classmethod
    def of(cls, leaf: LeafNode) -> LeafTemplate:
        """What a leaf says already."""
        return cls(leaf.credential, leaf.capabilities, leaf.extensions)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NewPath(Secret):
    """A path of one's own: what all receive, the tree with it, and what nobody else may see."""

    update_path: UpdatePath
    tree: RatchetTree
    private: PrivatePath
    commit_secret: bytes
    path_secrets: Mapping[int, bytes]

    def secret_for(self, leaf_index: int) -> bytes:
        """What the Welcome tells a member that the same commit adds at this leaf."""
        return self.path_secrets[tree_math.common_ancestor(self.private.leaf_index, leaf_index)]


def encap(
    tree: RatchetTree,
    leaf_index: int,
    template: LeafTemplate,
    signer: SignatureSecret,
    *,
    group_id: bytes,
    context: Callable[[bytes], bytes],
    rng: Rng,
    added: Container[int] = (),
) -> NewPath:
    """Fresh keys from a leaf to the root of a tree in which the commit's proposals are done already; the tree stays as it is.

    `context` gives the encoded provisional GroupContext for the new tree's hash (V37). Leaves that the commit adds receive
    nothing here, their secret comes with the Welcome. A newcomer by external commit takes `tree.make_room()` before.
    """
    suite, tree = tree.suite, tree.copy()
    path = tree.filtered_path(leaf_index)
    leaf_key = suite.generate_key_pair(rng)
    secrets = _path_secrets(suite, rng(suite.nh), len(path))
    keys = [suite.derive_key_pair(suite.derive_secret(secret, "node")) for secret in secrets[:-1]]
    parent_hash = tree.put_path(leaf_index, [key.public for key in keys])
    leaf = LeafNode.sign(
        suite,
        signer,
        leaf_key.public,
        template.credential,
        template.capabilities,
        extensions=template.extensions,
        parent_hash=parent_hash,
        group_id=group_id,
        leaf_index=leaf_index,
    )
    tree.put_leaf(leaf_index, leaf)
    sealer = suite.sealer(_LABEL, context(tree.hash()))
    nodes = []
    for (_, off), key, secret in zip(path, keys, secrets, strict=False):
        sealed = [HPKECiphertext(*sealer.seal(tree.encryption_key(one), secret, rng)) for one in tree.recipients(off, added)]
        nodes.append(UpdatePathNode(key.public, tuple(sealed)))
    places = [node for node, _ in path]
    private = PrivatePath(leaf_index, leaf_key, dict(zip(places, keys, strict=True)))
    path_secrets = dict(zip(places, secrets, strict=False))
    return NewPath(UpdatePath(leaf, tuple(nodes)), tree, private, secrets[-1], path_secrets)


def decap(
    private: PrivatePath, tree: RatchetTree, committer: int, path: UpdatePath, context: bytes, added: Container[int] = ()
) -> tuple[PrivatePath, bytes]:
    """What another member's path gives to this one: its keys afterwards, and the commit secret.

    `tree` has the path merged, `context` is the provisional GroupContext. `CryptoError` if the secret cannot be opened,
    `ValidationError` (V36) if it does not give the keys that the path shows.
    """
    suite = tree.suite
    meeting = tree_math.common_ancestor(committer, private.leaf_index)
    filtered = tree.filtered_path(committer)
    start = next((i for i, (node, _) in enumerate(filtered) if node == meeting), None)
    if start is None:
        raise ValidationError("V34", "A path has no secret for this member.")
    sealed, key = _addressed(private, tree.recipients(filtered[start][1], added), path.nodes[start].encrypted_path_secret)
    secret = suite.decrypt_with_label(key, _LABEL, context, sealed.kem_output, sealed.ciphertext)
    keys, commit_secret = _climb(suite, secret, [node.encryption_key for node in path.nodes[start:]], "V36")
    told = {node: key for (node, _), key in zip(filtered[start:], keys, strict=True)}
    kept = private.pruned(tree)
    return PrivatePath(kept.leaf_index, kept.leaf_key, {**kept.node_keys, **told}), commit_secret


def _addressed(private: PrivatePath, recipients: Sequence[int], sealed: Sequence[HPKECiphertext]) -> tuple[HPKECiphertext, KemSecret]:
    """The ciphertext that is for us, and the key that opens it."""
    for one, node in zip(sealed, recipients, strict=True):
        key = private.key(node)
        if key is not None:
            return one, key
    raise CryptoError("No secret of a path is sealed to a key of ours.")


def _path_secrets(suite: Suite, first: bytes, count: int) -> list[bytes]:
    """So many path secrets, and the commit secret behind them (§7.4, §12.4.1)."""
    secrets = [first]
    for _ in range(count):
        secrets.append(suite.derive_secret(secrets[-1], "path"))
    return secrets


def _climb(suite: Suite, secret: bytes, publics: Sequence[bytes], rule: str) -> tuple[list[KemSecret], bytes]:
    """The key pairs from one path secret to the root, which have these public keys, and the commit secret."""
    secrets = _path_secrets(suite, secret, len(publics))
    keys = [suite.derive_key_pair(suite.derive_secret(one, "node")) for one in secrets[:-1]]
    if any(key.public != public for key, public in zip(keys, publics, strict=True)):
        raise ValidationError(rule, "A path secret does not give the keys of the nodes above it.")
    return keys, secrets[-1]
