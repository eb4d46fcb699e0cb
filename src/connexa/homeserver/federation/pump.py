"""Sends one domain's queue: connects, agrees on where the stream stands, sends batches, applies answers; backs off while nobody is there.

Implements homeserver §7.4. A few batches are in flight at a time. Everything that goes wrong ends the stream; what was not answered is
sent again with the same numbers, and the remote stores each number once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from connexa.crypto import Rng
from connexa.errors import ConnexaError, NetworkError
from connexa.identity import Domain
from connexa.tasks import TaskGroup
from connexa.wire import NONCE_SIZE, OURS, malformed
from connexa.wire.v1.federation_pb2 import Batch, DeliverDown, DeliverUp
from connexa.wire.v1.link_pb2 import Status

from .handshake import Side, check_answerer_leaf, hello_of, open_proof, read_hello, seal_proof, statement
from .remote import DeliverStream, House, RemoteCaller

__all__ = ["Link", "Pump", "QueueRows"]

WINDOW: Final = 4  # batches in flight
ANSWER_SECONDS: Final = 30.0
HANDSHAKE_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 300.0
MAX_BACKOFF: Final = 900.0
FIRST_BACKOFF: Final = 1.0
RETRY_SECONDS: Final = 15.0  # the first wait after a status that is tried again


@dataclass(frozen=True, slots=True)
class Link:
    """Where a domain's stream stands."""

    stream: bytes
    next_number: int
    confirmed: int


class QueueRows(Protocol):
    """The rows of the queue, as a pump sees them."""

    def has_rows(self, domain: Domain) -> bool: ...

    def link(self, domain: Domain) -> Link: ...

    def next_batch(self, domain: Domain, stream: bytes, after: int) -> Batch | None: ...

    async def settle(self, domain: Domain, first: int, last: int, refused: dict[int, Status]) -> list[int]: ...

    def parked(self, domain: Domain) -> list[tuple[int, int]]: ...

    async def unpark(self, domain: Domain, ids: list[int]) -> None: ...

    async def restart(self, domain: Domain) -> None: ...


