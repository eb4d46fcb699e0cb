"""What everybody may read of a group's messages: group, epoch, kind of content, private or not (RFC 9420 §6); and the parts of a Welcome.

A hub holds the former against what it is asked, in both modes, so that no message takes a commit's place in the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connexa.mls.codec import rv
from connexa.mls.errors import DecodeError, ValidationError
from connexa.mls.framing import MLSMessage, PrivateMessage, PublicMessage
from connexa.mls.registry import ContentType, SenderType
from connexa.mls.welcome import EncryptedGroupSecrets, Welcome, split
from connexa.wire.v1.groups_pb2 import GroupEntryKind

__all__ = ["Header", "check_welcome", "part_of_welcome", "read_header"]

_BEFORE_ENTRIES: Final = 6  # version, wire format, suite
_KINDS: Final = {
    ContentType.APPLICATION: GroupEntryKind.GROUP_ENTRY_MESSAGE,
    ContentType.PROPOSAL: GroupEntryKind.GROUP_ENTRY_PROPOSAL,
    ContentType.COMMIT: GroupEntryKind.GROUP_ENTRY_COMMIT,
}


@dataclass(frozen=True, slots=True)
class Header:
    """The part of a message that is never encrypted."""

    group: bytes
    epoch: int
    kind: GroupEntryKind
    private: bool
    joining: bool = False  # an external commit


def read_header(message: bytes) -> Header:
    """Read what is open of an MLSMessage that is framed content; DecodeError for anything else."""
    body = MLSMessage.decode(message).body
    if isinstance(body, PrivateMessage):
        return Header(body.group_id, body.epoch, _KINDS[body.content_type], private=True)
    if isinstance(body, PublicMessage):
        content = body.content
        joining = content.sender.type == SenderType.NEW_MEMBER_COMMIT
        return Header(content.group_id, content.epoch, _KINDS[content.content_type], private=False, joining=joining)
    raise DecodeError("This is no message of a group.")


def check_welcome(message: bytes, refs: Iterable[bytes]) -> None:
    """Refuse an MLSMessage that is no Welcome with one entry for each of these key packages, and none for others (V19)."""
    wanted = sorted(refs)
    entries = sorted(entry.new_member for entry in _welcome(message).secrets) if _is_short(message, len(wanted)) else []
    if entries != wanted or len(set(entries)) != len(entries):
        raise ValidationError("V19", "A Welcome has not one entry for each of the key packages.")


def _is_short(message: bytes, most: int) -> bool:
    """Whether a Welcome has so many entries at most: seventy thousand empty ones fit into one, and reading them all takes a while."""
    entries, _ = rv(message, _BEFORE_ENTRIES)
    at = 0
    for _ in range(most):
        if at == len(entries):
            return True
        _, at = EncryptedGroupSecrets.read(entries, at)
    return at == len(entries)


def part_of_welcome(message: bytes, ref: bytes) -> bytes:
    """The part of an MLSMessage with a Welcome that one key package needs."""
    return MLSMessage(split(_welcome(message), ref)).encode()


def _welcome(message: bytes) -> Welcome:
    welcome = MLSMessage.decode(message).body
    if not isinstance(welcome, Welcome):
        raise DecodeError("This is no Welcome.")
    return welcome
