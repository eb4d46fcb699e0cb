"""What goes through mailboxes at every moment where several processes store: judged as it comes, numbered and made into rows with the
turn to write.

Between the judging and the turn another process may have changed a door, or have gone on with a stream whose node came to it. Both show
at the beginning of the transaction; whose envelopes they touch is told "not now", and comes again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from connexa.errors import ConnexaError
from connexa.homeserver.delivery import Announcer, Arrived
from connexa.homeserver.doorkeeper import Doorkeeper
from connexa.homeserver.mailbox import Arrival, delete, insert
from connexa.homeserver.metrics import Metrics
from connexa.homeserver.post import ACCEPTED, MAX_GATHERED, Post, Sender, Told
from connexa.homeserver.shared.loads import SharedLoads
from connexa.homeserver.usher import Usher
from connexa.store import Execute
from connexa.wire import TokenEnvelope

__all__ = ["SharedPost"]

STREAMS_AT_ONCE = 64


@dataclass(slots=True)
class _Put:
    """What one sender has put: envelopes behind the number `before` of its stream, each with the time at which it came."""

    stream: bytes
    before: int
    last: int
    size: int = 0
    envelopes: list[tuple[float, list[TokenEnvelope]]] = field(default_factory=list)


@dataclass(slots=True)
class _Gathered:
    """What one transaction will hold, and how it went."""

    puts: dict[Sender, _Put] = field(default_factory=dict)
    acked: dict[int, Arrival] = field(default_factory=dict)
    count: int = 0
    doors: int = 0
    late: dict[Sender, _Put] = field(default_factory=dict)
    arrived: Arrived = field(default_factory=list)
    gone: int = 0


class SharedPost(Post):
    """Rides with every transaction of the writer (`store.Rider`)."""

    def __init__(
        self, usher: Usher, loads: SharedLoads, announcer: Announcer, metrics: Metrics, kick: Callable[[], None], doors: Doorkeeper
    ) -> None:
        self._usher = usher
        self._loads = loads
        self._announcer = announcer
        self._metrics = metrics
        self._kick = kick
        self._doors = doors
        self._held = _Gathered()

    @property
    def waits(self) -> bool:
        """Whether there is something to write."""
        return bool(self._held.puts or self._held.acked)

    def put(self, sender: Sender, stream: bytes, last: int, raws: Sequence[bytes], size: int, now: float) -> bool:
        """Take new envelopes of a stream; False where they are for an operation to judge."""
        held = self._held
        if held.count >= MAX_GATHERED:
            return False
        envelopes: list[TokenEnvelope] = []
        for raw in raws:
            envelope = self._usher.look_at(raw, now)
            if envelope is None:
                return False
            envelopes.append(envelope)
        if not held.puts:
            held.doors = self._doors.changes
        put = held.puts.get(sender)
        if put is None:
            put = held.puts[sender] = _Put(stream, last - len(raws), last)
        put.last = last
        put.size += size
        put.envelopes.append((now, envelopes))
        held.count += len(envelopes)
        self._kick()
        return True

    def ack(self, rows: list[Arrival]) -> None:
        """Delete what a device has stored."""
        self._held.acked.update((row.seq, row) for row in rows)
        self._kick()

    def write(self, execute: Execute) -> Told:
        """Write what was gathered; what is returned is to be told how the transaction ended."""
        held, self._held = self._held, _Gathered()
        try:
            if held.doors != self._doors.changes:
                self._set_aside(held, lambda put: not self._still_opens(put))
            advanced = _advance(execute, held.puts.values())
            self._set_aside(held, lambda put: put.stream not in advanced)
            gone = delete(execute, held.acked)
            for put in held.puts.values():
                for now, envelopes in put.envelopes:
                    self._usher.let_in(envelopes, int(now), held.arrived)
            insert(execute, [arrival for _, arrival in held.arrived])
            for row in gone:
                self._loads.take_out(execute, row)
            self._loads.write(execute)
            held.gone = len(gone)
        except Exception:
            self._give_up(held, None)
            raise
        return lambda error: self._ended(held, error)

    def lose(self, error: ConnexaError) -> None:
        """Nothing can be written now."""
        self._give_up(_Gathered(), error)

    def _still_opens(self, put: _Put) -> bool:
        return all(self._usher.opens(envelope, put.size, now) for now, envelopes in put.envelopes for envelope in envelopes)

    def _set_aside(self, held: _Gathered, late: Callable[[_Put], bool]) -> None:
        for sender in [sender for sender, put in held.puts.items() if late(put)]:
            held.late[sender] = held.puts.pop(sender)

    def _ended(self, held: _Gathered, error: ConnexaError | None) -> None:
        if error is not None:
            self._give_up(held, error)
            return
        for sender, put in held.puts.items():
            sender.posted(put.last, put.last - put.before, put.size, None)
        for sender, put in held.late.items():
            sender.posted(put.last, put.last - put.before, put.size, _not_now())
        self._announcer.arrived(held.arrived)
        if held.arrived:
            self._metrics.judged("local", ACCEPTED, sum(put.last - put.before for put in held.puts.values()))
        if held.gone:
            self._metrics.acked.inc(held.gone)

    def _give_up(self, held: _Gathered, error: ConnexaError | None) -> None:
        """Nothing of a transaction happened: what was put since then rests on it, and what is in memory may too."""
        later, self._held = self._held, _Gathered()
        self._usher.forget()
        reason = error or _not_now()
        for puts in (held.puts, held.late, later.puts):
            for sender, put in puts.items():
                sender.posted(put.last, put.last - put.before, put.size, reason)


def _advance(execute: Execute, puts: Iterable[_Put]) -> set[bytes]:
    """Set the numbers of streams that stand where their senders thought; returns those."""
    rest = [(put.stream, put.before, put.last) for put in puts]
    advanced: set[bytes] = set()
    for size in (STREAMS_AT_ONCE, 8, 1):
        while len(rest) >= size:
            chunk, rest = rest[:size], rest[size:]
            rows = execute(
                "UPDATE spent_pass SET last_number = v.column3"  # noqa: S608 - marks alone
                f" FROM (VALUES {','.join(['(?, ?, ?)'] * size)}) AS v"
                " WHERE spent_pass.hash = v.column1 AND spent_pass.last_number = v.column2 RETURNING hash",
                [value for row in chunk for value in row],
            )
            advanced.update(row[0] for row in rows)
    return advanced


def _not_now() -> ConnexaError:
    return ConnexaError("server.temporary", "The homeserver could not store this.", retryable=True)
