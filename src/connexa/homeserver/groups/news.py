"""What hubs tell this homeserver: hints and Welcomes for its devices, groups that it stands by for, groups that have moved.

Whoever knows an alias may hint; the sender's domain was authenticated. News that do not hold are dropped one by one, so that one of them
does not keep the others from arriving.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from connexa.discovery import PinBook
from connexa.errors import ConnexaError
from connexa.homeserver.groups.aliases import device_of
from connexa.homeserver.groups.failover import Failover, note_hub, stands_by_for
from connexa.homeserver.groups.welcomes import keep_welcome, welcome_fits
from connexa.homeserver.links import Links
from connexa.homeserver.settings import LimitSettings
from connexa.identity import DeviceId, Domain, verify_heartbeat
from connexa.store import Execute, Store, Writer
from connexa.wire.v1.groups_pb2 import GroupHint, GroupHints, GroupNews, GroupNewsReply

__all__ = ["NewsDesk"]

logger = logging.getLogger(__name__)

WELCOME: Final = 0  # the number of a hint that says that a Welcome waits

_Hints = dict[DeviceId, dict[tuple[bytes, bool], int]]  # by alias, and whether it is about a Welcome


class NewsDesk:
    """Takes news of hubs, of this domain's own too."""

    def __init__(
        self,
        domain: Domain,
        database: Store,
        writer: Writer,
        links: Links,
        failover: Failover,
        pins: PinBook,
        limits: LimitSettings,
        clock: Callable[[], float],
    ) -> None:
        self._domain = domain
        self._database = database
        self._writer = writer
        self._links = links
        self._failover = failover
        self._pins = pins
        self._limits = limits
        self._clock = clock

    async def take(self, hub: Domain, news: GroupNews) -> GroupNewsReply:
        """Store what has to be kept and tell the devices that are here; returns when it is durable."""
        later: list[int] = []
        hints: _Hints = {}
        if news.welcomes or news.standbys or news.moved:
            await self._writer.run(lambda execute: self._keep(execute, hub, news, later, hints))
        if news.HasField("heartbeat"):
            await self._note_heartbeat(hub, news)
        for hint in news.hints:
            if (device := device_of(self._database.read, hint.alias)) is not None:
                _note(hints, device, hint.alias, hint.seq)
        for device, said in hints.items():
            told = [GroupHint(alias=alias, seq=seq, hub=hub) for (alias, _), seq in said.items()]
            self._links.hint_device(device, GroupHints(hints=told))
        return GroupNewsReply(later=later)

    def _keep(self, execute: Execute, hub: Domain, news: GroupNews, later: list[int], hints: _Hints) -> None:
        now = self._clock()
        for place, welcome in enumerate(news.welcomes):
            if not welcome_fits(welcome):
                continue
            device, kept = keep_welcome(execute, welcome, hub, self._limits, now)
            if not kept:
                later.append(place)
            elif device is not None:
                _note(hints, device, welcome.alias, WELCOME)
        _each(news.moved, lambda record: self._failover.heard_of(execute, record, now))
        _each(news.standbys, lambda standby: self._failover.enrol(execute, hub, standby, now))

    async def _note_heartbeat(self, hub: Domain, news: GroupNews) -> None:
        if not stands_by_for(self._database.read, hub):
            return
        try:
            remote = await self._pins.require(hub)
            at = verify_heartbeat(news.heartbeat, remote.keys, hub=hub, fallback=self._domain, now=self._clock())
        except ConnexaError as error:
            logger.info("heartbeat.refused code=%s", error.code)
            return
        await self._writer.run(lambda execute: note_hub(execute, hub, at))


def _note(hints: _Hints, device: DeviceId, alias: bytes, seq: int) -> None:
    """The newest of each alias is enough, however often it is said, and that a Welcome waits."""
    said = hints.setdefault(device, {})
    key = (alias, seq == WELCOME)
    said[key] = max(seq, said.get(key, 0))


def _each(items: Iterable[object], take: Callable[..., object]) -> None:
    """Take each on its own; none of them has changed anything when it is refused."""
    for item in items:
        try:
            take(item)
        except ConnexaError as error:
            logger.info("news.refused code=%s", error.code)
