"""What a homeserver says by the thousand, `LinkDown.push` and `LinkDown.committed`, put together by hand: what is pushed is stored as it is
pushed, so neither storing nor pushing encodes a message anew.

Protobuf takes fields in any order, so an item is the stored part with a number before it and, where devices share a body, the body behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ._varint import varint

__all__ = ["body_field", "committed_frame", "push_frame", "push_item", "stored_item"]

_COMMITTED = b"\x2a"  # LinkDown.committed
_UP_TO = b"\x08"  # Committed.up_to
_PUSH = b"\x32"  # LinkDown.push
_ITEM = b"\x0a"  # Push.items
_SEQ = b"\x08"  # PushItem.seq, and so on
_ACCEPTED_AT = b"\x10"
_CLASS = b"\x18"
_ENVELOPE = b"\x22"
_BODY = b"\x2a"
_PACKET = b"\x32"


def stored_item(accepted_at: int, kind: int, envelope: bytes, packet: bytes, body: bytes = b"") -> bytes:
    """A `PushItem` without its number; `packet` is a serialised `Packet`, `body` is left out where it is kept beside."""
    head = (_head(accepted_at, kind), varint(len(envelope)), envelope, _PACKET, varint(len(packet)), packet)
    return b"".join((*head, _BODY, varint(len(body)), body)) if body else b"".join(head)


def body_field(body: bytes) -> bytes:
    """The field of an item that holds the body."""
    return b"".join((_BODY, varint(len(body)), body))


def push_item(seq: int, stored: bytes, shared: bytes = b"") -> bytes:
    """A `PushItem`, as it stands in a frame; `shared` is the body's field where it is kept beside."""
    number = varint(seq)
    return b"".join((_ITEM, varint(1 + len(number) + len(stored) + len(shared)), _SEQ, number, stored, shared))


def push_frame(items: Iterable[bytes]) -> bytes:
    """`LinkDown` with these items."""
    push = b"".join(items)
    return b"".join((_PUSH, varint(len(push)), push))


def committed_frame(up_to: int) -> bytes:
    """`LinkDown` that acknowledges all numbers of a stream up to this one."""
    number = varint(up_to)
    return b"".join((_COMMITTED, varint(1 + len(number)), _UP_TO, number))


@lru_cache(64)
def _head(accepted_at: int, kind: int) -> bytes:
    """The beginning of an item: the same for all that is accepted within a second."""
    return b"".join((_ACCEPTED_AT, varint(accepted_at), _CLASS, varint(kind), _ENVELOPE))
