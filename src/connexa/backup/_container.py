"""A backup file: front (head, identity, backup key, commitment), then the records in sealed chunks, as a stream in both directions.

    front   head 108 | commitment 32, identity 52 | commitment 32, backup key 48 | commitment 32 to the chunks' key
    chunk   ChaCha20-Poly1305 of 64 KiB (the last one: what is left), nonce 0^7 | u32 index | u8 last,
            AD "Connexa/1 backup" | head | user id | u32 index | u8 last
    inside  (u32 length | record)*, u32 0, then zeros up to the size class; nothing is compressed

The size class is Padmé's, from 4 KiB on. Whoever reads gets records only out of chunks that were proved; that nothing is missing is
known at the end alone, so a reader must have read all of it before it believes any of it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from connexa.backup._head import HEAD_BYTES, Head
from connexa.backup._keys import COMMIT_BYTES, IDENTITY_BYTES, WRAPPED_BYTES, RecoveryKey, content_key
from connexa.crypto import TAG_BYTES, InvalidTag, aead_open, aead_seal, equal
from connexa.errors import IntegrityError
from connexa.identity import UserSecret

__all__ = ["FRONT_BYTES", "MAX_RECORD", "Front", "Opener", "Sealer"]

CHUNK: Final = 64 * 1024
SEALED_CHUNK: Final = CHUNK + TAG_BYTES
MAX_RECORD: Final = 256 * 1024
SMALLEST: Final = 4096
FRONT_BYTES: Final = HEAD_BYTES + IDENTITY_BYTES + WRAPPED_BYTES + COMMIT_BYTES
_LABEL: Final = b"Connexa/1 backup"
_LENGTH: Final = struct.Struct(">I")
_PLACE: Final = struct.Struct(">IB")


def size_class(length: int) -> int:
    """The length to which a payload is padded: Padmé, at least 4 KiB (pairwise §5)."""
    if length <= SMALLEST:
        return SMALLEST
    exponent = length.bit_length() - 1
    step = 1 << exponent - exponent.bit_length()
    return -(-length // step) * step


class Sealer:
    """Writes one file: `front`, then what `add` and `finish` give."""

    def __init__(self, head: Head, user: UserSecret, recovery: RecoveryKey, backup_key: bytes) -> None:
        self._key, commit = content_key(backup_key, head)
        self._ad = _LABEL + head.raw + user.id
        self._buffer = bytearray()
        self._index = 0
        self._length = 0
        self._hash = hashlib.sha256()
        self.front = self._out(head.raw + recovery.seal_identity(head, user) + recovery.seal_backup_key(head, backup_key) + commit)

    @property
    def digest(self) -> bytes:
        """SHA-256 of everything given out: the next increment names it."""
        return self._hash.digest()

    def add(self, record: bytes) -> bytes:
        """Take one record; returns what the file goes on with, perhaps nothing yet."""
        if not 0 < len(record) <= MAX_RECORD:
            raise ValueError("a record has 1 byte to 256 KiB")
        return b"".join(self._take(_LENGTH.pack(len(record)) + record))

    def finish(self) -> Iterator[bytes]:
        """The rest of the file."""
        yield from self._take(bytes(_LENGTH.size))
        missing = size_class(self._length) - self._length
        while missing:
            zeros = min(missing, CHUNK)
            yield from self._take(bytes(zeros))
            missing -= zeros
        yield self._seal(len(self._buffer), last=True)

    def _take(self, piece: bytes) -> Iterator[bytes]:
        self._buffer += piece
        self._length += len(piece)
        while len(self._buffer) > CHUNK:  # a full chunk waits: it may be the last one
            yield self._seal(CHUNK, last=False)

    def _seal(self, length: int, *, last: bool) -> bytes:
        place = _PLACE.pack(self._index, last)
        sealed = aead_seal(self._key, bytes(7) + place, bytes(self._buffer[:length]), self._ad + place)
        del self._buffer[:length]
        self._index += 1
        return self._out(sealed)

    def _out(self, piece: bytes) -> bytes:
        self._hash.update(piece)
        return piece


@dataclass(frozen=True, slots=True)
class Front:
    """What the words open: whose backup it is and the key of its content."""

    head: Head
    user: UserSecret
    backup_key: bytes = field(repr=False)
    raw: bytes = field(repr=False)

    @classmethod
    def open(cls, raw: bytes, recovery: RecoveryKey) -> Front:
        """Open the first `FRONT_BYTES` of a file, or raise: `backup.locked` for other words, `backup.damaged` for what was changed."""
        head = Head.read(raw)
        if len(raw) != FRONT_BYTES:
            raise damaged("It ends too early.")
        wrapped = HEAD_BYTES + IDENTITY_BYTES
        user = recovery.open_identity(head, raw[HEAD_BYTES:wrapped])
        try:
            backup_key = recovery.open_backup_key(head, raw[wrapped : wrapped + WRAPPED_BYTES])
        except InvalidTag:
            raise damaged("Its key is not the one that was put there.") from None
        if not equal(content_key(backup_key, head)[1], raw[-COMMIT_BYTES:]):
            raise damaged("Its key is not the one that was put there.")
        return cls(head, user, backup_key, raw)


class Opener:
    """Reads the records of one file whose front is open; `read(n)` gives the next n bytes behind the front, fewer at the end alone."""

    def __init__(self, front: Front, read: Callable[[int], bytes]) -> None:
        self._key, _ = content_key(front.backup_key, front.head)
        self._ad = _LABEL + front.head.raw + front.user.id
        self._read = read
        self._hash = hashlib.sha256(front.raw)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the file, once all records were read."""
        return self._hash.digest()

    def records(self) -> Iterator[bytes]:
        """The records in their order; `backup.damaged` at the first thing that does not hold."""
        chunks, buffer, length = self._chunks(), bytearray(), 0
        while True:
            size = _LENGTH.unpack(_cut(buffer, _LENGTH.size, chunks))[0]
            length += _LENGTH.size + size
            if size == 0:
                break
            if size > MAX_RECORD:
                raise damaged("A record in it is too long.")
            yield _cut(buffer, size, chunks)
        left = len(buffer)
        if any(buffer):
            raise damaged("Something stands behind its end.")
        for chunk in chunks:
            left += len(chunk)
            if any(chunk):
                raise damaged("Something stands behind its end.")
        if length + left != size_class(length):
            raise damaged("Its size is none that a backup can have.")

    def _chunks(self) -> Iterator[bytes]:
        index, sealed = 0, self._next()
        while sealed is not None:
            following = self._next()
            place = _PLACE.pack(index, following is None)
            try:
                yield aead_open(self._key, bytes(7) + place, sealed, self._ad + place)
            except InvalidTag:
                raise damaged("A part of it was changed, moved or cut off.") from None
            index, sealed = index + 1, following

    def _next(self) -> bytes | None:
        sealed = self._read(SEALED_CHUNK)
        self._hash.update(sealed)
        return sealed or None


def _cut(buffer: bytearray, size: int, chunks: Iterator[bytes]) -> bytes:
    """Take the first bytes of the buffer, fetching chunks as needed."""
    while len(buffer) < size:
        chunk = next(chunks, None)
        if chunk is None:
            raise damaged("It ends too early.")
        buffer += chunk
    piece = bytes(buffer[:size])
    del buffer[:size]
    return piece


def damaged(why: str) -> IntegrityError:
    """A backup of ours that does not hold."""
    return IntegrityError("backup.damaged", f"This backup is damaged. {why}", "Use another copy of it, or an older backup.")
