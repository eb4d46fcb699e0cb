"""What stands in a ratchet tree and travels with it (RFC 9420 §7.1, §7.2, §7.6): leaves, parents, update paths.

A node that was read keeps the slice it was read from, so that what is signed and hashed is what was sent. Nodes never change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from connexa.crypto.mls import SignatureSecret
from connexa.mls.codec import V, items, raw, rv, u8, vec
from connexa.mls.credential import Credential
from connexa.mls.errors import DecodeError
from connexa.mls.extensions import Extensions, read_types, vec_types
from connexa.mls.registry import MLS10, LeafNodeSource
from connexa.mls.suite import Suite

__all__ = ["Capabilities", "Credential", "HPKECiphertext", "LeafNode", "Lifetime", "ParentNode", "UpdatePath", "UpdatePathNode"]

_LEAF_LABEL = "LeafNodeTBS"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a client supports (§7.2); default extensions and proposals are implied, and unknown numbers are ignored."""

    versions: tuple[int, ...] = (MLS10,)
    cipher_suites: tuple[int, ...] = ()
    extensions: tuple[int, ...] = ()
    proposals: tuple[int, ...] = ()
    credentials: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """Five lists."""
        return b"".join(map(vec_types, (self.versions, self.cipher_suites, self.extensions, self.proposals, self.credentials)))

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Capabilities, int]:
        """Five lists. Members of one application mostly have the same: each is parsed once."""
        start = pos
        for _ in range(5):
            _, pos = rv(buf, pos)
        lists = buf[start:pos]
        return (_known_capabilities if len(lists) <= _COMMON else _capabilities)(lists), pos


_COMMON = 256  # bytes; what is longer is nobody's usual list, and would only fill the memory


def _capabilities(raw: bytes) -> Capabilities:
    lists, pos = [], 0
    for _ in range(5):
        types, pos = read_types(raw, pos)
        lists.append(types)
    return Capabilities(*lists)


