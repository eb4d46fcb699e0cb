"""The TLS presentation language of RFC 9420 §2.1: big-endian numbers, vectors behind a variable-length header, optionals.

Every struct of this room is read by `Struct.read(buffer, position) -> (struct, next position)` and written by `struct.encode()`;
`decode` reads one that fills the whole buffer. Reading is syntax alone: it resolves no reference, checks no signature and no rule. What
it admits encodes to the same bytes again, since a length has one form only; a struct that is signed or hashed keeps the slice it came from.
Nothing here recurses: the depth of what can be read is the depth of the RFC's structs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from connexa.mls.errors import DecodeError

__all__ = [
    "MAX_ITEMS",
    "MAX_VECTOR",
    "Reader",
    "V",
    "decode",
    "gv",
    "items",
    "optional",
    "raw",
    "rv",
    "u8",
    "u16",
    "u32",
    "u64",
    "vec",
    "vi",
]

T = TypeVar("T")
Reader = Callable[[bytes, int], tuple[T, int]]

MAX_VECTOR = 1 << 24
"""Bytes in one vector or message that we read: the tree of 50,000 members, of 5,000 post-quantum ones.

What was read takes up to a hundred times its bytes, so who lets strangers' bytes in sets a limit of its own that is lower."""

MAX_ITEMS = 1 << 17
"""Items in one list: the nodes of 65,536 members."""

_MAX_LENGTH = (1 << 30) - 1


def vi(length: int) -> bytes:
    """The header of a vector of so many bytes (§2.1.2)."""
    if length < 0x40:
        return length.to_bytes(1, "big")
    if length < 0x4000:
        return (length | 0x4000).to_bytes(2, "big")
    if length <= _MAX_LENGTH:
        return (length | 0x80000000).to_bytes(4, "big")
    raise ValueError("longer than any MLS vector")


def gv(buf: bytes, pos: int) -> tuple[int, int]:
    """The length that a header states, and the position behind the header; only the shortest form is one (V01)."""
    try:
        first = buf[pos]
    except IndexError:
        raise DecodeError("The input ends before a length.") from None
    if first < 0x40:
        return first, pos + 1
    if first < 0x80:
        size, least = 2, 0x40
    elif first < 0xC0:
        size, least = 4, 0x4000
    else:
        raise DecodeError("A length begins with the bits 11.")
    header = buf[pos : pos + size]
    if len(header) < size:
        raise DecodeError("The input ends inside a length.")
    length = int.from_bytes(header, "big") & ((1 << (8 * size - 2)) - 1)
    if length < least:
        raise DecodeError("A length is not in its shortest form.")
    return length, pos + size


def rv(buf: bytes, pos: int) -> tuple[bytes, int]:
    """A vector of bytes, and the position behind it."""
    if pos < len(buf) and (length := buf[pos]) < 0x40:  # most vectors are short: no call for their header
        pos += 1
    else:
        length, pos = gv(buf, pos)
    end = pos + length
    if end > len(buf) or length > MAX_VECTOR:
        raise DecodeError("A vector is longer than its input, or than we allow.")
    return buf[pos:end], end


def V(content: bytes) -> bytes:  # noqa: N802 - the RFC's <V>
    """The bytes behind their length."""
    length = len(content)
    return (length.to_bytes(1, "big") if length < 0x40 else vi(length)) + content


def raw(buf: bytes, pos: int, size: int) -> tuple[bytes, int]:
    """So many bytes without a length."""
    end = pos + size
    if end > len(buf):
        raise DecodeError("The input ends too early.")
    return buf[pos:end], end


def u8(buf: bytes, pos: int) -> tuple[int, int]:
    """A number of one byte."""
    try:
        return buf[pos], pos + 1
    except IndexError:
        raise DecodeError("The input ends too early.") from None


def u16(buf: bytes, pos: int) -> tuple[int, int]:
    """A number of two bytes."""
    try:
        return buf[pos] << 8 | buf[pos + 1], pos + 2
    except IndexError:
        raise DecodeError("The input ends too early.") from None


def u32(buf: bytes, pos: int) -> tuple[int, int]:
    """A number of four bytes."""
    content, pos = raw(buf, pos, 4)
    return int.from_bytes(content, "big"), pos


def u64(buf: bytes, pos: int) -> tuple[int, int]:
    """A number of eight bytes."""
    content, pos = raw(buf, pos, 8)
    return int.from_bytes(content, "big"), pos


def optional(read: Reader[T], buf: bytes, pos: int) -> tuple[T | None, int]:
    """What may be absent: behind an octet 0 or 1 (§2.1.1, V02)."""
    present, pos = u8(buf, pos)
    if present == 0:
        return None, pos
    if present == 1:
        return read(buf, pos)
    raise DecodeError("An optional is neither present nor absent.", "V02")


def items(read: Reader[T], buf: bytes, pos: int) -> tuple[list[T], int]:
    """A vector of structs, which fill it exactly."""
    content, end = rv(buf, pos)
    found: list[T] = []
    at, size = 0, len(content)
    while at < size:
        if len(found) == MAX_ITEMS:
            raise DecodeError("A list has more items than we allow.")
        item, at = read(content, at)
        found.append(item)
    return found, end


def vec(encoded: Iterable[bytes]) -> bytes:
    """A vector of structs that are already encoded."""
    return V(b"".join(encoded))


def decode(read: Reader[T], buf: bytes) -> T:
    """The struct that fills the whole buffer (V01)."""
    found, end = read(buf, 0)
    if end != len(buf):
        raise DecodeError("Bytes follow a complete structure.")
    return found
