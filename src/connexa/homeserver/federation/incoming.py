"""Takes batches of remotes: each number of a stream once, refusals remembered, all in the transaction that stores the envelopes.

Implements homeserver §3.4, §7.4 and first-message §5. The core of the homeserver judges and stores each envelope (`Delivery`); here is
the numbering, what can be refused without the database, and what a provisional domain may send (I81).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from connexa.discovery import PinBook
from connexa.errors import ConnexaError
from connexa.homeserver.delivery import Arrived
from connexa.identity import Domain, PinState
from connexa.store import Execute, Store, Writer
from connexa.wire import MAX_TTL_SECONDS, status_of
from connexa.wire.v1.federation_pb2 import BatchAck, Item
from connexa.wire.v1.link_pb2 import Refused, Status
from connexa.wire.v1.message_pb2 import Envelope

__all__ = ["Delivery", "Incoming"]

CLOCK_SKEW = 600  # first-message §2
REMEMBERED_NUMBERS = 1_024  # more than a sender has in flight
MAX_STREAMS = 64  # remembered for each remote, the most recently used


class Delivery(Protocol):
    """The mailbox side of the homeserver."""

    def check_envelope(self, raw: bytes) -> Envelope:
        """Check what needs no database: size, syntax, version, expiry; raises an error whose code is a status."""

    def storing(self, execute: Execute) -> AbstractContextManager[Arrived]:
        """What an operation delivers, stored at its end."""

    def deliver(
        self, execute: Execute, envelope: Envelope, *, accepted_at: int, from_domain: str | None, now: float, arrived: Arrived
    ) -> Status:
        """Judge one envelope inside `storing`; its rows are added to `arrived`."""

    def announce(self, arrived: Arrived) -> None:
        """Push to who is there; called after the commit."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One item: its envelope, or the status that it is refused with."""

    number: int
    accepted_at: int
    envelope: Envelope | None
    status: Status


class Incoming:
    """The receiving end of all remotes' queues."""

    def __init__(
        self, domain: Domain, database: Store, writer: Writer, delivery: Delivery, book: PinBook, *, clock: Callable[[], float]
    ) -> None:
        self._domain = domain
        self._database = database
        self._writer = writer
        self._delivery = delivery
        self._book = book
        self._clock = clock

    def committed(self, domain: Domain, stream: bytes) -> int:
        """The highest number of a remote's stream that is durable here."""
        row = self._database.first("SELECT committed FROM remote_stream WHERE domain = ? AND stream = ?", (domain, stream))
        return int(row[0]) if row else 0

    async def take_batch(self, domain: Domain, stream: bytes, first: int, items: Sequence[Item]) -> BatchAck:
        """Store what is new of a batch; the answer to what came before is the answer that it had."""
        remote = await self._book.known(domain)
        provisional = remote is None or remote.state is PinState.PROVISIONAL
        now = self._clock()
        judged = [self._prejudge(first + place, item, provisional, now) for place, item in enumerate(items)]
        ack, arrived = await self._writer.run(lambda execute: self._store(execute, domain, stream, judged, now))
        if arrived:
            self._delivery.announce(arrived)
        return ack

    def _prejudge(self, number: int, item: Item, provisional: bool, now: float) -> _Judged:
        try:
            envelope = self._delivery.check_envelope(item.envelope)
        except ConnexaError as error:
            return _Judged(number, item.accepted_at, None, _status(error))
        right = envelope.WhichOneof("right")
        status = Status.STATUS_ACCEPTED
        if envelope.domain != self._domain or not now - MAX_TTL_SECONDS <= item.accepted_at <= now + CLOCK_SKEW:
            status = Status.STATUS_MALFORMED_ENVELOPE
        elif right == "own":
            status = Status.STATUS_BAD_RIGHT  # a right of mailbox links alone
        elif provisional and right == "token":
            status = Status.STATUS_TEMPORARY  # I81: requests only, until the domain is pinned; the sender keeps it
        return _Judged(number, item.accepted_at, envelope if status == Status.STATUS_ACCEPTED else None, status)

    def _store(self, execute: Execute, domain: Domain, stream: bytes, judged: list[_Judged], now: float) -> tuple[BatchAck, Arrived]:
        row = execute("SELECT committed, refused FROM remote_stream WHERE domain = ? AND stream = ?", (domain, stream)).fetchone()
        committed = int(row[0]) if row else 0
        remembered = BatchAck.FromString(row[1]).refused if row else ()
        last = max(committed, judged[-1].number)
        refused = {r.number: r.status for r in remembered if r.number > last - REMEMBERED_NUMBERS}
        with self._delivery.storing(execute) as arrived:
            for item in judged:
                if item.number <= committed:
                    continue
                status = item.status
                if item.envelope is not None:
                    status = self._delivery.deliver(
                        execute, item.envelope, accepted_at=item.accepted_at, from_domain=domain, now=now, arrived=arrived
                    )
                if status != Status.STATUS_ACCEPTED:
                    refused[item.number] = status
        self._remember(execute, domain, stream, BatchAck(committed=last, refused=_listed(refused)), row is None, now)
        in_batch = {number: status for number, status in refused.items() if judged[0].number <= number <= judged[-1].number}
        return BatchAck(committed=judged[-1].number, refused=_listed(in_batch)), arrived

    def _remember(self, execute: Execute, domain: Domain, stream: bytes, state: BatchAck, new: bool, now: float) -> None:
        execute(
            "INSERT INTO remote_stream (domain, stream, committed, seen, refused) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (domain, stream) DO UPDATE SET committed = excluded.committed, seen = excluded.seen, refused = excluded.refused",
            (domain, stream, state.committed, int(now), BatchAck(refused=state.refused).SerializeToString()),
        )
        if new:
            execute(
                "DELETE FROM remote_stream WHERE domain = ? AND stream IN"
                " (SELECT stream FROM remote_stream WHERE domain = ? ORDER BY stream = ? DESC, seen DESC LIMIT 1000000000 OFFSET ?)",
                (domain, domain, stream, MAX_STREAMS),
            )


def _listed(refused: dict[int, Status]) -> list[Refused]:
    return [Refused(number=number, status=status) for number, status in sorted(refused.items())]


def _status(error: ConnexaError) -> Status:
    try:
        return status_of(error.code)
    except KeyError:
        return Status.STATUS_MALFORMED_ENVELOPE