_known_capabilities = lru_cache(1024)(_capabilities)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a key package may be used, in Unix seconds; both ends belong to it (§7.2)."""

    not_before: int
    not_after: int

    def encode(self) -> bytes:
        """Two numbers of eight bytes."""
        return self.not_before.to_bytes(8, "big") + self.not_after.to_bytes(8, "big")

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Lifetime, int]:
        """Two numbers of eight bytes."""
        both, pos = raw(buf, pos, 16)
        return cls(int.from_bytes(both[:8], "big"), int.from_bytes(both[8:], "big")), pos

    def holds(self, now: int, late: int = 0) -> bool:
        """Whether `now`, or a time up to `late` seconds before, lies in it; never, if it ends before it begins (V11)."""
        return self.not_before <= min(now, self.not_after) and now - late <= self.not_after


@dataclass(frozen=True, slots=True)
class LeafNode:
    """A member as its group sees it (§7.2). `raw` is all of it, `tbs` the part that is signed (without its place in a group)."""

    encryption_key: bytes
    signature_key: bytes
    credential: Credential
    capabilities: Capabilities
    leaf_node_source: int
    lifetime: Lifetime | None  # of source key_package
    parent_hash: bytes | None  # of source commit
    extensions: Extensions
    signature: bytes = field(repr=False)
    raw: bytes = field(repr=False, compare=False)
    _tbs_length: int = field(repr=False, compare=False)

    @property
    def tbs(self) -> bytes:
        return self.raw[: self._tbs_length]

    @classmethod
    def sign(
        cls,
        suite: Suite,
        signer: SignatureSecret,
        encryption_key: bytes,
        credential: Credential,
        capabilities: Capabilities,
        *,
        extensions: Extensions,
        lifetime: Lifetime | None = None,
        parent_hash: bytes | None = None,
        group_id: bytes = b"",
        leaf_index: int = 0,
    ) -> LeafNode:
        """A leaf for a key package (with a lifetime), for a commit (with a parent hash), or for an Update (with neither)."""
        source, choice = LeafNodeSource.UPDATE, b""
        if lifetime is not None:
            source, choice = LeafNodeSource.KEY_PACKAGE, lifetime.encode()
        elif parent_hash is not None:
            source, choice = LeafNodeSource.COMMIT, V(parent_hash)
        head = V(encryption_key) + V(signer.public) + credential.encode() + capabilities.encode()
        tbs = head + bytes((source,)) + choice + extensions.encode()
        signature = suite.sign_with_label(signer, _LEAF_LABEL, tbs + _place(source, group_id, leaf_index))
        raw = tbs + V(signature)
        return cls(
            encryption_key, signer.public, credential, capabilities, source, lifetime, parent_hash, extensions, signature, raw, len(tbs)
        )

    def verify(self, suite: Suite, group_id: bytes, leaf_index: int) -> None:
        """Raise `CryptoError` unless its keys are keys (V45) and it is signed (V03): for this place, but in a key package."""
        suite.check_encryption_key(self.encryption_key)
        place = _place(self.leaf_node_source, group_id, leaf_index)
        suite.verify_with_label(self.signature_key, _LEAF_LABEL, self.tbs + place, self.signature, rule="V03")

    def encode(self) -> bytes:
        """The bytes that it was read from or signed as."""
        return self.raw

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[LeafNode, int]:
        """A leaf, unverified."""
        start = pos
        encryption_key, pos = rv(buf, pos)
        signature_key, pos = rv(buf, pos)
        credential, pos = Credential.read(buf, pos)
        capabilities, pos = Capabilities.read(buf, pos)
        source, pos = u8(buf, pos)
        lifetime: Lifetime | None = None
        parent_hash: bytes | None = None
        if source == LeafNodeSource.KEY_PACKAGE:
            lifetime, pos = Lifetime.read(buf, pos)
        elif source == LeafNodeSource.COMMIT:
            parent_hash, pos = rv(buf, pos)
        elif source != LeafNodeSource.UPDATE:
            raise DecodeError("A leaf comes from nowhere that we know.", "V02")
        extensions, pos = Extensions.read(buf, pos)
        tbs_length = pos - start
        signature, pos = rv(buf, pos)
        raw = buf[start:pos]
        leaf = cls(
            encryption_key, signature_key, credential, capabilities, source, lifetime, parent_hash, extensions, signature, raw, tbs_length
        )
        return leaf, pos


def _place(source: int, group_id: bytes, leaf_index: int) -> bytes:
    # §7.2: a key package's leaf belongs to no group yet.
    return b"" if source == LeafNodeSource.KEY_PACKAGE else V(group_id) + leaf_index.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class ParentNode:
    """A subtree's key, which all its members hold but those in `unmerged_leaves` (§7.1), leaf indices in rising order."""

    encryption_key: bytes
    parent_hash: bytes
    unmerged_leaves: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """Key, hash, and a vector of four-byte indices."""
        unmerged = b"".join([leaf.to_bytes(4, "big") for leaf in self.unmerged_leaves])
        return V(self.encryption_key) + V(self.parent_hash) + V(unmerged)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[ParentNode, int]:
        """A parent; whether its unmerged leaves fit the tree is the tree's matter (V15)."""
        key, pos = rv(buf, pos)
        parent_hash, pos = rv(buf, pos)
        unmerged, pos = rv(buf, pos)
        if len(unmerged) % 4:
            raise DecodeError("A list of leaves has part of an index.")
        leaves = tuple(int.from_bytes(unmerged[i : i + 4], "big") for i in range(0, len(unmerged), 4))
        return cls(key, parent_hash, leaves), pos


@dataclass(frozen=True, slots=True)
class HPKECiphertext:
    """Something sealed to one key (§7.6)."""

    kem_output: bytes
    ciphertext: bytes

    def encode(self) -> bytes:
        """Two vectors."""
        return V(self.kem_output) + V(self.ciphertext)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[HPKECiphertext, int]:
        """Two vectors."""
        kem_output, pos = rv(buf, pos)
        ciphertext, pos = rv(buf, pos)
        return cls(kem_output, ciphertext), pos


@dataclass(frozen=True, slots=True)
class UpdatePathNode:
    """A new key on a committer's path, and its path secret sealed to each key of the other side (§7.6)."""

    encryption_key: bytes
    encrypted_path_secret: Sequence[HPKECiphertext]

    def encode(self) -> bytes:
        """The key and the ciphertexts."""
        return V(self.encryption_key) + vec(one.encode() for one in self.encrypted_path_secret)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[UpdatePathNode, int]:
        """The key and the ciphertexts."""
        key, pos = rv(buf, pos)
        sealed, pos = items(HPKECiphertext.read, buf, pos)
        return cls(key, sealed), pos


@dataclass(frozen=True, slots=True)
class UpdatePath:
    """A committer's new leaf and the new keys of its filtered direct path, the lowest first (§7.6)."""

    leaf_node: LeafNode
    nodes: tuple[UpdatePathNode, ...]

    def encode(self) -> bytes:
        """The leaf and the nodes."""
        return self.leaf_node.raw + vec(node.encode() for node in self.nodes)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[UpdatePath, int]:
        """The leaf and the nodes, unverified."""
        leaf, pos = LeafNode.read(buf, pos)
        nodes, pos = items(UpdatePathNode.read, buf, pos)
        return cls(leaf, tuple(nodes)), pos
