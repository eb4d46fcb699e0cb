"""Which conversation a message belongs to, and how its place in the log is told (first-message §3)."""

from __future__ import annotations

from connexa.crypto import sha256
from connexa.identity import UserId

__all__ = ["NOTHING_SEEN", "conversation_id", "last_seen_hash"]

NOTHING_SEEN = bytes(32)


def conversation_id(one: UserId, other: UserId) -> bytes:
    """The conversation of two people, the same for both."""
    return sha256(b"connexa/conversation/v1\0", min(one, other), max(one, other))


def last_seen_hash(message_id: bytes, content: bytes) -> bytes:
    """What a message says about the newest entry that its sender had; `content` as encoded, before padding."""
    return sha256(message_id, content)
