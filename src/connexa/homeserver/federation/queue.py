"""The durable outgoing queue: envelopes to other domains, numbered per domain, kept until their remote has answered or they expire.

Implements homeserver §7.4 and first-message §5, §10. `enqueue` runs inside the transaction that accepts an envelope; `pump` sends. A row
has a number in its domain's stream, or the number -id while it waits for another try after QUOTA_EXCEEDED, RATE_LIMITED or TEMPORARY.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from connexa.crypto import Rng
from connexa.errors import ConnexaError
from connexa.identity import Domain
from connexa.store import Execute, Row, Store
from connexa.wire import ID_SIZE, MAX_BATCH, MAX_BATCH_ITEMS, is_retried
from connexa.wire.v1.federation_pb2 import Batch, Item
from connexa.wire.v1.link_pb2 import Status, WhereReply

from .pump import Link, Pump
from .remote import House, RemoteCaller

__all__ = ["OutgoingQueue", "Outcomes", "QueueBounds", "Runs", "Waiting", "begin_anew", "enqueue"]

T = TypeVar("T")
_log = logging.getLogger("connexa.homeserver.federation")

MAX_UNKNOWN = 256  # domains without a pin that anything waits for: each is looked up again and again
SWEEP_SECONDS = 30.0
SWEEP_ROWS = 256
SWEEP_PIECES = 64
ITEM_OVERHEAD = 32  # what one item adds to a batch beside its envelope


_ACCEPTED = WhereReply.ACCEPTED
_YES = Status.STATUS_ACCEPTED


class Runs(Protocol):
    """What runs operations: the writer, or one that refuses them where another process is in charge."""

    async def run(self, operation: Callable[[Execute], T]) -> T:
        """Run one, and return what it returns once that is durable."""


class Outcomes(Protocol):
    """Where the homeserver keeps what became of envelopes, for those who sent them."""

    def record(self, execute: Execute, origin: bytes, origin_number: int, place: WhereReply.Place, status: Status) -> None:
        """Note an end inside a transaction."""

    def tell(self, origin: bytes) -> None:
        """Tell the stream if it is open; called after the commit."""


@dataclass(frozen=True, slots=True)
class QueueBounds:
    """How much may wait; beyond it senders keep what they have."""

    domain_bytes: int = 1 << 30
    all_bytes: int = 4 << 30


@dataclass(frozen=True, slots=True)
class Waiting:
    """One domain's queue, for administrators."""

    domain: Domain
    envelopes: int
    oldest: int  # unix seconds, when the oldest was accepted
    connected: bool
    failure: str  # code of what keeps it from moving, or empty
    next_try: float  # seconds from now


class _Row(NamedTuple):
    """One queued envelope as it ends or waits."""

    id: int
    number: int
    origin: bytes
    origin_number: int


def enqueue(
    execute: Execute,
    rng: Rng,
    domain: Domain,
    envelope: bytes,
    *,
    origin: bytes,
    origin_number: int,
    accepted_at: int,
    expires: int,
    bounds: QueueBounds,
) -> None:
    """Queue an envelope inside the caller's transaction; ConnexaError `server.temporary` where there is no room for it."""
    if not _has_room(execute, domain, bounds):
        raise ConnexaError("server.temporary", "The queue to that domain is full.", retryable=True)
    number = _take_number(execute, domain)
    if number is None:  # nothing was ever queued for it
        execute("INSERT INTO queue_stream (domain, stream, next_number) VALUES (?, ?, 2)", (domain, rng(ID_SIZE)))
        number = 1
    execute(
        "INSERT INTO queue (domain, number, origin, origin_number, accepted_at, expires, envelope) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (domain, number, origin, origin_number, accepted_at, expires, envelope),
    )


def begin_anew(execute: Execute, rng: Rng, domain: Domain) -> None:
    """Give a domain's queue another stream, and what waits in it numbers from 1: the old one may mean something else to the remote."""
    found = execute("SELECT id FROM queue WHERE domain = ? AND number > 0 ORDER BY number", (domain,)).fetchall()
    ids = [_only(row) for row in found]
    execute("UPDATE queue SET number = -id WHERE domain = ?", (domain,))
    execute("UPDATE queue_stream SET stream = ?, next_number = 1, confirmed = 0 WHERE domain = ?", (rng(ID_SIZE), domain))
    _number_anew(execute, domain, ids)


def _has_room(execute: Execute, domain: Domain, bounds: QueueBounds) -> bool:
    loads: dict[str, int] = dict(execute("SELECT domain, bytes FROM queue_load WHERE domain IN ('', ?)", (domain,)))
    of_domain = loads.get(domain, 0)
    if loads.get("", 0) >= bounds.all_bytes or of_domain >= bounds.domain_bytes:
        return False
    if of_domain or execute("SELECT 1 FROM remote WHERE domain = ?", (domain,)).fetchone():
        return True
    unknown = "SELECT count(*) FROM queue_load WHERE domain != '' AND domain NOT IN (SELECT domain FROM remote)"
    return int(_only(execute(unknown).fetchone())) < MAX_UNKNOWN


