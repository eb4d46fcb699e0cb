"""Where the parts of blobs lie: local files, or an object store that speaks S3. A part is an object of its own and never changes.

So an upload goes on after any crash of anybody, whatever the store, and nothing has to be put together. What `put` returns from is durable.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from connexa.errors import NotFoundError, UsageError
from connexa.homeserver.settings import ServerSettings
from connexa.process import disk_error

__all__ = ["BlobStore", "LocalBlobs", "no_blob", "open_blobs", "part_path", "sync_folder"]

PLACE: Final = "the directory of media"
S3: Final = "s3://"


def part_path(blob: bytes, number: int) -> str:
    """Where a part lies: hex digits alone, in two levels of folders so that none grows large."""
    name = blob.hex()
    return f"{name[:2]}/{name[2:4]}/{name[4:]}-{number:04x}"


class BlobStore(Protocol):
    """Keeps parts by their paths; raises `ConnexaError`, retryable where another try may do."""

    async def put(self, path: str, part: bytes) -> None:
        """Store a part, durably, in place of one with this path."""

    async def get(self, path: str, start: int, end: int) -> bytes:
        """Bytes `start` to before `end` of a part that is there; NotFoundError `media.not_found` where it is not."""

    async def delete(self, paths: Iterable[str]) -> None:
        """Delete parts; those that are not there are none."""


class LocalBlobs:
    """Parts as files below one folder, each written beside its place, synced, and moved there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._numbers = itertools.count()  # two may write the same part at once

    async def put(self, path: str, part: bytes) -> None:
        """Store a part."""
        await asyncio.to_thread(self._put, self._root / path, part)

    async def get(self, path: str, start: int, end: int) -> bytes:
        """Read a part, or some of it."""
        return await asyncio.to_thread(self._get, self._root / path, start, end)

    async def delete(self, paths: Iterable[str]) -> None:
        """Delete parts."""
        await asyncio.to_thread(self._delete, [self._root / path for path in paths])

    def _put(self, place: Path, part: bytes) -> None:
        beside = place.with_name(f"{place.name}.{next(self._numbers)}.new")
        with _disk():
            for folder in (self._root, place.parent.parent, place.parent):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700, exist_ok=True)
                    sync_folder(folder.parent)
            try:
                with beside.open("wb") as file:
                    file.write(part)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(place)
            except OSError:
                beside.unlink(missing_ok=True)
                raise
            sync_folder(place.parent)

    def _get(self, place: Path, start: int, end: int) -> bytes:
        with _disk():
            try:
                with place.open("rb") as file:
                    file.seek(start)
                    return file.read(end - start)
            except FileNotFoundError:
                raise no_blob() from None

    def _delete(self, places: list[Path]) -> None:
        with _disk():
            for place in places:
                place.unlink(missing_ok=True)
                for left in place.parent.glob(f"{place.name}.*.new"):  # by a process that was killed
                    left.unlink(missing_ok=True)
            for folder in {place.parent for place in places}:
                with contextlib.suppress(OSError):  # others lie there, or it was never made
                    folder.rmdir()
                    folder.parent.rmdir()


def no_blob() -> NotFoundError:
    """One answer for a blob that is not there, is not whole, is over, and for whoever shows what does not open it."""
    return NotFoundError("media.not_found", "There is no such blob, or not any more.")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextlib.contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, PLACE) from None


def open_blobs(settings: ServerSettings, data: Path) -> BlobStore:
    """The store that `server.media` names: empty for files in the data directory, `s3://BUCKET[/PREFIX]` for an object store."""
    if not settings.media:
        return LocalBlobs(data / "media")
    if not settings.media.startswith(S3):
        raise UsageError("settings.bad_value", "server.media is empty, or like s3://BUCKET.")
    from .s3 import open_s3  # a homeserver with local files needs none of it

    return open_s3(settings.media.removeprefix(S3), settings.s3)
