"""Backup files on a disk: written beside their place and moved there whole, found again by their heads, read as a stream.

Nothing is ever written over. Everything here blocks and runs on a worker thread where the node is at work.
"""

from __future__ import annotations

import collections
import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from connexa.backup import FRONT_BYTES, HEAD_BYTES, Front, Head, Opener, RecoveryKey, check_follows, choose_series
from connexa.errors import ConflictError, ConnexaError, IntegrityError, NotFoundError, RefusedError, UsageError
from connexa.node.backup_rows import Contents, read_contents
from connexa.process import disk_error
from connexa.wire.v1.backup_pb2 import BackupEntry

__all__ = ["BackupFile", "NewFile", "Volume", "file_name", "list_files", "open_volumes", "opens", "read_series", "remove_series"]

SUFFIX: Final = ".connexa"
_NAME: Final = re.compile(r"[0-9a-f]{32}-\d{4,10}\.connexa")
_MOST: Final = 100_000  # files of a directory that are looked at


def file_name(series: bytes, place: int) -> str:
    """The name of a file in a directory of backups; it says nothing of whose it is."""
    return f"{series.hex()}-{place:04d}{SUFFIX}"


class NewFile:
    """A file that is there whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        try:
            if path.exists():
                raise ConflictError("file.exists", "There is a file of that name already.", "Name another one.")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, self._written = tempfile.mkstemp(prefix=".backup-", dir=path.parent)  # 0600
        except OSError as error:
            raise disk_error(error, "the directory of backups") from error
        self._file = os.fdopen(descriptor, "wb")

    def write(self, piece: bytes) -> None:
        """Go on with the file."""
        self._guard(lambda: self._file.write(piece))
        self.size += len(piece)

    def commit(self) -> None:
        """Put it in its place, durably."""
        self._guard(self._place)

    def _place(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        try:
            os.link(self._written, self.path)
        except FileExistsError:
            raise
        except OSError:  # a memory stick's file system has no links; nobody else gives files these names
            if self.path.exists():
                raise FileExistsError from None
            os.rename(self._written, self.path)
        else:
            os.unlink(self._written)
        parent = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)

    def discard(self) -> None:
        """Leave nothing behind of a file that was not put in its place."""
        with contextlib.suppress(OSError):  # closing writes what is buffered, and a full disk refuses that once more
            self._file.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._written)

    def _guard(self, act: Callable[[], object]) -> None:
        try:
            act()
        except FileExistsError:
            raise ConflictError("file.exists", "There is a file of that name already.", "Name another one.") from None
        except OSError as error:
            raise disk_error(error, "the directory of backups") from error


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file that says of itself that it is a backup."""

    path: Path
    head: Head
    size: int
    modified: float


def list_files(place: Path) -> list[BackupFile]:
    """The backups at a place: a directory's, or the one file. What another program left there is passed over."""
    if not place.exists():
        raise NotFoundError("backup.not_found", "There is no such file or directory.")
    if place.is_file():
        return [_look(place)]
    if not place.is_dir():
        raise UsageError("backup.unreadable", "That is neither a file nor a directory.")  # a pipe would be waited for without an end
    found = []
    with os.scandir(place) as entries:
        for number, entry in enumerate(entries):
            if number >= _MOST:
                raise UsageError("backup.too_many", "There are too many files in this directory.", "Name a file, or another directory.")
            if _NAME.fullmatch(entry.name) and entry.is_file():
                with contextlib.suppress(IntegrityError, RefusedError):
                    found.append(_look(Path(entry.path)))
    return sorted(found, key=lambda one: one.head.counter)


def _look(path: Path) -> BackupFile:
    try:
        with path.open("rb") as file:
            head, status = Head.read(file.read(HEAD_BYTES)), os.fstat(file.fileno())
    except OSError as error:
        raise UsageError("backup.unreadable", f"The backup cannot be read ({type(error).__name__}).") from None
    return BackupFile(path, head, status.st_size, status.st_mtime)


def remove_series(directory: Path, series: bytes) -> None:
    """Delete the files of a series that newer ones have replaced."""
    for path in directory.glob(f"{series.hex()}-*{SUFFIX}"):
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Volume:
    """One file of a series, with its front open."""

    file: BackupFile
    front: Front


def open_volumes(place: Path, recovery: RecoveryKey) -> list[Volume]:
    """The newest series at a place that these words open, base first.

    Raises `backup.not_found`, `backup.locked` where the words open none of what is there, `backup.incomplete` and `backup.damaged`.
    """
    failure: ConnexaError | None = None
    ours = []
    for file in list_files(place):
        try:
            ours.append((file.head, Volume(file, _open_front(file.path, recovery))))
        except (RefusedError, IntegrityError) as error:  # perhaps somebody else's; a file that is missing in its series shows there
            failure = error
    if failure is not None and not ours:
        raise failure
    return [volume for _, volume in choose_series(ours)]


def _open_front(path: Path, recovery: RecoveryKey) -> Front:
    try:
        with path.open("rb") as file:
            return Front.open(file.read(FRONT_BYTES), recovery)
    except OSError as error:
        raise UsageError("backup.unreadable", f"The backup cannot be read ({type(error).__name__}).") from None


def read_series(volumes: list[Volume], progress: Callable[[int], None], take: Callable[[Iterator[BackupEntry]], None]) -> Contents:
    """Read all files of a series in their order, giving `take` each one's entries; returns what the newest one says beside them.

    Everything is proved once this returns, and nothing before: what `take` has done must be undone where this raises.
    """
    contents, previous = Contents(), None
    for volume in volumes:
        check_follows(volume.front.head, previous)
        try:
            with volume.file.path.open("rb") as file:
                if file.read(FRONT_BYTES) != volume.front.raw:
                    raise IntegrityError("backup.damaged", "A file of this backup has changed while it was read.")
                opener = Opener(volume.front, _counted(file, progress))
                contents, entries = read_contents(opener.records())
                take(entries)
                collections.deque(entries, maxlen=0)  # the last bytes of a file are proved by reading them
        except OSError as error:
            raise UsageError("backup.unreadable", f"The backup cannot be read ({type(error).__name__}).") from None
        previous = opener.digest
    return contents


def _counted(file: BinaryIO, progress: Callable[[int], None]) -> Callable[[int], bytes]:
    def read(length: int) -> bytes:
        piece = file.read(length)
        progress(len(piece))
        return piece

    return read


def opens(file: BackupFile, recovery: RecoveryKey) -> bool:
    """Whether these words open a file."""
    try:
        _open_front(file.path, recovery)
    except ConnexaError:
        return False
    return True
