"""Sealed files in a folder beside the store, laid out as their blobs are: what is uploaded is read from here, what is fetched is put here.

A file may be here in part. What is read is held against its hash again, so a file that was changed or cut is fetched anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from connexa.content import BlobKeys, seal_segment
from connexa.crypto import sha256
from connexa.errors import UsageError
from connexa.process import disk_error
from connexa.wire import BLOB_PART, HASH_SIZE, SEALED_SEGMENT, SEGMENT, blob_size, padded_segments

__all__ = ["MediaFolder"]

PLACE: Final = "the node's directory of files"
UNFINISHED: Final = ".new"


class MediaFolder:
    """The sealed files of a node."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def take(self, keys: BlobKeys, size: int, pieces: AsyncIterator[bytes]) -> tuple[bytes, bytes]:
        """Seal a file of exactly `size` bytes as it comes; durable when this returns its digest and the SHA-256 of the file.

        UsageError `attachment.wrong_size` where fewer or more bytes come; then, and where the caller gives up, nothing stays.
        """
        count = padded_segments(size)
        place = self._path(keys.id).with_suffix(UNFINISHED)
        plain, hashes = hashlib.sha256(), bytearray()
        try:
            with _disk(), self._open(place, os.O_EXCL) as file:
                async for segment in _segments(size, count, pieces):
                    plain.update(segment)
                    sealed = seal_segment(keys, len(hashes) // HASH_SIZE, count, segment)
                    hashes += sha256(sealed)
                    file.write(sealed)
                file.write(hashes)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
            with _disk():
                place.rename(self._path(keys.id))
                _sync_folder(self._root)
        except BaseException:  # cancelled too: what is not whole is nothing
            place.unlink(missing_ok=True)
            raise
        return sha256(bytes(hashes)), plain.digest()

    def part(self, blob: bytes, number: int) -> bytes:
        """A part of a whole blob, as it is uploaded; fewer bytes where the file is not what it was."""
        return self._read(blob, number * BLOB_PART, BLOB_PART)

    def segment(self, blob: bytes, index: int) -> bytes:
        """A sealed segment as it lies here; fewer bytes or zeros where it is not."""
        return self._read(blob, index * SEALED_SEGMENT, SEALED_SEGMENT)

    def hashes(self, blob: bytes, count: int) -> bytes:
        """The hashes of all segments as they lie here."""
        return self._read(blob, count * SEALED_SEGMENT, count * HASH_SIZE)

    def put(self, blob: bytes, offset: int, piece: bytes) -> None:
        """Write fetched bytes at their place. Not synced: what a crash takes is fetched again."""
        with _disk():
            with self._open(self._path(blob), 0) as file:
                file.seek(offset)
                file.write(piece)

    def remove(self, blob: bytes) -> None:
        """Forget a file."""
        with _disk():
            self._path(blob).unlink(missing_ok=True)

    def names(self) -> list[bytes]:
        """The blobs of which there is something here."""
        if not self._root.is_dir():
            return []
        return [bytes.fromhex(path.name) for path in self._root.iterdir() if len(path.name) == 32]

    def forget_unfinished(self) -> None:
        """Delete what was being handed over when a node ended."""
        with _disk():
            for path in self._root.glob(f"*{UNFINISHED}"):
                path.unlink()

    def is_whole(self, blob: bytes, count: int) -> bool:
        """Whether a file has its full length."""
        try:
            return self._path(blob).stat().st_size == blob_size(count)
        except OSError:
            return False

    def _path(self, blob: bytes) -> Path:
        return self._root / blob.hex()

    def _open(self, place: Path, flags: int) -> BinaryIO:
        self._root.mkdir(mode=0o700, exist_ok=True)
        return os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | flags, 0o600), "r+b")

    def _read(self, blob: bytes, offset: int, size: int) -> bytes:
        try:
            with self._path(blob).open("rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError:
            return b""


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


async def _segments(size: int, count: int, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Cut what comes into whole segments and a last one, then as many empty ones as pad it."""
    waiting, left, made = bytearray(), size, 0
    async for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise _wrong_size()
        waiting += piece
        while len(waiting) >= SEGMENT:
            yield bytes(waiting[:SEGMENT])
            del waiting[:SEGMENT]
            made += 1
    if left:
        raise _wrong_size()
    while made < count:
        yield bytes(waiting)
        waiting.clear()
        made += 1


def _wrong_size() -> UsageError:
    return UsageError("attachment.wrong_size", "The file has another size than was said.")


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, PLACE) from None