def _take_number(execute: Execute, domain: Domain) -> int | None:
    """The next number of a domain's stream; None where it has none yet."""
    found = execute("UPDATE queue_stream SET next_number = next_number + 1 WHERE domain = ? RETURNING next_number - 1", (domain,))
    number = _only(found.fetchone())
    return None if number is None else int(number)


def _only(row: Row | None) -> Any:
    """The one column of a query that always has a row."""
    return row[0] if row else None


class OutgoingQueue:
    """All domains' queues and the pumps that empty them."""

    def __init__(
        self,
        database: Store,
        writer: Runs,
        remotes: RemoteCaller,
        outcomes: Outcomes,
        *,
        clock: Callable[[], float],
        rng: Rng,
        bounds: QueueBounds = QueueBounds(),
    ) -> None:
        self.bounds = bounds
        self._database = database
        self._writer = writer
        self._remotes = remotes
        self._outcomes = outcomes
        self._clock = clock
        self._rng = rng
        self._house: House | None = None
        self._pumps: dict[Domain, Pump] = {}
        self._group: asyncio.TaskGroup | None = None
        self.elsewhere: Callable[[str], None] | None = None  # who hears of news where another process empties the queues

    def enqueue(
        self, execute: Execute, domain: Domain, envelope: bytes, *, origin: bytes, origin_number: int, accepted_at: int, expires: int
    ) -> None:
        """Queue an envelope inside the caller's transaction; `wake` follows the commit."""
        enqueue(
            execute,
            self._rng,
            domain,
            envelope,
            origin=origin,
            origin_number=origin_number,
            accepted_at=accepted_at,
            expires=expires,
            bounds=self.bounds,
        )

    def wake(self, domain: Domain) -> None:
        """Say that a domain's queue has something new."""
        if pump := self._pumps.get(domain):
            pump.wake()
        elif self._group is not None and self._house is not None:
            pump = Pump(domain, self, self._remotes, self._house, clock=self._clock, rng=self._rng)
            self._pumps[domain] = pump
            self._group.create_task(self._run_pump(pump))
        elif self.elsewhere is not None:
            self.elsewhere(domain)

    def heard_from(self, domain: Domain) -> None:
        """A remote called us, so it is there: try at once (U9)."""
        if pump := self._pumps.get(domain):
            pump.reset()

    async def run(self, house: House) -> None:
        """Empty the queues until cancelled."""
        self._house = house
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                while True:
                    await self._sweep()
                    await asyncio.sleep(SWEEP_SECONDS)
            finally:
                self._group = None

    async def _run_pump(self, pump: Pump) -> None:
        try:
            await pump.run()
        except Exception as error:  # noqa: BLE001 - one remote's trouble must not end the homeserver; the next sweep starts anew
            _log.error("federation.pump_failed kind=%s", type(error).__name__)
        finally:
            del self._pumps[pump.domain]

    # ---- what a pump asks

    def has_rows(self, domain: Domain) -> bool:
        """Whether anything waits for a domain."""
        return self._database.first("SELECT 1 FROM queue WHERE domain = ? LIMIT 1", (domain,)) is not None

    def link(self, domain: Domain) -> Link:
        """The stream id of a domain's queue, its next number and the highest confirmed one."""
        row = self._database.first("SELECT stream, next_number, confirmed FROM queue_stream WHERE domain = ?", (domain,))
        if row is None:
            raise ConnexaError("queue.empty", "Nothing was ever queued for that domain.")
        return Link(bytes(row[0]), int(row[1]), int(row[2]))

    def next_batch(self, domain: Domain, stream: bytes, after: int) -> Batch | None:
        """The next run of consecutive numbers above `after`, at most 256 envelopes and 512 KiB; None when there is none."""
        rows = self._database.read(
            "SELECT number, envelope, accepted_at FROM queue WHERE domain = ? AND number > ? ORDER BY number LIMIT ?",
            (domain, max(after, 0), MAX_BATCH_ITEMS),
        )
        if not rows:
            return None
        batch = Batch(stream=stream, first=rows[0][0])
        size = 0
        for place, (number, envelope, accepted_at) in enumerate(rows):
            size += len(envelope) + ITEM_OVERHEAD
            if number != batch.first + place or (place and size > MAX_BATCH):
                break
            batch.items.append(Item(envelope=envelope, accepted_at=accepted_at))
        return batch

    async def settle(self, domain: Domain, first: int, last: int, refused: dict[int, Status]) -> list[int]:
        """Apply a remote's answer to a batch; return the ids of rows that wait for another try."""
        ended, parked = await self._writer.run(lambda execute: self._settle(execute, domain, first, last, refused))
        for origin in {row.origin for row in ended}:
            self._outcomes.tell(origin)
        return parked

    def parked(self, domain: Domain) -> list[tuple[int, int]]:
        """The rows that wait for another try: id and how many were made."""
        return [
            (int(i), int(n)) for i, n in self._database.read("SELECT id, attempts FROM queue WHERE domain = ? AND number < 0", (domain,))
        ]

    async def unpark(self, domain: Domain, ids: Sequence[int]) -> None:
        """Give rows new numbers at the end of the stream."""
        await self._writer.run(lambda execute: _number_anew(execute, domain, ids))

    async def restart(self, domain: Domain) -> None:
        """Begin a new stream: the remote and we do not agree about the old one."""
        await self._writer.run(lambda execute: begin_anew(execute, self._rng, domain))

    async def expire(self) -> None:
        """End what nobody took in time; what is in flight is left to its answer."""
        for _ in range(SWEEP_PIECES):
            if await self._expire_some() < SWEEP_ROWS:
                return

    async def _sweep(self) -> None:
        try:
            for (domain,) in self._database.read("SELECT DISTINCT domain FROM queue"):
                if domain not in self._pumps:
                    self.wake(Domain(domain))
            await self.expire()
        except ConnexaError as error:  # a full disk: the next round tries again
            if not error.retryable:
                raise

    async def _expire_some(self) -> int:
        now = int(self._clock())
        rows = self._database.read("SELECT id, domain, number FROM queue WHERE expires <= ? ORDER BY expires LIMIT ?", (now, SWEEP_ROWS))
        flying = {domain: pump.in_flight for domain, pump in self._pumps.items()}
        ids = [row_id for row_id, domain, number in rows if number not in flying.get(domain, ())]
        if ids:
            ended = await self._writer.run(lambda execute: self._end_expired(execute, ids))
            for origin in {row.origin for row in ended}:
                self._outcomes.tell(origin)
        return len(ids)

    def status(self) -> list[Waiting]:
        """Every domain's queue."""
        rows = self._database.read("SELECT domain, count(*), min(accepted_at) FROM queue GROUP BY domain")
        waiting = {Domain(domain): (int(count), int(oldest)) for domain, count, oldest in rows}
        found = []
        for domain in sorted({*waiting, *self._pumps}):
            count, oldest = waiting.get(domain, (0, 0))
            pump = self._pumps.get(domain)
            state = (pump.connected, pump.failure, pump.next_try) if pump else (False, "", 0.0)
            found.append(Waiting(domain, count, oldest, *state))
        return found

    # ---- inside transactions

    def _settle(self, execute: Execute, domain: Domain, first: int, last: int, refused: dict[int, Status]) -> tuple[list[_Row], list[int]]:
        found = execute(
            "SELECT id, number, origin, origin_number FROM queue WHERE domain = ? AND number BETWEEN ? AND ?", (domain, first, last)
        )
        rows = _rows(found.fetchall())
        parked = [row.id for row in rows if row.number in refused and is_retried(refused[row.number])]
        waiting = set(parked)
        ended = [row for row in rows if row.id not in waiting]
        for row_id in parked:
            execute("UPDATE queue SET number = -id, attempts = attempts + 1 WHERE id = ?", (row_id,))
        for row in ended:
            if (status := refused.get(row.number)) is None:
                self._outcomes.record(execute, row.origin, row.origin_number, _ACCEPTED, _YES)
            else:
                self._outcomes.record(execute, row.origin, row.origin_number, WhereReply.REFUSED, status)
        _delete(execute, [row.id for row in ended])
        execute("UPDATE queue_stream SET confirmed = ? WHERE domain = ? AND confirmed < ?", (last, domain, last))
        return ended, parked

    def _end_expired(self, execute: Execute, ids: list[int]) -> list[_Row]:
        marks = ",".join("?" * len(ids))
        found = execute(f"SELECT id, number, origin, origin_number FROM queue WHERE id IN ({marks})", ids)  # noqa: S608 - marks alone
        rows = _rows(found.fetchall())
        for row in rows:
            self._outcomes.record(execute, row.origin, row.origin_number, WhereReply.EXPIRED, Status.STATUS_EXPIRED)
        _delete(execute, [row.id for row in rows])
        return rows


def _rows(found: Iterable[Row]) -> list[_Row]:
    return [_Row(*values) for values in found]


def _number_anew(execute: Execute, domain: Domain, ids: Sequence[int]) -> None:
    for row_id in ids:
        execute("UPDATE queue SET number = ? WHERE id = ? AND number < 0", (_take_number(execute, domain), row_id))


def _delete(execute: Execute, ids: Sequence[int]) -> None:
    if ids:
        execute(f"DELETE FROM queue WHERE id IN ({','.join('?' * len(ids))})", ids)  # noqa: S608 - marks alone
