"""Numbered envelopes of one stream, from the frame to the acknowledgement: in order, each once, at a bounded rate (homeserver §3.4).

A frame's envelopes are put where they ride with the next transaction, or where they need the database to be judged, become one operation
of the writer; what commits together is acknowledged together, and nothing before it is durable. A sender over its rate is not refused: its
connection is not read for a while.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from connexa.errors import ConflictError, ConnexaError, RefusedError
from connexa.homeserver.delivery import Arrived
from connexa.homeserver.intake import Intake
from connexa.homeserver.limits import Bucket
from connexa.homeserver.link_role import Connection
from connexa.homeserver.outcomes import Outcomes, pending
from connexa.homeserver.post import Sender
from connexa.store import Execute, Store, Writer
from connexa.wire import WireError, committed_frame, malformed, status_of
from connexa.wire.v1.link_pb2 import Committed, Outcome, Refused, Status, WhereReply
from connexa.wire.v1.message_pb2 import Envelope

__all__ = ["Effects", "Sends", "Stream"]

logger = logging.getLogger(__name__)

MAX_NUMBER = 1 << 62
MAX_ACKED = 4_096  # outcomes acknowledged in one frame


@dataclass(slots=True)
class Effects:
    """What one operation did, to be told when it is committed."""

    up_to: int = 0
    refused: list[Refused] = field(default_factory=list)
    arrived: Arrived = field(default_factory=list)
    domains: set[str] = field(default_factory=set)


class Stream(Protocol):
    """Whose numbers these are, and who judges the envelopes."""

    @property
    def id(self) -> bytes:
        """What outcomes are kept under."""

    def last(self, execute: Execute) -> int:
        """The highest committed number."""

    def advance(self, execute: Execute, number: int) -> None:
        """Set it."""

    def put(self, sender: Sender, last: int, raws: Sequence[bytes], size: int, now: float) -> bool:
        """Take new envelopes up to the number `last`, `size` bytes, all or none; False where an operation has to judge them."""

    def judge(self, execute: Execute, number: int, envelope: Envelope, raw: bytes, now: float, effects: Effects) -> Status:
        """Deliver one envelope, or say why not."""


class _Item(NamedTuple):
    """One envelope of a frame; without the envelope it is refused with the status."""

    number: int
    raw: bytes
    envelope: Envelope | None
    status: Status


class Sends:
    """The sending half of one link."""

    __slots__ = (
        "_acknowledged",
        "_announce",
        "_bucket",
        "_check",
        "_clock",
        "_connection",
        "_database",
        "_expected",
        "_flushing",
        "_intake",
        "_loop",
        "_most_refusals",
        "_operations",
        "_outcomes",
        "_refused",
        "_storing",
        "_stream",
        "_taken",
        "_told",
        "_up_to",
        "_writer",
    )

    def __init__(
        self,
        connection: Connection,
        stream: Stream,
        *,
        database: Store,
        writer: Writer,
        intake: Intake,
        outcomes: Outcomes,
        check: Callable[[bytes], Envelope],
        announce: Callable[[Effects], None],
        clock: Callable[[], float],
        bucket: Bucket,
        most_refusals: int,
        storing: Callable[[Execute], AbstractContextManager[Arrived]],
        last: int,
    ) -> None:
        self._connection = connection
        self._stream = stream
        self._database = database
        self._writer = writer
        self._intake = intake
        self._outcomes = outcomes
        self._check = check
        self._announce = announce
        self._clock = clock
        self._bucket = bucket
        self._most_refusals = most_refusals
        self._loop = asyncio.get_running_loop()
        self._storing = storing
        self._expected = last + 1
        self._taken: int | None = None  # highest number of the stream in the store; an earlier link may have sent more than `last`
        self._operations = 0  # of ours that are under way
        self._told: dict[int, None] = {}  # as sets, which are larger where they are empty, as nearly all are
        self._acknowledged: dict[int, None] = {}
        self._up_to = 0  # what the next `committed` will say, as is the next
        self._refused: list[Refused] = []
        self._flushing = False
        outcomes.listen(stream.id, self)

    def take(self, envelopes: Sequence[tuple[int, bytes]]) -> None:
        """Take one frame of envelopes, each with its number."""
        if not envelopes:
            raise malformed("it sends nothing")
        new = self._taken is not None and self._operations == 0  # what our first operation has found in the store tells what is new
        size = 0
        for number, raw in envelopes:
            if not 1 <= number <= MAX_NUMBER or number > self._expected:
                raise _gap()
            new = new and number == self._expected > (self._taken or 0)
            if number == self._expected:
                self._expected += 1
            size += len(raw)
        self._hold_to_rate(len(envelopes))
        self._intake.take(len(envelopes), size, self._connection.gate)
        if not (new and self._stream.put(self, envelopes[-1][0], [raw for _, raw in envelopes], size, self._clock())):
            self._operate([self._prejudge(number, raw) for number, raw in envelopes], size)

    def posted(self, up_to: int, count: int, size: int, error: ConnexaError | None) -> None:
        """What rode with a transaction is durable; or why nothing of it happened."""
        self._intake.done(count, size)
        if error is not None:
            self._fail()
            return
        self._up_to = max(self._up_to, up_to)
        if not self._flushing:
            self._flush()

    def _operate(self, items: Sequence[_Item], size: int) -> None:
        self._operations += 1

        def stored(done: asyncio.Future[Effects]) -> None:
            self._operations -= 1
            error = done.exception()
            if error is not None and not isinstance(error, ConnexaError):  # a fault of ours costs this link
                logger.error("storing failed", exc_info=error)
                error = ConnexaError("server.temporary", "The homeserver failed.", retryable=True)
            effects = Effects() if error is not None else done.result()
            self._taken = max(self._taken or 0, effects.up_to)
            if effects.arrived or effects.domains:
                self._announce(effects)
            self._settle(len(items), size, error, effects)

        self._writer.submit(lambda execute: self._store(execute, items)).add_done_callback(stored)

    def acknowledge(self, numbers: Sequence[int]) -> None:
        """The node knows these outcomes."""
        if not numbers or len(numbers) > MAX_ACKED or any(number > MAX_NUMBER for number in numbers):
            raise malformed("it acknowledges no outcome, or too many")
        if not self._acknowledged:
            self._loop.call_soon(self._forget_acknowledged)
        self._acknowledged.update(dict.fromkeys(numbers))

    def _forget_acknowledged(self) -> None:
        """Acknowledgements of one read burst become one operation: the writer takes a bounded number of them."""
        known, self._acknowledged = sorted(self._acknowledged), {}

        def forgotten(done: asyncio.Future[None]) -> None:
            if done.exception() is None:
                for number in known:
                    self._told.pop(number, None)
                self.on_outcomes()  # there may be more than one frame held

        self._writer.submit(lambda execute: self._outcomes.acknowledge(execute, self._stream.id, known)).add_done_callback(forgotten)

    def on_outcomes(self) -> None:
        """Tell what has become known of earlier envelopes."""
        if self._connection.ended:
            return
        news = [refused for refused in pending(self._database.read, self._stream.id) if refused.number not in self._told]
        if news:
            self._told.update((refused.number, None) for refused in news)
            self._connection.say(outcome=Outcome(refused=news))

    def closed(self) -> None:
        """The link is gone; what was submitted is still committed."""
        self._outcomes.forget(self._stream.id, self)
        self._intake.leave(self._connection.gate)

    def _prejudge(self, number: int, raw: bytes) -> _Item:
        try:
            return _Item(number, raw, self._check(raw), Status.STATUS_ACCEPTED)
        except WireError as error:
            return _Item(number, raw, None, status_of(error.code))

    def _hold_to_rate(self, count: int) -> None:
        wait = self._bucket.debt(self._loop.time(), count)
        if wait > 0:
            self._connection.gate.shut("rate")
            self._loop.call_later(wait, self._connection.gate.open, "rate")

    def _store(self, execute: Execute, items: Sequence[_Item]) -> Effects:
        """One operation: the number's order is checked again, since an earlier operation may have failed."""
        now = self._clock()
        with self._storing(execute) as arrived:
            effects = Effects(arrived=arrived)
            last = before = self._stream.last(execute)
            for item in items:
                if item.number <= last:
                    continue  # it came again: our answer was lost
                if item.number != last + 1:
                    raise ConnexaError("server.temporary", "An earlier envelope of this stream was not stored.", retryable=True)
                last = item.number
                status = item.status
                if item.envelope is not None:
                    status = self._stream.judge(execute, item.number, item.envelope, item.raw, now, effects)
                if status != Status.STATUS_ACCEPTED:
                    effects.refused.append(Refused(number=item.number, status=status))
                    self._outcomes.record(execute, self._stream.id, item.number, WhereReply.REFUSED, status)
                    self._told[item.number] = None  # `committed` tells it
            if last != before:
                self._stream.advance(execute, last)
        effects.up_to = last
        return effects

    def _settle(self, count: int, size: int, error: ConnexaError | None, effects: Effects) -> None:
        self._intake.done(count, size)
        if error is not None:
            self._fail()
            return
        self._up_to = max(self._up_to, effects.up_to)
        self._refused += effects.refused
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)  # behind everything else that this commit has settled
        if len(self._told) > self._most_refusals:
            self._connection.end(RefusedError("rate.limited", "Too many refusals wait to be acknowledged.", retryable=True))

    def _fail(self) -> None:
        """Nothing of it happened. The node keeps it and comes back; which numbers stand, `Ready` will say (H5)."""
        self._connection.end(ConnexaError("server.temporary", "The homeserver could not store this.", retryable=True))

    def _flush(self) -> None:
        self._flushing = False
        if not self._refused:
            self._connection.say_raw(committed_frame(self._up_to))
            return
        refused, self._refused = self._refused, []
        self._connection.say(committed=Committed(up_to=self._up_to, refused=refused))


def _gap() -> ConflictError:
    return ConflictError("stream.gap", "A number of the stream is missing.", "Send again from the last committed one.")
