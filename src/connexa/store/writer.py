"""The one writer of a database: natural group commit.

Operations run on the event loop's thread inside one transaction; only COMMIT (the WAL write and its fsync, during which the binding
releases the interpreter lock) runs on a worker thread. While one batch commits the next one gathers, so batches grow with load and a
lone operation waits for nobody. A future resolves after its batch is durable: nothing may be acknowledged or sent before.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import apsw

from connexa.errors import ConnexaError
from connexa.store.database import Database, Execute, store_error

__all__ = ["Writer"]

T = TypeVar("T")
Operation = Callable[[Execute], Any]
Done = list[tuple[asyncio.Future[Any], Any]]

MAX_BATCH = 2048  # operations in one transaction: bounds how long the loop is held
MAX_WAITING = 65536  # operations that may wait; more are refused with `store.busy`


class Writer:
    """Runs operations on a database in the order in which they came; create it on the running loop, close it when done."""

    def __init__(self, database: Database) -> None:
        self._connection = database.writer_connection
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Operation, asyncio.Future[Any]]] = deque()
        self._truncations: list[asyncio.Future[None]] = []
        self._statements: queue.SimpleQueue[tuple[str, Done] | None] = queue.SimpleQueue()
        self._busy = False
        self._scheduled = False
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self.failure: ConnexaError | None = None  # why the last batch failed; None again after the next good one
        self._thread = threading.Thread(target=self._run_statements, name="commit", daemon=True)
        self._thread.start()

    async def run(self, operation: Callable[[Execute], T]) -> T:
        """Run `operation(execute)` in the next transaction and return its result once that is durable.

        An exception of the operation undoes this operation alone and is raised here. A failed commit fails every operation of its
        batch with the store's error; none of them happened.
        """
        return await self.submit(operation)

    def submit(self, operation: Callable[[Execute], T]) -> asyncio.Future[T]:
        """Like `run`, without waiting: the future resolves after the commit, in the order of submission."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed or len(self._waiting) >= MAX_WAITING:
            future.set_exception(ConnexaError("store.busy", "The database takes no more work now.", "Try again later.", retryable=True))
            return future
        self._waiting.append((operation, future))
        self._kick()
        return future

    async def truncate_log(self) -> None:
        """Fold the write-ahead log into the file and empty it: then what was deleted is gone from both (pairwise P15)."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._truncations.append(future)
        self._kick()
        await future

    async def close(self) -> None:
        """Finish what waits, then stop the worker."""
        self._closed = True
        await self._idle.wait()
        self._statements.put(None)
        await asyncio.to_thread(self._thread.join)

    def _kick(self) -> None:
        self._idle.clear()
        if not (self._busy or self._scheduled):
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self._busy:
            return
        if self._truncations:
            self._hand_over("PRAGMA wal_checkpoint(TRUNCATE)", [(future, None) for future in self._truncations])
            self._truncations = []
            return
        if not self._waiting:
            self._idle.set()
            return
        batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        done: Done = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for operation, future in batch:
                if not future.cancelled():
                    self._run_one(operation, future, done)
        except apsw.Error as error:
            self._abandon([future for _, future in batch], store_error(error))
            return
        self._hand_over("COMMIT", done)

    def _hand_over(self, statement: str, done: Done) -> None:
        """Give the connection to the worker thread for one statement; until it is back nobody else touches it."""
        self._busy = True
        self._statements.put((statement, done))

    def _run_one(self, operation: Operation, future: asyncio.Future[Any], done: Done) -> None:
        self._connection.execute("SAVEPOINT operation")
        try:
            result = operation(self._connection.execute)
        except apsw.ConstraintError as error:
            self._undo_one()
            future.set_exception(store_error(error))
        except apsw.Error:
            raise  # disk full, I/O: the whole batch is in doubt (homeserver.md §3.3 item 3)
        except Exception as error:  # noqa: BLE001 - the caller's own, handed back to it; only this operation is undone
            self._undo_one()
            # A future takes no StopIteration: it would read as its own end.
            future.set_exception(RuntimeError("an operation ran out of rows") if isinstance(error, StopIteration) else error)
        else:
            self._connection.execute("RELEASE operation")
            done.append((future, result))

    def _undo_one(self) -> None:
        self._connection.execute("ROLLBACK TO operation")
        self._connection.execute("RELEASE operation")

    def _abandon(self, futures: list[asyncio.Future[Any]], error: ConnexaError) -> None:
        """Undo the transaction and tell everybody in it; the next batch is the probe that shows whether writing works again."""
        # If even this fails, the next BEGIN fails as well and comes here again.
        with contextlib.suppress(apsw.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        self.failure = error
        for future in futures:
            if not future.done():
                future.set_exception(error)
        self._busy = False
        self._loop.call_soon(self._flush)

    def _run_statements(self) -> None:
        while (given := self._statements.get()) is not None:
            statement, done = given
            failure: apsw.Error | None = None
            try:
                self._connection.execute(statement).fetchall()
            except apsw.Error as error:
                failure = error
            self._loop.call_soon_threadsafe(self._finish, done, failure)

    def _finish(self, done: Done, failure: apsw.Error | None) -> None:
        if failure is not None:
            self._abandon([future for future, _ in done], store_error(failure))
            return
        self._busy = False
        self.failure = None
        self._flush()  # start the next commit first, then tell people
        for future, result in done:
            if not future.done():
                future.set_result(result)
