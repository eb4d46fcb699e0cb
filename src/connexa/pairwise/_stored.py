"""What the stored form of a session is made of; read back strictly, anything that does not fit is `session.broken`."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from connexa.errors import IntegrityError

__all__ = ["COUNT", "Reader", "broken", "counted", "dump_keys", "dump_skipped", "seconds"]

COUNT = struct.Struct(">H")
_KEY = struct.Struct(">I32s")


def counted(part: bytes) -> bytes:
    """A few bytes behind their length."""
    return COUNT.pack(len(part)) + part


def seconds(time: int) -> int:
    """A unix time as a u32; a clock that is wrong by a century breaks nothing."""
    return min(max(time, 0), 0xFFFF_FFFF)


def dump_keys(keys: list[bytes]) -> bytes:
    """A u16 of bits that say which keys are there, then those, 32 bytes each."""
    present = sum(1 << i for i, key in enumerate(keys) if key)
    return COUNT.pack(present) + b"".join(keys)


def dump_skipped(skipped: Mapping[int, bytes]) -> bytes:
    """Stored message keys with their numbers."""
    return COUNT.pack(len(skipped)) + b"".join(_KEY.pack(n, key) for n, key in skipped.items())


class Reader:
    """Walks over stored bytes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, length: int) -> bytes:
        part = self._raw[self._at : self._at + length]
        if len(part) != length:
            raise broken()
        self._at += length
        return part

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        return layout.unpack(self.take(layout.size))

    def counted(self) -> bytes:
        return self.take(self.unpack(COUNT)[0])

    def keys(self, count: int) -> list[bytes]:
        (present,) = self.unpack(COUNT)
        if present >> count:
            raise broken()
        return [self.take(32) if present >> i & 1 else b"" for i in range(count)]

    def skipped(self) -> dict[int, bytes]:
        (count,) = self.unpack(COUNT)
        return dict(_KEY.iter_unpack(self.take(count * _KEY.size)))

    @property
    def left(self) -> bool:
        return self._at < len(self._raw)

    def end(self) -> None:
        if self.left:
            raise broken()


def broken() -> IntegrityError:
    """The one refusal of stored bytes."""
    return IntegrityError("session.broken", "A stored session cannot be read.", "The database was changed or is from a newer version.")
