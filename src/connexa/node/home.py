"""What all accounts of a node share: the store with its one writer, the events, the clock, the randomness and the way out."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from connexa.crypto import Rng
from connexa.node.domains import Domains
from connexa.node.events import EventLog
from connexa.node.settings import NodeSettings
from connexa.store import Database, Execute, Row, Writer
from connexa.wire.transport import LinkDialer

__all__ = ["Clock", "Home", "Query", "Spawn", "Work", "first", "returned", "rows"]

T = TypeVar("T")
Clock = Callable[[], float]
Query = Callable[[str, Sequence[Any]], Iterable[Row]]
"""Reads rows: `Database.read` on what is committed, or an operation's `execute` on what it has done so far."""
Work = Callable[[], Coroutine[None, None, None]]
Spawn = Callable[[Work], Awaitable[None]]
"""Begins a task that lives as long as the node at most."""


def first(query: Query, sql: str, bindings: Sequence[Any] = ()) -> Row | None:
    """The first row of a query, or None."""
    return next(iter(query(sql, bindings)), None)


def rows(query: Query, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
    """All rows of a query."""
    return list(query(sql, bindings))


def returned(query: Query, sql: str, bindings: Sequence[Any] = ()) -> Any:
    """The one value that an INSERT or UPDATE … RETURNING gives."""
    return next(iter(query(sql, bindings)))[0]


@dataclass(frozen=True, slots=True)
class Home:
    """Made once by `Node.open`."""

    settings: NodeSettings
    database: Database
    writer: Writer
    events: EventLog
    clock: Clock
    rng: Rng
    dialer: LinkDialer
    domains: Domains

    @property
    def device_name(self) -> str:
        """What the person's other devices call this one; contacts are not told."""
        return self.settings.device_name or platform.node()[:64]

    async def change(self, operation: Callable[[Execute], T]) -> T:
        """Run an operation in the store and, once it is durable, publish its events.

        An operation is never left half awaited: a caller that is cancelled still finds its change either whole or absent.
        """
        result = await asyncio.shield(self.writer.submit(operation))
        self.events.publish()
        return result
