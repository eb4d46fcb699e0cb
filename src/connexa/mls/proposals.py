"""Proposals and commits as structs (RFC 9420 §12.1, §12.4). Which lists of them hold together is `proposal_list`'s matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NewType

from connexa.mls.codec import V, items, optional, rv, u8, u16, u32, vec
from connexa.mls.errors import DecodeError
from connexa.mls.extensions import Extensions
from connexa.mls.key_package import KeyPackage
from connexa.mls.nodes import LeafNode, UpdatePath
from connexa.mls.psk import PreSharedKeyID
from connexa.mls.registry import MLS10, ProposalOrRefType, ProposalType

__all__ = [
    "Add",
    "Commit",
    "ExternalInit",
    "GroupContextExtensions",
    "PreSharedKey",
    "Proposal",
    "ProposalRef",
    "ReInit",
    "Remove",
    "Unknown",
    "Update",
    "encode_proposal",
    "read_proposal",
]

ProposalRef = NewType("ProposalRef", bytes)
"""The hash by which a commit refers to a proposal that was sent before (§5.2): `AuthenticatedContent.ref`."""


@dataclass(frozen=True, slots=True)
class Add:
    """§12.1.1: a new member, by a key package of theirs."""

    type: ClassVar[int] = ProposalType.ADD
    key_package: KeyPackage

    def encode(self) -> bytes:
        return self.key_package.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Add, int]:
        package, pos = KeyPackage.read(buf, pos)
        return cls(package), pos


@dataclass(frozen=True, slots=True)
class Update:
    """§12.1.2: the sender's own new leaf."""

    type: ClassVar[int] = ProposalType.UPDATE
    leaf_node: LeafNode

    def encode(self) -> bytes:
        return self.leaf_node.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Update, int]:
        leaf, pos = LeafNode.read(buf, pos)
        return cls(leaf), pos


@dataclass(frozen=True, slots=True)
class Remove:
    """§12.1.3: the member at a leaf goes."""

    type: ClassVar[int] = ProposalType.REMOVE
    removed: int

    def encode(self) -> bytes:
        return self.removed.to_bytes(4, "big")

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Remove, int]:
        removed, pos = u32(buf, pos)
        return cls(removed), pos


@dataclass(frozen=True, slots=True)
class PreSharedKey:
    """§12.1.4: a key that all members hold goes into the next epoch."""

    type: ClassVar[int] = ProposalType.PSK
    psk: PreSharedKeyID

    def encode(self) -> bytes:
        return self.psk.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[PreSharedKey, int]:
        psk, pos = PreSharedKeyID.read(buf, pos)
        return cls(psk), pos


@dataclass(frozen=True, slots=True)
class ReInit:
    """§12.1.5: this group ends, and another one takes its place."""

    type: ClassVar[int] = ProposalType.REINIT
    group_id: bytes
    cipher_suite: int
    extensions: Extensions
    version: int = MLS10

    def encode(self) -> bytes:
        return V(self.group_id) + self.version.to_bytes(2, "big") + self.cipher_suite.to_bytes(2, "big") + self.extensions.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[ReInit, int]:
        group_id, pos = rv(buf, pos)
        version, pos = u16(buf, pos)
        suite, pos = u16(buf, pos)
        extensions, pos = Extensions.read(buf, pos)
        return cls(group_id, suite, extensions, version), pos


@dataclass(frozen=True, slots=True)
class ExternalInit:
    """§12.1.6: the init secret of an external commit, sealed to the group's external key."""

    type: ClassVar[int] = ProposalType.EXTERNAL_INIT
    kem_output: bytes

    def encode(self) -> bytes:
        return V(self.kem_output)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[ExternalInit, int]:
        kem_output, pos = rv(buf, pos)
        return cls(kem_output), pos


@dataclass(frozen=True, slots=True)
class GroupContextExtensions:
    """§12.1.7: these extensions replace all those of the group."""

    type: ClassVar[int] = ProposalType.GROUP_CONTEXT_EXTENSIONS
    extensions: Extensions

    def encode(self) -> bytes:
        return self.extensions.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[GroupContextExtensions, int]:
        extensions, pos = Extensions.read(buf, pos)
        return cls(extensions), pos


@dataclass(frozen=True, slots=True)
class Unknown:
    """A proposal of another type, whose meaning is the application's. The RFC leaves its form open; ours is one vector of bytes."""

    type: int
    content: bytes

    def encode(self) -> bytes:
        return V(self.content)


Proposal = Add | Update | Remove | PreSharedKey | ReInit | ExternalInit | GroupContextExtensions | Unknown

_READERS: dict[int, Callable[[bytes, int], tuple[Proposal, int]]] = {
    kind.type: kind.read for kind in (Add, Update, Remove, PreSharedKey, ReInit, ExternalInit, GroupContextExtensions)
}


def encode_proposal(proposal: Proposal) -> bytes:
    """The type, and the proposal."""
    return proposal.type.to_bytes(2, "big") + proposal.encode()


def read_proposal(buf: bytes, pos: int) -> tuple[Proposal, int]:
    """A proposal behind its type."""
    kind, pos = u16(buf, pos)
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(buf, pos)
    content, pos = rv(buf, pos)
    return Unknown(kind, content), pos


@dataclass(frozen=True, slots=True)
class Commit:
    """§12.4: proposals, by value or by reference, and the committer's new path."""

    proposals: tuple[Proposal | ProposalRef, ...]
    path: UpdatePath | None

    def encode(self) -> bytes:
        return vec(map(_encode_listed, self.proposals)) + (b"\0" if self.path is None else b"\1" + self.path.encode())

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Commit, int]:
        proposals, pos = items(_read_listed, buf, pos)
        path, pos = optional(UpdatePath.read, buf, pos)
        return cls(tuple(proposals), path), pos


def _encode_listed(listed: Proposal | ProposalRef) -> bytes:
    if isinstance(listed, bytes):
        return bytes((ProposalOrRefType.REFERENCE,)) + V(listed)
    return bytes((ProposalOrRefType.PROPOSAL,)) + encode_proposal(listed)


def _read_listed(buf: bytes, pos: int) -> tuple[Proposal | ProposalRef, int]:
    kind, pos = u8(buf, pos)
    if kind == ProposalOrRefType.PROPOSAL:
        return read_proposal(buf, pos)
    if kind == ProposalOrRefType.REFERENCE:
        ref, pos = rv(buf, pos)
        return ProposalRef(ref), pos
    raise DecodeError("A commit lists neither a proposal nor a reference.", "V02")
