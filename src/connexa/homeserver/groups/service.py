"""Groups' delivery service of one homeserver: what it keeps for its own devices, and what it does as a hub and as a fallback (groups §5).

Composed here and nowhere else: links and federation call this, the courier calls out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.homeserver.groups.commits import Bundles
from connexa.homeserver.groups.courier import Courier
from connexa.homeserver.groups.failover import Failover, fallbacks
from connexa.homeserver.groups.hub import Hub
from connexa.homeserver.groups.news import NewsDesk
from connexa.homeserver.groups.refusals import refusal
from connexa.homeserver.limits import RateTable
from connexa.identity import Domain, check_domain, issue_heartbeat
from connexa.wire import MAX_FRAME, malformed
from connexa.wire.v1.groups_pb2 import GroupCall, GroupNews, GroupNewsReply, GroupReply, GroupRequest
from connexa.wire.v1.keys_pb2 import Signed

if TYPE_CHECKING:
    from connexa.homeserver.homeserver import Homeserver

__all__ = ["GroupService"]

HEARTBEAT_SECONDS: Final = 60.0
MAX_REPLY: Final = MAX_FRAME - 1_024  # of another hub: what is larger would cost the member the link


class GroupService:
    """What the rest of a homeserver needs of groups."""

    def __init__(self, house: Homeserver) -> None:
        limits = house.settings.limits
        self._house = house
        self.courier = Courier(house.domain, house.database, house.writer, self._send, self._heartbeat, rng=house.rng)
        failover = Failover(house.domain, limits)
        bundles = Bundles(house.domain, limits)
        self._hub = Hub(house.domain, house.database, house.writer, bundles, failover, self.courier, limits, house.metrics, house.clock)
        self._desk = NewsDesk(house.domain, house.database, house.writer, house.links, failover, house.pins, limits, house.clock)
        self._told: RateTable[Domain] = RateTable(
            lambda: limits.domain_group_requests_per_second, seconds=1, burst=lambda: limits.domain_group_requests_burst
        )
        self._created: RateTable[bytes] = RateTable(lambda: limits.groups_per_day, seconds=86_400)
        self._beat_at = 0.0

    async def ask(self, stream: bytes, asked: GroupCall) -> GroupReply:
        """Ask a group's hub for one of our people, whose pass has this stream: here, or at another domain."""
        try:
            hub = check_domain(asked.hub)
            if self._house.is_blocked(hub):
                raise _blocked()
            if hub != self._house.domain:
                return await self._ask_remote(hub, asked.request)
            if asked.request.WhichOneof("request") == "create" and not self._created.take(stream, asyncio.get_running_loop().time()):
                raise RefusedError("rate.limited", "This pass makes too many groups.", retryable=True)
        except ConnexaError as error:
            return refusal(error)
        return await self._hub.answer(asked.request, self._house.domain)

    async def _ask_remote(self, hub: Domain, request: GroupRequest) -> GroupReply:
        try:
            reply = await self._house.remotes.group(hub, request)
        except NetworkError:
            raise NetworkError("group.hub_silent", "The group's homeserver does not answer.") from None
        if reply.ByteSize() > MAX_REPLY:
            raise malformed("the hub's answer does not fit a frame")
        return reply

    async def answer(self, domain: Domain, request: GroupRequest) -> GroupReply:
        """Answer another homeserver as the hub of a group."""
        if self._house.is_blocked(domain):
            return refusal(_blocked())
        return await self._hub.answer(request, domain)

    async def take_news(self, hub: Domain, news: GroupNews) -> GroupNewsReply:
        """Take what a hub tells; `domain.blocked` of one that nothing is taken from."""
        if self._house.is_blocked(hub):
            raise _blocked()
        if not self._told.take(hub, asyncio.get_running_loop().time(), _weight(news)):
            raise RefusedError("rate.limited", "That domain has too much to tell.", retryable=True)
        return await self._desk.take(hub, news)

    def tick(self) -> None:
        """Now and then, tell the fallbacks of our groups that we are there, and see to it that nothing is left lying."""
        now = self._house.clock()
        if abs(now - self._beat_at) >= HEARTBEAT_SECONDS:
            self._beat_at = now
            for domain in fallbacks(self._house.database.read):
                self.courier.beat(domain)
            self.courier.wake_all()

    async def _send(self, domain: Domain, news: GroupNews) -> GroupNewsReply:
        if domain == self._house.domain:
            return await self._desk.take(domain, news)
        if self._house.is_blocked(domain):
            return GroupNewsReply()  # nothing is sent there, and nothing waits
        return await self._house.remotes.news(domain, news)

    def _heartbeat(self, fallback: Domain) -> Signed:
        return issue_heartbeat(self._house.domain, fallback, self._house.clock(), self._house.domain_key, self._house.rng)


def _weight(news: GroupNews) -> int:
    """What news cost, counted in hints: a Welcome is stored, and sets of admins are full of keys and signatures."""
    return 1 + len(news.hints) + 10 * len(news.welcomes) + 100 * (len(news.standbys) + len(news.moved))


def _blocked() -> RefusedError:
    return RefusedError("domain.blocked", "This homeserver has nothing to do with that domain.")
