"""What goes through mailboxes at every moment, gathered without the database and written in a few statements with the next commit.

Most envelopes need nothing but what is in memory to be judged; they are put here as they come, while the commit before runs on its thread.
`write` is the first thing in each transaction, so operations find everything that came before them (homeserver §3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from connexa.errors import ConnexaError
from connexa.homeserver.delivery import Announcer, Arrived
from connexa.homeserver.loads import Loads
from connexa.homeserver.mailbox import Arrival, delete, insert
from connexa.homeserver.metrics import Metrics
from connexa.homeserver.usher import Usher
from connexa.store import Execute
from connexa.wire import TokenEnvelope, status_code
from connexa.wire.v1.link_pb2 import Status

__all__ = ["ACCEPTED", "MAX_GATHERED", "Post", "Sender", "Told"]

Told = Callable[[ConnexaError | None], None]
MAX_GATHERED: Final = 16_384  # rows in one transaction, beyond which envelopes wait as operations: `Intake` bounds envelopes before
ACCEPTED: Final = status_code(Status.STATUS_ACCEPTED)


class Sender(Protocol):
    """Whose envelopes are put."""

    def posted(self, up_to: int, count: int, size: int, error: ConnexaError | None) -> None:
        """`count` envelopes of `size` bytes, up to a number of the stream, are durable; or why nothing of them happened."""


@dataclass(slots=True)
class _Put:
    """What one sender has put."""

    stream: bytes
    last: int
    count: int
    size: int


@dataclass(slots=True)
class _Gathered:
    """What one transaction will hold."""

    arrived: Arrived = field(default_factory=list)
    puts: dict[Sender, _Put] = field(default_factory=dict)
    acked: dict[int, Arrival] = field(default_factory=dict)


class Post:
    """Rides with every transaction of the writer (`store.Rider`)."""

    def __init__(self, usher: Usher, loads: Loads, announcer: Announcer, metrics: Metrics, kick: Callable[[], None]) -> None:
        self._usher = usher
        self._loads = loads
        self._announcer = announcer
        self._metrics = metrics
        self._kick = kick
        self._next = _Gathered()

    @property
    def waits(self) -> bool:
        """Whether there is something to write."""
        return bool(self._next.arrived or self._next.acked)

    def put(self, sender: Sender, stream: bytes, last: int, raws: Sequence[bytes], size: int, now: float) -> bool:
        """Take new envelopes of a stream (the hash of its pass) up to its number `last`, `size` bytes, all or none.

        False where they are for an operation to judge.
        """
        gathered = self._next
        if len(gathered.arrived) >= MAX_GATHERED:
            return False
        envelopes: list[TokenEnvelope] = []
        for raw in raws:
            envelope = self._usher.look_at(raw, now)
            if envelope is None:
                return False
            envelopes.append(envelope)
        self._usher.let_in(envelopes, int(now), gathered.arrived)
        put = gathered.puts.get(sender)
        if put is None:
            gathered.puts[sender] = _Put(stream, last, len(envelopes), size)
        else:
            put.last = last
            put.count += len(envelopes)
            put.size += size
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
            gone = delete(execute, gathered.acked)  # first: the new rows take the pages, which are then written once
            insert(execute, [arrival for _, arrival in gathered.arrived])
            for put in gathered.puts.values():
                execute("UPDATE spent_pass SET last_number = ? WHERE hash = ?", (put.last, put.stream))
            for row in gone:
                self._loads.take_out(execute, row)
            self._loads.write(execute)
        except Exception:
            self._lose(gathered)
            raise
        return lambda error: self._end(gathered, len(gone), error)

    def lose(self, error: ConnexaError) -> None:
        """Nothing can be written now."""
        self._lose(_Gathered(), error)

    def _end(self, gathered: _Gathered, gone: int, error: ConnexaError | None) -> None:
        if error is not None:
            self._lose(gathered, error)
            return
        for sender, put in gathered.puts.items():
            sender.posted(put.last, put.count, put.size, None)
        self._announcer.arrived(gathered.arrived)
        if gathered.puts:
            self._metrics.judged("local", ACCEPTED, sum(put.count for put in gathered.puts.values()))
        if gone:
            self._metrics.acked.inc(gone)

    def _lose(self, gathered: _Gathered, error: ConnexaError | None = None) -> None:
        """Nothing of a transaction happened: what was put since then rests on it, and what is in memory may too."""
        later, self._next = self._next, _Gathered()
        self._usher.forget()
        reason = error or ConnexaError("server.temporary", "The homeserver could not store this.", retryable=True)
        for lost in (gathered, later):
            for sender, put in lost.puts.items():
                sender.posted(put.last, put.count, put.size, reason)
