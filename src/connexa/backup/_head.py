"""The head of a backup file: which series it belongs to, its place there, its counter, and the salt of all its keys.

In the clear and bound to everything behind it: the head is part of the associated data of each sealed piece.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from connexa.errors import IntegrityError, RefusedError

__all__ = ["HEAD_BYTES", "Head"]

_MAGIC: Final = b"Connexa backup\0"
_FORMAT: Final = 1
_LAYOUT: Final = struct.Struct(">15sB16sQI32s32s")
HEAD_BYTES: Final = _LAYOUT.size


@dataclass(frozen=True, slots=True)
class Head:
    """Where a file stands. A series is a base (`place` 0) and its increments, each naming the SHA-256 of the file before it."""

    series: bytes  # 16, random
    counter: int  # counts all backups of an account, so that an old one can be told (P27)
    place: int
    previous: bytes  # 32; zeros in a base
    salt: bytes  # 32, random in each file (P37)

    @property
    def raw(self) -> bytes:
        """The head's bytes."""
        return _LAYOUT.pack(_MAGIC, _FORMAT, self.series, self.counter, self.place, self.previous, self.salt)

    @classmethod
    def read(cls, raw: bytes) -> Head:
        """Read the first bytes of a file: `backup.malformed` where it is no backup, `backup.newer` where another version wrote it."""
        if len(raw) < HEAD_BYTES or not raw.startswith(_MAGIC):
            raise IntegrityError("backup.malformed", "This file is not a backup, or not a whole one.")
        _, version, series, counter, place, previous, salt = _LAYOUT.unpack_from(raw)
        if version != _FORMAT:
            raise RefusedError("backup.newer", "This backup was made by a newer Connexa.", "Upgrade Connexa, then try again.")
        if (place == 0) != (previous == bytes(32)):
            raise IntegrityError("backup.malformed", "The head of this backup contradicts itself.")
        return cls(series, counter, place, previous, salt)
