"""Numbers as protobuf writes them, for what is put together or read by hand; lengths come again and again, so both are remembered."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["number_of", "varint"]


@lru_cache(4_096)
def varint(value: int) -> bytes:
    """A number as it is written."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


@lru_cache(4_096)
def number_of(written: bytes) -> int:
    """The number that was written, at most 64 bits wide; one that is longer than need be is the same number."""
    value = 0
    for byte in reversed(written):
        value = value << 7 | byte & 0x7F
    return value
