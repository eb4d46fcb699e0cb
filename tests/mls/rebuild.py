"""An encoder for tests: it writes a struct from its fields alone, and ignores the slices that our own encoders keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connexa.mls.codec import V, vec
from connexa.mls.content import AuthenticatedContent, FramedContent
from connexa.mls.framing import MLSMessage, PrivateMessage, PublicMessage
from connexa.mls.key_package import KeyPackage
from connexa.mls.nodes import LeafNode, UpdatePath
from connexa.mls.proposals import Add, Commit, Update
from connexa.mls.welcome import GroupInfo

__all__ = ["rebuild"]


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _leaf(leaf: LeafNode) -> bytes:
    choice = leaf.lifetime.encode() if leaf.lifetime else b"" if leaf.parent_hash is None else V(leaf.parent_hash)
    head = V(leaf.encryption_key) + V(leaf.signature_key) + leaf.credential.encode() + leaf.capabilities.encode()
    return head + bytes((leaf.leaf_node_source,)) + choice + leaf.extensions.encode() + V(leaf.signature)


def _key_package(package: KeyPackage) -> bytes:
    head = u16(package.version) + u16(package.cipher_suite) + V(package.init_key) + rebuild(package.leaf_node)
    return head + package.extensions.encode() + V(package.signature)


def _path(path: UpdatePath) -> bytes:
    nodes = (V(node.encryption_key) + vec(one.encode() for one in node.encrypted_path_secret) for node in path.nodes)
    return rebuild(path.leaf_node) + vec(nodes)


def _group_info(info: GroupInfo) -> bytes:
    return info.group_context.encode() + info.extensions.encode() + V(info.confirmation_tag) + u32(info.signer) + V(info.signature)


def _commit(commit: Commit) -> bytes:
    listed = (b"\2" + V(one) if isinstance(one, bytes) else b"\1" + u16(one.type) + rebuild(one) for one in commit.proposals)
    return vec(listed) + (b"\0" if commit.path is None else b"\1" + rebuild(commit.path))


def _content(content: FramedContent) -> bytes:
    if isinstance(content.body, bytes):
        body = V(content.body)
    else:
        body = (b"" if isinstance(content.body, Commit) else u16(content.body.type)) + rebuild(content.body)
    head = V(content.group_id) + u64(content.epoch) + content.sender.encode() + V(content.authenticated_data)
    return head + bytes((content.content_type,)) + body


def _auth(authenticated: AuthenticatedContent) -> bytes:
    tag = authenticated.confirmation_tag
    return V(authenticated.signature) + (b"" if tag is None else V(tag))


def _public(message: PublicMessage) -> bytes:
    tag = b"" if message.membership_tag is None else V(message.membership_tag)
    return _content(message.content) + _auth(message.authenticated) + tag


def _private(message: PrivateMessage) -> bytes:
    head = V(message.group_id) + u64(message.epoch) + bytes((message.content_type,)) + V(message.authenticated_data)
    return head + V(message.encrypted_sender_data) + V(message.ciphertext)


_WRITERS: dict[type, Callable[[Any], bytes]] = {
    LeafNode: _leaf,
    KeyPackage: _key_package,
    UpdatePath: _path,
    GroupInfo: _group_info,
    Commit: _commit,
    FramedContent: _content,
    PublicMessage: _public,
    PrivateMessage: _private,
    Add: lambda add: rebuild(add.key_package),
    Update: lambda update: rebuild(update.leaf_node),
    MLSMessage: lambda message: b"\0\1" + u16(message.wire_format) + rebuild(message.body),
}


def rebuild(struct: Any) -> bytes:
    """The encoding of a struct from its fields; those that keep no slice encode themselves."""
    writer: Callable[[Any], bytes] = _WRITERS.get(type(struct), type(struct).encode)
    return writer(struct)
