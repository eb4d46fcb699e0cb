"""Events for the faces: stored in the transaction that made them true, published after it, replayed by cursor (first-message §10).

A subscriber has a bounded queue. One that does not keep up is cut off with `events.slow` and replays from its last cursor.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from connexa.errors import ConnexaError
from connexa.node.views import EventView
from connexa.store import Database, Execute, Row

__all__ = ["EventLog", "Subscription"]

QUEUE_SIZE = 2048
PAGE = 1000
_COLUMNS = "cursor, account, kind, at, fields"


class Subscription:
    """The events from now on, one by one."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[EventView | None] = asyncio.Queue(QUEUE_SIZE)
        self._slow = False
        self._ended = False

    def offer(self, event: EventView) -> None:
        """Hand over an event, or mark this reader as too slow."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._slow = True

    def end(self) -> None:
        """There will be no more: whoever waits need not."""
        self._ended = True
        if not self._queue.full():
            self._queue.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[EventView]:
        while not ((self._slow or self._ended) and self._queue.empty()):
            if (event := await self._queue.get()) is not None:
                yield event
        if not self._slow:
            return
        raise ConnexaError("events.slow", "Events came faster than they were read.", "Replay from the last cursor.", retryable=True)


class EventLog:
    """The event table and everybody who listens to it."""

    def __init__(self, database: Database, kept: int) -> None:
        self._database = database
        self._kept = kept
        self._published = self._recorded = self.cursor()  # the newest that is shown, and the newest that some operation has made
        self._subscriptions: set[Subscription] = set()
        self._ended = False

    def cursor(self) -> int:
        """The cursor of the newest event."""
        row = self._database.first("SELECT coalesce(max(cursor), 0) FROM event")
        return int(row[0]) if row else 0

    def record(self, execute: Execute, account: str, kind: str, now: float, **fields: str | int | float | bool) -> None:
        """Store an event together with what it tells of; `publish` shows it after the commit."""
        sql = "INSERT INTO event (account, kind, at, fields) VALUES (?, ?, ?, ?) RETURNING cursor"
        for (cursor,) in execute(sql, (account, kind, now, json.dumps(fields))):
            self._recorded = int(cursor)

    def publish(self) -> None:
        """Give everything that is committed and not shown yet to the subscribers, if there are any."""
        if not self._subscriptions:
            return
        while self._published < self._recorded and (page := self.replay(self._published)):
            self._published = page[-1].cursor
            for event in page:
                for subscription in self._subscriptions:
                    subscription.offer(event)

    def replay(self, after: int, limit: int = PAGE) -> list[EventView]:
        """The committed events behind a cursor, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM event WHERE cursor > ? ORDER BY cursor LIMIT ?"  # noqa: S608 - no outside text
        return [_view(row) for row in self._database.read(sql, (after, min(limit, PAGE)))]

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Listen; events before this moment come by `replay`."""
        subscription = Subscription()
        if self._ended:
            subscription.end()
        if not self._subscriptions:
            self._published = self.cursor()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def end(self) -> None:
        """The node ends: nobody waits for events any more."""
        self._ended = True
        for subscription in self._subscriptions:
            subscription.end()

    def trim(self, execute: Execute) -> None:
        """Forget the events beyond those that are kept for replay."""
        execute("DELETE FROM event WHERE cursor <= (SELECT max(cursor) FROM event) - ?", (self._kept,))


def _view(row: Row) -> EventView:
    cursor, account, kind, at, fields = row
    return EventView(cursor=cursor, account=account, kind=kind, at=at, fields=json.loads(fields))
