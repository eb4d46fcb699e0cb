"""Carries a hub's news to the homeservers of members and to fallbacks: Welcomes and records until they have arrived, hints as they come.

One task for each domain that has something to hear, its own among them. A hint only says that there is more to read, so the newest for
each alias is enough, and one that is lost does no harm (groups §5.4).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from connexa.crypto import Rng
from connexa.errors import ConnexaError
from connexa.homeserver.groups.ledger import Member
from connexa.homeserver.groups.waiting import Sent, move_on, next_news, waiting_domains
from connexa.identity import Domain
from connexa.store import Store, Writer
from connexa.tasks import TaskGroup
from connexa.wire.v1.groups_pb2 import GroupHint, GroupNews, GroupNewsReply
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["Courier"]

logger = logging.getLogger(__name__)

MAX_HINTS: Final = 4_096  # aliases of one domain that wait to be told of; the oldest are dropped
HINTS_AT_ONCE: Final = 256
CALLS_AT_ONCE: Final = 32
RETRIES_AT_ONCE: Final = 8
SEND_SECONDS: Final = 30.0
FIRST_BACKOFF: Final = 0.5
MAX_BACKOFF: Final = 300.0

Send = Callable[[Domain, GroupNews], Awaitable[GroupNewsReply]]


class Courier:
    """Everything that is on its way to other homeservers; `run` is its work."""

    def __init__(
        self, own: Domain, database: Store, writer: Writer, send: Send, heartbeat: Callable[[Domain], Signed], *, rng: Rng
    ) -> None:
        self._database = database
        self._writer = writer
        self._send = send
        self._heartbeat = heartbeat
        self._rng = rng
        self._hints: dict[Domain, dict[bytes, int]] = {}
        self._beats: set[Domain] = set()
        self._heard: dict[Domain, asyncio.Event] = {}  # of the domains that are served now
        # Domains that do not answer wait among themselves: members may name as many as they like.
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._retries = asyncio.Semaphore(RETRIES_AT_ONCE)
        self._lanes = {own: asyncio.Semaphore(1)}
        self._tasks: TaskGroup | None = None

    def hint(self, members: Iterable[Member], seq: int) -> None:
        """Tell members that there is an entry of this number."""
        domains = set()
        for member in members:
            domain = Domain(member.domain)
            hints = self._hints.setdefault(domain, {})
            hints.pop(member.alias, None)
            hints[member.alias] = seq
            if len(hints) > MAX_HINTS:
                hints.pop(next(iter(hints)))
            domains.add(domain)
        self.wake(domains)

    def beat(self, domain: Domain) -> None:
        """Tell a fallback that this hub is there."""
        self._beats.add(domain)
        self.wake([domain])

    def wake(self, domains: Iterable[str]) -> None:
        """There is something for these domains."""
        if self._tasks is None:
            return
        for name in domains:
            domain = Domain(name)
            if domain not in self._heard:
                self._heard[domain] = asyncio.Event()
                self._tasks.create_task(self._serve(domain))

    def wake_all(self) -> None:
        """There may be something for anybody."""
        self.wake(waiting_domains(self._database.read))

    def heard_from(self, domain: Domain) -> None:
        """A domain called: what waits for it need not wait longer."""
        if (heard := self._heard.get(domain)) is not None:
            heard.set()

    async def run(self) -> None:
        """Carry news until cancelled."""
        async with TaskGroup() as tasks:
            self._tasks = tasks
            try:
                self.wake_all()
                self.wake(list(self._hints))
                await asyncio.Event().wait()
            finally:
                self._tasks = None
                self._heard.clear()

    async def _serve(self, domain: Domain) -> None:
        """Send one domain everything that there is for it; ends when there is nothing more."""
        try:
            await self._send_all(domain, self._heard[domain])
        except Exception as error:  # noqa: BLE001 - one remote's trouble must not end the homeserver; whoever wakes it next begins anew
            logger.error("groups.courier_failed kind=%s", type(error).__name__)
        finally:
            self._heard.pop(domain, None)

    async def _send_all(self, domain: Domain, heard: asyncio.Event) -> None:
        backoff = FIRST_BACKOFF
        while True:
            answers = backoff == FIRST_BACKOFF or heard.is_set()
            heard.clear()
            news, rows, hints = self._collect(domain)
            if not news.ByteSize():
                return
            lane = self._lanes.get(domain) or (self._calls if answers else self._retries)
            try:
                async with lane, asyncio.timeout(SEND_SECONDS):
                    reply = await self._send(domain, news)
                if await self._settle(rows, set(reply.later)):
                    backoff = FIRST_BACKOFF
                    continue
            except (ConnexaError, TimeoutError):
                self._hints[domain] = hints | self._hints.get(domain, {})
            await wait_at_most(heard, backoff * (0.5 + self._rng(1)[0] / 256))
            backoff = min(2 * backoff, MAX_BACKOFF)

    def _collect(self, domain: Domain) -> tuple[GroupNews, list[Sent], dict[bytes, int]]:
        """What to send now; its rows, and the hints that were taken out."""
        news, rows = next_news(self._database.read, domain)
        hints = self._hints.pop(domain, {})
        taken = dict(list(hints.items())[:HINTS_AT_ONCE])
        if left := dict(list(hints.items())[HINTS_AT_ONCE:]):
            self._hints[domain] = left
        news.hints.extend(GroupHint(alias=alias, seq=seq) for alias, seq in taken.items())
        if domain in self._beats:
            self._beats.discard(domain)
            news.heartbeat.CopyFrom(self._heartbeat(domain))
        return news, rows, taken

    async def _settle(self, rows: list[Sent], later: set[int]) -> bool:
        """Forget the rows that have arrived, put those that found no room behind the others; False where none has arrived."""
        waiting = [row_id for row_id, place in rows if place in later]
        done = [row_id for row_id, place in rows if place not in later]
        if rows:
            await self._writer.run(lambda execute: move_on(execute, done, waiting))
        return bool(done) or not waiting


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or until the time is over."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