class Pump:
    """The sender of one domain's queue; it ends when the queue is empty and the stream has been idle."""

    def __init__(
        self, domain: Domain, rows: QueueRows, remotes: RemoteCaller, house: House, *, clock: Callable[[], float], rng: Rng
    ) -> None:
        self.domain = domain
        self.connected = False
        self.failure = ""
        self._rows = rows
        self._remotes = remotes
        self._house = house
        self._clock = clock
        self._rng = rng
        self._attempts = 0
        self._next_try = 0.0  # loop time
        self._due = dict.fromkeys((row_id for row_id, _ in rows.parked(domain)), 0.0)  # parked rows: id → loop time
        self._flying: deque[range] = deque()
        self._news = asyncio.Event()
        self._launched = asyncio.Event()
        self._landed = asyncio.Event()
        self._cut_short = asyncio.Event()

    @property
    def in_flight(self) -> range:
        """The numbers that were sent and not answered."""
        return range(self._flying[0].start, self._flying[-1].stop) if self._flying else range(0)

    @property
    def next_try(self) -> float:
        """Seconds until the next try."""
        return max(0.0, self._next_try - asyncio.get_running_loop().time())

    def wake(self) -> None:
        """There is something new."""
        self._news.set()

    def reset(self) -> None:
        """The remote is there: do not wait any longer."""
        if not self.connected:
            self._attempts = 0
            self._cut_short.set()

    async def run(self) -> None:
        """Send until there is nothing left."""
        while self._rows.has_rows(self.domain):
            await self._unpark()
            if self._rows.next_batch(self.domain, b"", 0) is None:
                await _wait(self._news, self._until_due())
                self._news.clear()
                continue
            try:
                async with self._remotes.deliver(self.domain) as stream:
                    await self._converse(stream)
            except* (ConnexaError, TimeoutError) as failures:
                self.failure = _code(failures)
            self.connected = False
            self._flying.clear()
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError  # before Python 3.13 a group that fails loses its owner's cancellation
            if self.failure:
                await self._back_off()

    async def _back_off(self) -> None:
        """Full jitter, doubling to a quarter of an hour; contact from the remote ends it."""
        ceiling = min(MAX_BACKOFF, FIRST_BACKOFF * 2**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        self._next_try = asyncio.get_running_loop().time() + self._random() * ceiling
        await _wait(self._cut_short, self.next_try)
        self._cut_short.clear()

    async def _converse(self, stream: DeliverStream) -> None:
        link = self._rows.link(self.domain)
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            committed = await self._shake_hands(stream, link.stream)
        if committed < link.confirmed or committed >= link.next_number:
            # It has lost its state, or we have: under the old numbers new envelopes would pass for old ones.
            await self._rows.restart(self.domain)
            raise NetworkError("stream.restarted", "The remote and we disagree about the stream; a new one begins.")
        self.connected, self.failure, self._attempts = True, "", 0
        async with TaskGroup() as group:
            sender = group.create_task(self._send(stream, link.stream))
            sender.add_done_callback(lambda _: self._launched.set())
            while self._flying or not sender.done():
                if self._flying:
                    await self._take_answer(stream)
                else:
                    self._launched.clear()
                    await self._launched.wait()

    async def _shake_hands(self, stream: DeliverStream, stream_id: bytes) -> int:
        ours = Side(self._house.domain, self._rng(NONCE_SIZE), OURS, stream.leaf)
        await stream.send(DeliverUp(hello=hello_of(ours, stream=stream_id)))
        hello = _expect(await stream.receive(), "hello").hello
        leaf = check_answerer_leaf(hello, stream.keys, self.domain, self._clock())
        body = statement(ours, read_hello(hello, domain=self.domain, leaf=leaf))
        await stream.send(DeliverUp(proof=seal_proof(body, self._house.domain_key)))
        open_proof(_expect(await stream.receive(), "proof").proof, body, stream.keys)
        return hello.committed

    async def _send(self, stream: DeliverStream, stream_id: bytes) -> None:
        """Keep a window of batches in flight; ends when nothing comes for a while, or the stream does (the answers tell why)."""
        sent = 0
        while True:
            if len(self._flying) >= WINDOW:
                self._landed.clear()
                await self._landed.wait()
                continue
            self._news.clear()
            await self._unpark()
            batch = self._rows.next_batch(self.domain, stream_id, sent)
            if batch is None:
                if not await _wait(self._news, min(IDLE_SECONDS, self._until_due())) and not (self._flying or self._due):
                    return
                continue
            numbers = range(batch.first, batch.first + len(batch.items))
            sent = numbers[-1]
            self._flying.append(numbers)
            self._launched.set()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await stream.send(DeliverUp(batch=batch))
            except (ConnexaError, TimeoutError):
                return

    async def _take_answer(self, stream: DeliverStream) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            ack = _expect(await stream.receive(), "ack").ack
        numbers = self._flying[0]
        if ack.committed < numbers[-1] or any(refused.number not in numbers for refused in ack.refused):
            raise malformed("an answer is to another batch")
        refused = {r.number: r.status for r in ack.refused}
        if any(status == Status.STATUS_ACCEPTED for status in refused.values()):
            raise malformed("a refusal says accepted")
        parked = await self._rows.settle(self.domain, numbers[0], numbers[-1], refused)
        self._flying.popleft()
        self._landed.set()
        if parked:
            self._plan(parked)
            self._news.set()

    # ---- rows that wait for another try

    def _plan(self, ids: list[int]) -> None:
        attempts = dict(self._rows.parked(self.domain))
        now = asyncio.get_running_loop().time()
        for row_id in ids:
            tries = min(attempts.get(row_id, 1), 16)
            self._due[row_id] = now + (0.5 + self._random() / 2) * min(MAX_BACKOFF, RETRY_SECONDS * 2 ** (tries - 1))

    def _until_due(self) -> float:
        now = asyncio.get_running_loop().time()
        return max(0.0, min(self._due.values(), default=now + MAX_BACKOFF) - now)

    async def _unpark(self) -> None:
        now = asyncio.get_running_loop().time()
        ripe = [row_id for row_id, due in self._due.items() if due <= now]
        if ripe:
            await self._rows.unpark(self.domain, ripe)
            for row_id in ripe:
                del self._due[row_id]

    def _random(self) -> float:
        return int.from_bytes(self._rng(4), "big") / 2**32


def _expect(frame: DeliverDown, kind: str) -> DeliverDown:
    if frame.WhichOneof("frame") != kind:
        raise malformed(f"a frame other than {kind} came")
    return frame


def _code(failures: BaseExceptionGroup[ConnexaError | TimeoutError]) -> str:
    """The code of the first failure; a group may hold groups."""
    first = failures.exceptions[0]
    if isinstance(first, BaseExceptionGroup):
        return _code(first)
    return first.code if isinstance(first, ConnexaError) else "remote.timeout"


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, no longer than that; tell whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
