"""The files of one profile's homeserver: the lock that says it runs, the database with its key, the admin socket.

The lock is held by the system for as long as the process lives, so that a crash or a pid that was used again misleads nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from connexa.errors import ConflictError
from connexa.homeserver.settings import ServerSettings
from connexa.process import disk_error, lock
from connexa.settings import Paths, private_directory

__all__ = ["PLACE", "ServerPremises"]

PLACE: Final = "the homeserver's directory"


class ServerPremises:
    """The places of one homeserver; a node of the same profile has others."""

    def __init__(self, where: Paths) -> None:
        self.where = where
        self.data = where.data / "server"
        self.database = self.data / "server.db"
        self._lock = self.data / "server.lock"

    def socket(self, settings: ServerSettings) -> Path:
        """Where the admin API listens."""
        return settings.admin.socket or self.where.socket("server.sock")

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Hold the lock; ConflictError `server.running` where another process does."""
        try:
            for directory in (self.where.data, self.data, self.where.runtime):
                private_directory(directory)
            running = ConflictError("server.running", "This homeserver is running already.", "See it with: connexa server status")
            with lock(self._lock, running):
                yield
        except OSError as error:
            raise disk_error(error, PLACE) from error
