"""A group of real programs: people at several homeservers talk while others come and go and the group's hub is killed.

Each part of the story begins when all who are in agree on one roster; what is said in it is shown by everybody who was in from then on,
once, and by nobody who had gone before.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connexa.testing import ProgramDevice, ProgramWorld

NAME = "The group"
AGREED_SECONDS = 120.0
LIMITS = {"LIMITS__CALLS_PER_SECOND": "1000", "LIMITS__CALLS_BURST": "1000", "LIMITS__LOOKUPS_PER_MINUTE": "1000"}


@dataclass(frozen=True)
class Part:
    """What happens while so many messages are said: who comes by the link, who leaves, who is removed, whose program is killed."""

    messages: int
    joins: Sequence[str] = ()
    leaves: Sequence[str] = ()
    removes: Sequence[str] = ()
    kills: Sequence[str] = ()  # domains, or names of people


@pytest.mark.timeout(180)
@pytest.mark.xdist_group("heavy")
async def test_three_people_and_a_hub_that_is_killed(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path, server=LIMITS) as world:
        story = Story(world)
        await story.begin({"anna@a.example": 2, "bert@b.example": 1, "cleo@b.example": 1}, invited=["bert"])
        await story.tell(Part(12, joins=["cleo"], kills=["a.example"]))
        await story.tell(Part(8, leaves=["bert"]))
        await story.tell(Part(6))
        await story.check()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("heavy")
async def test_twelve_people_with_two_devices_each_at_three_homeservers(tmp_path: Path) -> None:
    domains = ("a.example", "b.example", "c.example")
    async with ProgramWorld.open(tmp_path, domains=domains, server=LIMITS) as world:
        story = Story(world)
        people = {f"p{number}@{domains[number % 3]}": 2 for number in range(12)}
        await story.begin(people, invited=["p1", "p2", "p3", "p4", "p5"])
        await story.tell(Part(100, joins=["p6"], kills=["p4"]))
        await story.tell(Part(100, joins=["p7", "p8"], leaves=["p1"]))
        await story.tell(Part(100, removes=["p2"], kills=["a.example"]))
        await story.tell(Part(100, joins=["p9", "p10", "p11", "p1"], kills=["b.example", "p0"]))
        await story.tell(Part(100, leaves=["p3"], removes=["p5"], kills=["a.example", "c.example"]))
        await story.check()


@dataclass
class Story:
    """One group and everybody who may be in it, by the first part of their address."""

    world: ProgramWorld
    people: dict[str, list[ProgramDevice]] = field(default_factory=dict)
    inside: list[str] = field(default_factory=list)
    group: str = ""
    said: list[list[str]] = field(default_factory=list)  # by part
    since: dict[str, int] = field(default_factory=dict)  # the first part that somebody was in for
    until: dict[str, int] = field(default_factory=dict)  # the last part that somebody may have heard something of

    async def begin(self, people: dict[str, int], invited: Sequence[str]) -> None:
        """Everybody registers; the first one makes the group, invites and makes a link for the others."""
        for address, devices in people.items():
            self.people[address.partition("@")[0]] = await self.world.person(address, devices=devices)
        founder = next(iter(self.people))
        client = self.owner.client
        for name in invited:
            await self.world.befriend(self.owner, self.people[name][0])
        self.group = (await client.post("/api/groups/create", name=NAME))["id"]
        self.inside = [founder]
        await self.agree()
        for name in invited:
            await client.post("/api/groups/invite", group=self.group, who=self.people[name][0].address)
        for name in invited:
            await self._until_state(self.people[name][0], "invited")
            await self.people[name][0].client.post("/api/groups/accept", group=self.group)
        self.inside += invited
        await self.agree()

    @property
    def owner(self) -> ProgramDevice:
        """The founder's first device."""
        return next(iter(self.people.values()))[0]

    # ---- one part

    async def tell(self, part: Part) -> None:
        """Say the messages, by all devices in turn, while the rest happens; then wait until all who are in agree."""
        number = len(self.said)
        for name in self.inside:
            self.since.setdefault(name, number)
        speakers = [device for name in self.inside if name not in (*part.leaves, *part.removes) for device in self.people[name]]
        texts = [f"part {number} text {count}" for count in range(part.messages)]
        self.said.append(texts)
        await asyncio.gather(
            *(self._speak(device, number, texts[place :: len(speakers)]) for place, device in enumerate(speakers)),
            self._come(part.joins),
            self._go(part.leaves, part.removes),
            self._kill(part.kills),
        )
        for name in (*part.leaves, *part.removes):
            self.inside.remove(name)
            self.until[name] = number
            self.since.pop(name)
        self.inside += part.joins
        await self.agree()

    async def _speak(self, device: ProgramDevice, part: int, texts: list[str]) -> None:
        for place, text in enumerate(texts):
            message_id = f"{self.world.devices.index(device):04x}{part:04x}{place:024x}"
            await device.client.send(self.group, text, message_id)
            await device.client.until_state(message_id, "accepted", timeout=AGREED_SECONDS)

    async def _come(self, names: Sequence[str]) -> None:
        if not names:
            return
        client = self.owner.client
        await client.post("/api/groups/link", group=self.group)
        await client.until(self._link_is_there, what="a link", timeout=AGREED_SECONDS)
        for name in names:
            link = (await client.get(f"/api/groups/{self.group}/link"))["text"]
            await self.people[name][0].client.post("/api/groups/join", text=link)
            await self._until_state(self.people[name][0], "member")

    async def _link_is_there(self) -> bool | None:
        view = await self._view(self.owner)
        return True if view["link"] and not view["waiting"] else None

    async def _go(self, leaves: Sequence[str], removes: Sequence[str]) -> None:
        for name in leaves:
            await self.people[name][0].client.post("/api/groups/leave", group=self.group)
        for name in removes:
            await self.owner.client.post("/api/groups/remove", group=self.group, who=self.people[name][0].address)
        for name, state in (*((name, "left") for name in leaves), *((name, "removed") for name in removes)):
            for device in self.people[name]:
                await self._until_state(device, state)

    async def _kill(self, kills: Sequence[str]) -> None:
        """`kill -9`, while the others work, and start again."""
        for name in kills:
            program = self.world.servers[name].program if name in self.world.servers else self.people[name][-1].program
            await program.kill()
            await program.start()

    # ---- what is seen

    async def _view(self, device: ProgramDevice) -> Any:
        items = (await device.client.get("/api/groups", over="true"))["items"]
        return next((item for item in items if item["id"] == self.group), {"state": ""})

    async def _until_state(self, device: ProgramDevice, state: str) -> None:
        async def look() -> bool | None:
            return True if (await self._view(device))["state"] == state else None

        await device.client.until(look, what=f"the group as {state}", timeout=AGREED_SECONDS)

    async def agree(self) -> None:
        """Wait until all devices of all who are in show the same roster of exactly them."""
        devices = [device for name in self.inside for device in self.people[name]]
        people = sorted(self.people[name][0].address for name in self.inside)

        async def look() -> bool | None:
            views = await asyncio.gather(*(self._view(device) for device in devices))
            fit = all(
                view["state"] == "member"
                and sorted(one["address"] for one in view["people"]) == people
                and sum(one["devices"] for one in view["people"]) == len(devices)
                and not view["waiting"]
                and not view["trouble"]
                for view in views
            )
            return True if fit and len({view["roster"] for view in views}) == 1 else None

        try:
            await self.world.until(look, what="one roster", timeout=AGREED_SECONDS)
        except AssertionError:
            views = [await self._view(device) for device in devices]
            raise AssertionError("\n".join(f"{one.program.name}: {view}" for one, view in zip(devices, views, strict=True))) from None

    async def log(self, device: ProgramDevice) -> list[str]:
        """All that a device shows of the group, in its order."""
        texts: list[str] = []
        before: dict[str, int] = {}
        while page := (await device.client.get(f"/api/messages/{self.group}", limit=500, **before))["items"]:
            texts = [message["text"] for message in page] + texts
            before = {"before": page[0]["cursor"]}
        return texts

    async def check(self) -> None:
        """Everybody who is in shows all that was said since they came, once; who has gone shows nothing of later parts."""
        for name in self.inside:
            expected = [text for texts in self.said[self.since[name] :] for text in texts]
            for device in self.people[name]:
                await device.client.until(partial(self._has_all, device, expected), what="all that was said", timeout=AGREED_SECONDS)
                shown = Counter(await self.log(device))
                assert max(shown.values()) == 1, device.program.name
        for name, last in self.until.items():
            if name in self.inside:
                continue
            for device in self.people[name]:
                later = {text for texts in self.said[last + 1 :] for text in texts}
                assert not later & set(await self.log(device)), device.program.name

    async def _has_all(self, device: ProgramDevice, expected: list[str]) -> bool | None:
        return True if set(expected) <= set(await self.log(device)) else None
