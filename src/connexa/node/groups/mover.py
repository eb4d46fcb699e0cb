"""The way of groups from one hub to another: asking the fallbacks, and bringing them this device's signature (groups §5.12).

Each admin's device brings it to the first fallback that answers, which becomes the hub once half of the admins' keys have signed and the
old hub is silent for long enough, or at once where the owner has planned it. Everybody else looks whether that has happened.
"""

from __future__ import annotations

from collections.abc import Iterable

from connexa.errors import ConnexaError
from connexa.identity import Domain
from connexa.node.account import Account
from connexa.node.group_calls import Asker, GroupAt, GroupMoved, fetch_log, take_over
from connexa.node.groups.admins import admins_of
from connexa.node.groups.book import GroupRow, group_of, note_wait
from connexa.node.groups.moving import follow, has_say, is_fallback, note_silence, sign
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home
from connexa.wire.v1.groups_pb2 import GroupTakeOver

__all__ = ["Mover"]

SILENCE = 600.0  # seconds for each place in the order of fallbacks; they hold to it by what they heard of the hub themselves


class Mover:
    """What an account does about hubs that are lost or left; the group's pump calls it, for one thing at a time with each group."""

    def __init__(self, home: Home, account: Account, ask: Asker) -> None:
        self._home = home
        self._account = account
        self._ask = ask
        self._rumours: dict[int, str] = {}

    def rumour(self, number: int, hub: str) -> None:
        """A homeserver speaks of a group as its hub does: it may be the hub by now."""
        if is_fallback(self._row(number), hub):
            self._rumours[number] = hub

    async def look(self, number: int) -> None:
        """See what there is to a rumour."""
        if hub := self._rumours.pop(number, ""):
            await self._find(number, [hub])

    async def follow(self, number: int, record: GroupTakeOver) -> bool:
        """Go on where the group is now; False where that is nothing new, or not proved to this device: then its owner sees why."""
        try:
            return await self._home.change(lambda execute: follow(execute, self._home, self._account, number, record))
        except ConnexaError as error:
            await self._show(number, error.code)
            return False

    async def without_hub(self, number: int) -> bool:
        """The hub does not answer: look whether another one has its place, or sign for one when it is time; True where it has."""
        await self._home.change(lambda execute: note_silence(execute, self._home, self._account, number))
        row = self._row(number)
        if not row.raw_shared or not (row.is_live or row.state is GroupStanding.WAITING):  # who waits to come back has to find it too
            return False
        hubs = admins_of(row.shared).fallback_hubs
        try:
            if not await self._find(number, hubs) and has_say(row) and not row.trouble:
                await self._take_its_place(row, hubs)
        except ConnexaError as error:
            await self._show(number, error.code)
        return self._row(number).hub != row.hub

    async def as_planned(self, number: int) -> None:
        """The owner has said where the group is to go."""
        row = self._row(number)
        await self._bring(row, Domain(row.shared.moving), planned=True)

    async def _take_its_place(self, row: GroupRow, hubs: Iterable[Domain]) -> None:
        for place, hub in enumerate(hubs, 1):
            if not row.hurried and self._home.clock() < row.silent + SILENCE * place:
                return
            if await self._bring(row, hub, planned=False):
                return

    async def _bring(self, row: GroupRow, hub: Domain, *, planned: bool) -> bool:
        """Bring our signature to a fallback, and follow it if that was the last one it lacked; False where it cannot be the hub."""
        offer = sign(self._home, row, hub, planned=planned)
        try:
            waits = await take_over(self._ask, GroupAt(hub, row.public, row.term), offer)
        except GroupMoved as moved:
            return await self.follow(row.id, moved.record)
        except ConnexaError:
            return False
        if waits is None:
            await self._find(row.id, [hub])
        return True

    async def _find(self, number: int, hubs: Iterable[str]) -> bool:
        """Ask whether one of these has become the hub, and follow it; no right of ours is shown to it before it has proved that."""
        row = self._row(number)
        for hub in hubs:
            try:
                await fetch_log(self._ask, GroupAt(Domain(hub), row.public, row.term), after=0, limit=1)
            except GroupMoved as moved:
                if await self.follow(number, moved.record):
                    return True
            except ConnexaError:
                continue
        return False

    async def _show(self, number: int, code: str) -> None:
        await self._home.change(lambda execute: note_wait(execute, self._home, self._account, number, code))

    def _row(self, number: int) -> GroupRow:
        return group_of(self._home.database.read, number)
