"""A store without a worker thread: every operation is a transaction of its own, durable when it returns, in an order that a seed repeats.

That is what a model needs: it can count the commits of a program, and end the program before or behind any of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from connexa.store import Database, Execute, Rider, Store, Writer, open_database

__all__ = ["InlineWriter", "Killed", "open_inline"]

T = TypeVar("T")


class Killed(BaseException):
    """The program ends here, as `kill -9` ends it; no part of it may catch this."""


def open_inline(path: Path, key: bytes, migrations: Sequence[str]) -> Database:
    """Open a database that reads and writes on one connection and waits for no disk."""
    connection = open_database(path, key, migrations).writer_connection
    connection.pragma("synchronous", "off")
    return Database(path, lambda: connection)


class InlineWriter(Writer):
    """Runs each operation at once, on the caller's thread."""

    def __init__(self, database: Store) -> None:
        self._database = database
        self._rider: Rider | None = None
        self.failure = None
        self._fuse = 0
        self._whole = False
        self.dead = False
        self.died: Callable[[], object] = lambda: None  # what else ends with the program

    def kill_at(self, commit: int, *, whole: bool) -> None:
        """End the program at a commit from now on (1 is the next; 0: at none), with the commit made if `whole`, else without it.

        What is still running of it then writes nothing more.
        """
        self._fuse, self._whole = commit, whole

    async def run(self, operation: Callable[[Execute], T]) -> T:
        """Run an operation and commit it."""
        return self._commit(operation)

    def submit(self, operation: Callable[[Execute], T]) -> asyncio.Future[T]:
        """Run an operation and commit it; the future is resolved already."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(self._commit(operation))
        except Exception as error:  # noqa: BLE001 - the operation's own, handed to whoever waits for it
            future.set_exception(error)
        return future

    def kick(self) -> None:
        """Write what rides along, and commit it."""
        if self._rider is not None and self._rider.waits:
            self._commit(self._rider.write)(None)

    def _commit(self, operation: Callable[[Execute], T]) -> T:
        if self.dead:
            raise Killed
        execute = self._database.execute
        execute("BEGIN IMMEDIATE")
        try:
            result = operation(execute)
            self._burn(whole=False)
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")
        self._burn(whole=True)
        return result

    def _burn(self, *, whole: bool) -> None:
        if not self._fuse or self._whole != whole:
            return
        self._fuse -= 1
        if not self._fuse:
            self.dead = True
            self.died()
            raise Killed

    async def truncate_log(self) -> None:
        """Empty the write-ahead log."""
        self._database.truncate_log()

    async def close(self) -> None:
        """Nothing waits."""
