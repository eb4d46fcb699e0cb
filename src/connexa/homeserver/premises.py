"""The files of one profile's homeserver: the lock that says it runs, the database with its key, the admin socket.

The lock is held by the system for as long as the process lives, so that a crash or a pid that was used again misleads nobody.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connexa.errors import ConflictError, ConnexaError, RefusedError
from connexa.homeserver.settings import ServerSettings
from connexa.settings import Paths, private_directory

__all__ = ["ServerPremises", "disk_error"]


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
            private_directory(self.where.data)
            private_directory(self.data)
            private_directory(self.where.runtime)
            descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise disk_error(error) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError("server.running", "This homeserver is running already.", "See it with: connexa server status") from None
            yield
        finally:
            os.close(descriptor)


def disk_error(error: OSError) -> ConnexaError:
    """What the file system said, in our words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ConnexaError("store.full", "The disk is full.", "Free some space; nothing that was accepted is lost.", retryable=True)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return RefusedError("store.read_only", "The homeserver's directory cannot be written.", "Check its owner and permissions.")
    return ConnexaError("store.failed", f"The homeserver's directory cannot be used ({errno.errorcode.get(error.errno or 0, 'unknown')}).")
