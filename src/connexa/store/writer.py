"""The one writer of a database: natural group commit.

Operations run on the event loop's thread inside one transaction; only COMMIT (the WAL write and its fsync, during which the binding
releases the interpreter lock) runs on a worker thread, as does the wait for a turn where other processes write as well. While one batch
commits the next one gathers, so batches grow with load and a lone operation waits for nobody. A future resolves after its batch is
durable: nothing may be acknowledged or sent before.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from connexa.errors import ConnexaError
from connexa.store.contract import Execute, Store

__all__ = ["Rider", "Writer"]

T = TypeVar("T")
Operation = Callable[[Execute], Any]
Ended = Callable[[ConnexaError | None], None]
Finished = Callable[[Exception | None], None]


@dataclass(slots=True)
class _Batch:
    """One transaction: who waits for it, with what they will get."""

    done: list[tuple[asyncio.Future[Any], Any]] = field(default_factory=list)
    ridden: Ended | None = None


logger = logging.getLogger(__name__)

MAX_BATCH = 2048  # operations in one transaction: bounds how long the loop is held
MAX_WAITING = 65536  # operations that may wait; more are refused with `store.busy`


class Rider(Protocol):
    """Something that gathers what is to be written by itself, in few statements; it is the first thing in every transaction."""

    @property
    def waits(self) -> bool:
        """Whether there is something to write, for which a transaction is to begin."""

    def write(self, execute: Execute) -> Ended:
        """Write what there is; what is returned hears None when the transaction is durable, or why nothing of it happened."""

    def lose(self, error: ConnexaError) -> None:
        """No transaction could begin: give up what there is."""


class Writer:
    """Runs operations on a database in the order in which they came; create it on the running loop, close it when done."""

    def __init__(self, database: Store) -> None:
        self._database = database
        self._execute = database.execute
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[Operation, asyncio.Future[Any]]] = deque()
        self._truncations: list[asyncio.Future[None]] = []
        self._rider: Rider | None = None
        self._statements: queue.SimpleQueue[tuple[Callable[[], None], Finished] | None] = queue.SimpleQueue()
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
        self.kick()
        return future

    def carry(self, rider: Rider) -> None:
        """Let something ride with every transaction from now on; it calls `kick` when it has something."""
        self._rider = rider

    async def truncate_log(self) -> None:
        """Fold the write-ahead log into the file and empty it: then what was deleted is gone from both (pairwise P15)."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._truncations.append(future)
        self.kick()
        await future

    async def close(self) -> None:
        """Finish what waits, then stop the worker."""
        self._closed = True
        await self._idle.wait()
        self._statements.put(None)
        await asyncio.to_thread(self._thread.join)

    def kick(self) -> None:
        """See to it that a transaction begins soon."""
        self._idle.clear()
        if not (self._busy or self._scheduled):
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if self._busy:
            return
        if self._truncations:
            batch = _Batch([(future, None) for future in self._truncations])
            self._truncations = []
            self._hand_over(self._database.truncate_log, lambda failure: self._finish(batch, failure))
        elif not self._waiting and not (self._rider is not None and self._rider.waits):
            self._idle.set()
        elif self._database.waits_to_begin:
            self._hand_over(self._database.transaction_wait, self._transact)
        else:
            self._transact()

    def _transact(self, failure: Exception | None = None) -> None:
        """Run what waits in one transaction, unless waiting for it has failed."""
        rider = self._rider
        operations = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        batch = _Batch()
        try:
            if failure is not None:
                raise failure
            self._database.transaction_begin()
            if rider is not None:
                batch.ridden = rider.write(self._execute)
            for operation, future in operations:
                if not future.cancelled():
                    self._run_one(operation, future, batch)
        except self._database.failures as error:
            batch.done = [(future, None) for _, future in operations]
            reason = self._database.error_of(error)
            if rider is not None and batch.ridden is None:
                rider.lose(reason)
            self._abandon(batch, reason)
            return
        except Exception:  # a fault of ours in what rides along must not leave the transaction open for the next one
            logger.exception("a batch failed")
            batch.done = [(future, None) for _, future in operations]
            self._abandon(batch, ConnexaError("store.failed", "The database refused a statement."))
            return
        self._hand_over(self._database.transaction_commit, lambda failure: self._finish(batch, failure))

    def _hand_over(self, work: Callable[[], None], then: Finished) -> None:
        """Give the connection to the worker thread for a while; until it is back nobody else touches it."""
        self._busy = True
        self._statements.put((work, then))

    def _run_one(self, operation: Operation, future: asyncio.Future[Any], batch: _Batch) -> None:
        execute = self._execute
        execute("SAVEPOINT operation")
        try:
            result = operation(execute)
        except self._database.failures as error:
            if not self._database.spares_others(error):
                raise
            self._undo_one()
            future.set_exception(self._database.error_of(error))
        except Exception as error:  # noqa: BLE001 - the caller's own, handed back to it; only this operation is undone
            self._undo_one()
            # A future takes no StopIteration: it would read as its own end.
            future.set_exception(RuntimeError("an operation ran out of rows") if isinstance(error, StopIteration) else error)
        else:
            execute("RELEASE operation")
            batch.done.append((future, result))

    def _undo_one(self) -> None:
        self._execute("ROLLBACK TO operation")
        self._execute("RELEASE operation")

    def _abandon(self, batch: _Batch, error: ConnexaError) -> None:
        """Undo the transaction and tell everybody in it; the next batch is the probe that shows whether writing works again."""
        self._database.transaction_abandon()
        self.failure = error
        if batch.ridden is not None:
            batch.ridden(error)
        for future, _ in batch.done:
            if not future.done():
                future.set_exception(error)
        self._busy = False
        self._loop.call_soon(self._flush)

    def _run_statements(self) -> None:
        while (given := self._statements.get()) is not None:
            work, then = given
            failure: Exception | None = None
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever it is, this thread lives on, and the batch's owners are told
                failure = error
            self._loop.call_soon_threadsafe(then, failure)

    def _finish(self, batch: _Batch, failure: Exception | None) -> None:
        if failure is not None:
            self._abandon(batch, self._database.error_of(failure))
            return
        self._busy = False
        self.failure = None
        self._flush()  # start the next commit first, then tell people
        if batch.ridden is not None:
            batch.ridden(None)
        for future, result in batch.done:
            if not future.done():
                future.set_result(result)
