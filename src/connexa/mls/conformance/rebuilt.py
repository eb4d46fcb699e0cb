"""Structs written again from their fields alone.

A struct that is signed or hashed keeps the slice that it was read from and encodes as it. So its round trip proves nothing about how its
fields were read; this does. Everything else has no slice, and its own `encode` writes its fields.
"""

from __future__ import annotations

from typing import Protocol

from connexa.mls.codec import V, vec
from connexa.mls.framing import FramedContent, MLSMessage, PublicMessage
from connexa.mls.key_package import KeyPackage
from connexa.mls.nodes import LeafNode, UpdatePath
from connexa.mls.proposals import Add, Commit, Proposal, ProposalRef, Update
from connexa.mls.registry import ProposalOrRefType
from connexa.mls.welcome import GroupInfo

__all__ = ["Encodable", "rebuilt"]


class Encodable(Protocol):
    """What knows its encoding."""

    def encode(self) -> bytes:
        """The encoding."""


def rebuilt(struct: Encodable) -> bytes:
    """The encoding of a struct, from its fields."""
    if isinstance(struct, LeafNode):
        return _leaf(struct)
    if isinstance(struct, KeyPackage):
        return _key_package(struct)
    if isinstance(struct, GroupInfo):
        head = struct.group_context.encode() + struct.extensions.encode() + V(struct.confirmation_tag)
        return head + struct.signer.to_bytes(4, "big") + V(struct.signature)
    if isinstance(struct, UpdatePath):
        return _leaf(struct.leaf_node) + vec(node.encode() for node in struct.nodes)
    if isinstance(struct, Commit):
        path = b"\0" if struct.path is None else b"\1" + rebuilt(struct.path)
        return vec(map(_listed, struct.proposals)) + path
    if isinstance(struct, Add):
        return _key_package(struct.key_package)
    if isinstance(struct, Update):
        return _leaf(struct.leaf_node)
    if isinstance(struct, PublicMessage):
        tag = b"" if struct.membership_tag is None else V(struct.membership_tag)
        return _content(struct.content) + struct.authenticated.auth_data() + tag
    if isinstance(struct, MLSMessage):
        return struct.encode()[:4] + rebuilt(struct.body)
    return struct.encode()


def _leaf(leaf: LeafNode) -> bytes:
    source = b""
    if leaf.lifetime is not None:
        source = leaf.lifetime.encode()
    elif leaf.parent_hash is not None:
        source = V(leaf.parent_hash)
    head = V(leaf.encryption_key) + V(leaf.signature_key) + leaf.credential.encode() + leaf.capabilities.encode()
    return head + bytes((leaf.leaf_node_source,)) + source + leaf.extensions.encode() + V(leaf.signature)


def _key_package(package: KeyPackage) -> bytes:
    head = package.version.to_bytes(2, "big") + package.cipher_suite.to_bytes(2, "big") + V(package.init_key)
    return head + _leaf(package.leaf_node) + package.extensions.encode() + V(package.signature)


def _content(content: FramedContent) -> bytes:
    head = V(content.group_id) + content.epoch.to_bytes(8, "big") + content.sender.encode() + V(content.authenticated_data)
    body = content.body
    head += bytes((content.content_type,))
    if isinstance(body, bytes):
        return head + V(body)
    return head + (rebuilt(body) if isinstance(body, Commit) else _proposal(body))


def _proposal(proposal: Proposal) -> bytes:
    return proposal.type.to_bytes(2, "big") + rebuilt(proposal)


def _listed(listed: Proposal | ProposalRef) -> bytes:
    if isinstance(listed, bytes):
        return bytes((ProposalOrRefType.REFERENCE,)) + V(listed)
    return bytes((ProposalOrRefType.PROPOSAL,)) + _proposal(listed)
