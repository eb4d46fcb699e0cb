"""What goes through mailboxes at every moment, gathered without the database and written in a few statements with the next commit.

Most envelopes need nothing but what is in memory to be judged; they are put here as they come, while the commit before runs on its thread.
`write` is the first thing in each transaction, so operations find everything that came before them (homeserver §3.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from connexa.errors import ConnexaError
from connexa.homeserver.delivery import Arrived, Delivery
from connexa.homeserver.loads import Loads
from connexa.homeserver.mailbox import Arrival, delete, insert
from connexa.homeserver.metrics import Metrics
from connexa.store import Execute
from connexa.wire.v1.message_pb2 import Envelope

__all__ = ["Post"]

Told = Callable[[ConnexaError | None], None]
"""Called when what was put is durable, or with the reason why nothing of it happened."""

MAX_GATHERED: Final = 2_048  # envelopes in one transaction, beyond which they wait as operations (homeserver §3.3 item 5)


@dataclass(slots=True)
class _Gathered:
    """What one transaction will hold."""

    arrived: Arrived = field(default_factory=list)
    numbers: dict[bytes, int] = field(default_factory=dict)  # highest number of each stream, by the hash of its pass
    acked: dict[int, Arrival] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)


class Post:
    """Rides with every transaction of the writer (`store.Rider`)."""

    def __init__(self, delivery: Delivery, loads: Loads, metrics: Metrics, kick: Callable[[], None]) -> None:
        self._delivery = delivery
        self._loads = loads
        self._metrics = metrics
        self._kick = kick
        self._next = _Gathered()

    @property
    def waits(self) -> bool:
        """Whether there is something to write."""
        return bool(self._next.arrived or self._next.acked)

    def put(self, stream: bytes, last: int, envelopes: list[Envelope], now: float, told: Told) -> bool:
        """Take new envelopes of a stream (the hash of its pass) up to its number `last`, all or none.

        False where they are for an operation to judge.
        """
        if len(self._next.arrived) >= MAX_GATHERED:
            return False
        for envelope in envelopes:
            if not self._delivery.opens_at_once(envelope, now):
                return False
        self._delivery.collect(envelopes, int(now), self._next.arrived)
        self._next.numbers[stream] = last
        self._next.told.append(told)
        self._kick()
        return True

    def ack(self, rows: list[Arrival]) -> None:
        """Delete what a device has stored."""
        self._next.acked.update((row.seq, row) for row in rows)
        self._kick()

    def write(self, execute: Execute) -> Told:
        """Write what was gathered; what is returned is to be told how the transaction ended."""
        gathered, self._next = self._next, _Gathered()
        try:
            insert(execute, [arrival for _, arrival in gathered.arrived])
            for stream, number in gathered.numbers.items():
                execute("UPDATE spent_pass SET last_number = ? WHERE hash = ?", (number, stream))
            gone = delete(execute, gathered.acked)
            for row in gone:
                self._loads.take_out(execute, row)
            self._loads.write(execute)
        except Exception:
            self._lose(gathered)
            raise
        return lambda error: self._end(gathered, len(gone), error)

    def _end(self, gathered: _Gathered, gone: int, error: ConnexaError | None) -> None:
        if error is not None:
            self._lose(gathered, error)
            return
        self._delivery.announce(gathered.arrived)
        self._metrics.acked.inc(gone)
        for told in gathered.told:
            told(None)

    def _lose(self, gathered: _Gathered, error: ConnexaError | None = None) -> None:
        """Nothing of a transaction happened: what was put since then rests on it, and what is in memory may too."""
        later, self._next = self._next, _Gathered()
        self._delivery.forget()
        reason = error or ConnexaError("server.temporary", "The homeserver could not store this.", retryable=True)
        for told in (*gathered.told, *later.told):
            told(reason)
