"""What a program needs of its database, wherever that is: reading what is committed, transactions for its one `Writer`, and hearing of
changes.

Two implement it: `Database`, an encrypted file of this process alone, and `SharedDatabase`, a PostgreSQL with several processes on it.
SQL is what both understand: `?` for bindings, `ON CONFLICT`, `RETURNING`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Protocol, TypeVar

from connexa.errors import ConnexaError

__all__ = ["Cursor", "Execute", "Row", "Store"]

T = TypeVar("T")
Row = tuple[Any, ...]


class Cursor(Protocol):
    """The rows that a statement has returned."""

    def __iter__(self) -> Iterator[Row]: ...

    def __next__(self) -> Row: ...

    def fetchall(self) -> list[Row]: ...

    def fetchone(self) -> Row | None: ...


Execute = Callable[..., Cursor]
"""Runs one statement, with its bindings, in the writer's transaction."""


class Store(ABC):
    """One database of one program. What begins with `transaction_` is for the `Writer` alone."""

    waits_to_begin: ClassVar[bool]
    """Whether a transaction waits for other processes, so that it is begun on a thread."""
    failures: ClassVar[type[Exception]]
    """What statements raise."""

    execute: Execute
    """Runs a statement in the writer's transaction."""

    @abstractmethod
    def read(self, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """Run a query on what is committed and return all its rows; keep pages small (a long read holds up others)."""

    def first(self, sql: str, bindings: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query on what is committed, or None."""
        rows = self.read(sql, bindings)
        return rows[0] if rows else None

    @abstractmethod
    def once(self, operation: Callable[[Execute], T]) -> T:
        """Run one operation in a transaction of its own: for a database that has no `Writer`, such as one for a trial."""

    @abstractmethod
    def watch(self, table: str, column: str, changed: Callable[[Any], None], events: Sequence[str], *, where: str = "") -> None:
        """From now on `changed` hears `column` of every row of `table` to which one of `events` happens by a statement of the writer, at
        once, and whether or not the transaction will be committed; and of what other processes have committed, before the next transaction.

        Events are SQL's: INSERT, DELETE, UPDATE, UPDATE OF columns; `where` narrows the rows by a column. Never a stranger's text.
        """

    def aside(self, work: Callable[[Callable[[str, Sequence[Any]], Iterable[Row]]], T]) -> T:
        """Run long reads on whatever thread this is called, as far beside everything else as the store can."""
        return work(self.read)

    @abstractmethod
    def watch_others(self, table: str, column: str, changed: Callable[[bytes], None], events: Sequence[str]) -> None:
        """From now on `changed` hears the same of what other processes have committed, before the next transaction; text comes as UTF-8."""

    @abstractmethod
    def size(self) -> int:
        """Bytes that the database takes."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""

    # ---- one transaction after the other

    @abstractmethod
    def transaction_wait(self) -> None:
        """Wait until nobody else writes, on a thread; only where `waits_to_begin`."""

    @abstractmethod
    def transaction_begin(self) -> None:
        """Begin, on the loop's thread."""

    @abstractmethod
    def transaction_commit(self) -> None:
        """Commit; on a thread, since it waits for the disk."""

    @abstractmethod
    def transaction_abandon(self) -> None:
        """Roll back, if there is anything; never raises."""

    @abstractmethod
    def truncate_log(self) -> None:
        """Fold the write-ahead log away, where there is one; on a thread."""

    @abstractmethod
    def spares_others(self, error: Exception) -> bool:
        """Whether a statement's error is the fault of its own operation, so that the rest of the transaction stands."""

    @abstractmethod
    def error_of(self, error: Exception) -> ConnexaError:
        """The error of ours for what a statement has raised."""
