"""`LinkDown.push` put together by hand: what is pushed is stored as it is pushed, so neither storing nor pushing encodes a message anew.

Protobuf takes fields in any order, so an item is the stored part with a number before it and, where devices share a body, the body behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["body_field", "push_frame", "push_item", "stored_item"]

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
    head = (_head(accepted_at, kind), _varint(len(envelope)), envelope, _PACKET, _varint(len(packet)), packet)
    return b"".join((*head, _BODY, _varint(len(body)), body)) if body else b"".join(head)


def body_field(body: bytes) -> bytes:
    """The field of an item that holds the body."""
    return b"".join((_BODY, _varint(len(body)), body))


def push_item(seq: int, stored: bytes, shared: bytes = b"") -> bytes:
    """A `PushItem`, as it stands in a frame; `shared` is the body's field where it is kept beside."""
    number = _varint(seq)
    return b"".join((_ITEM, _varint(1 + len(number) + len(stored) + len(shared)), _SEQ, number, stored, shared))


def push_frame(items: Iterable[bytes]) -> bytes:
    """`LinkDown` with these items."""
    push = b"".join(items)
    return b"".join((_PUSH, _varint(len(push)), push))


@lru_cache(64)
def _head(accepted_at: int, kind: int) -> bytes:
    """The beginning of an item: the same for all that is accepted within a second."""
    return b"".join((_ACCEPTED_AT, _varint(accepted_at), _CLASS, _varint(kind), _ENVELOPE))


@lru_cache(4_096)  # lengths come again and again
def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
