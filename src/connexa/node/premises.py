"""The files of a running node, beside its database: the lock that says it runs, the token and the facts for its faces, the log.

The lock is held by the system for as long as the process lives, so that a pid that was used again or a crash cannot mislead anybody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from connexa.errors import ConflictError, RefusedError
from connexa.process import is_locked, lock
from connexa.settings import Paths, private_directory

__all__ = ["Facts", "Footprint", "Premises"]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a running node tells of itself."""

    pid: int
    port: int
    url: str
    profile: str
    version: str
    started: float
    data: str
    token_file: str
    log: str
    custody: str
    first_run: bool


class Premises:
    """The places of one profile's node."""

    def __init__(self, where: Paths) -> None:
        self.where = where
        self.database: Final = where.data / "node.db"
        self.log: Final = where.data / "node.log"
        self.token: Final = where.runtime / "token"
        self._facts: Final = where.runtime / "node.json"
        self._lock: Final = where.data / "node.lock"
        self._door: Final = where.runtime / "open.html"

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Hold the lock; ConflictError `node.running` where another process does."""
        private_directory(self.where.data)
        private_directory(self.where.runtime)
        with lock(self._lock, ConflictError("node.running", "This node is already running.")):
            yield

    def running(self) -> bool:
        """True while a node of this profile lives, also one that is just starting or ending."""
        return is_locked(self._lock)

    def facts(self) -> Facts | None:
        """The facts of the running node, or None where none runs or it is not ready yet."""
        if not self.running():
            return None
        try:
            return msgspec.json.decode(self._facts.read_bytes(), type=Facts)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def read_token(self) -> str:
        """The bearer token of the running node."""
        try:
            return self.token.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            raise RefusedError("token.unreadable", "The token file of the node cannot be read.", f"It is {self.token}.") from None

    def door(self, page: bytes) -> Path:
        """Write the page that leads a browser into the web app, for this person alone; the node's end takes it away."""
        _write(self._door, page)
        return self._door

    @contextmanager
    def announced(self, facts: Facts, token: str) -> Iterator[None]:
        """Tell the faces where the node is, until it ends."""
        try:
            _write(self.token, token.encode("ascii"))
            _write(self._facts, msgspec.json.encode(facts))
            yield
        finally:
            self.token.unlink(missing_ok=True)
            self._facts.unlink(missing_ok=True)
            self._door.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once: a reader finds the old one or the new one."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)


class Footprint:
    """What a first run makes, to be taken away again where it fails (product §3)."""

    def __init__(self, where: Paths) -> None:
        self._roots = (where.data, where.runtime)
        self._files = {path for root in self._roots for path in root.rglob("*") if not path.is_dir()}
        self._made = [path for root in self._roots for path in (root, *root.parents) if not path.exists()]

    def erase(self) -> None:
        """Remove every file and directory that was not there before."""
        for root in self._roots:
            for path in sorted(root.rglob("*"), reverse=True):
                if path.is_dir():
                    _remove_directory(path)
                elif path not in self._files:
                    path.unlink(missing_ok=True)
        for path in sorted(self._made, reverse=True):
            _remove_directory(path)


def _remove_directory(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:  # it holds what is not ours, or it was never made
        return
