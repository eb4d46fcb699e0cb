"""A group of real programs: people at several homeservers talk while others come and go and the group's hub is killed.

Each part of the story begins when all who are in agree on one roster. What is said in it is shown by every device that was in from then on,
once, in one order for all, and by no device of somebody who had gone before.

Nothing here has to be done by a certain time: the story fails where nothing moves any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connexa.testing import ProgramDevice, ProgramWorld

NAME = "The group"
LOOK_EVERY = 0.25
STILL_SECONDS = 90.0  # so long nothing may change while something is awaited
PATIENCE = 600.0  # of a call that does not show how far it is
LIMITS = {
    "LIMITS__CALLS_PER_SECOND": "1000",
    "LIMITS__CALLS_BURST": "1000",
    "LIMITS__LOOKUPS_PER_MINUTE": "1000",
    "LIMITS__LISTS_PER_DAY": "1000",
}


@dataclass(frozen=True)
class Part:
    """What happens while so many messages are said: who comes by the link, who leaves, who is removed, whose program is killed."""

    messages: int
    joins: Sequence[str] = ()
    leaves: Sequence[str] = ()
    removes: Sequence[str] = ()
    kills: Sequence[str] = ()  # domains, or names of people


@pytest.mark.timeout(300)
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
@pytest.mark.timeout(2_400)
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
    began: float = field(default_factory=time.monotonic)
    said: list[list[str]] = field(default_factory=list)  # by part
    since: dict[str, int] = field(default_factory=dict)  # the first part that somebody was in for
    until: dict[str, int] = field(default_factory=dict)  # the last part that somebody may have heard something of

    async def begin(self, people: dict[str, int], invited: Sequence[str]) -> None:
        """Everybody registers; the first one makes the group, invites and makes a link for the others."""
        for address, devices in people.items():
            self.people[address.partition("@")[0]] = await self.world.person(address, devices=devices)
        client = self.owner.client
        for name in invited:
            await self.world.befriend(self.owner, self.people[name][0])
        self.group = (await client.post("/api/groups/create", name=NAME))["id"]
        self.inside = [next(iter(self.people))]
        await self.agree()
        for name in invited:
            await client.post("/api/groups/invite", group=self.group, who=self.people[name][0].address)
        for name in invited:
            await self._until_state(self.people[name][0], "invited")
            await self.people[name][0].client.post("/api/groups/accept", group=self.group)
        self.inside += invited
        await self.agree()
        print(flush=True)
        self._show(f"{len(self.people)} people are there, {len(self.inside)} of them in the group")

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
            self._come_and_go(part),
            self._kill(part.kills),
        )
        for name in (*part.leaves, *part.removes):
            self.inside.remove(name)
            self.until[name] = number
            self.since.pop(name)
        self.inside += part.joins
        await self.agree()
        self._show(f"{len(self.inside)} people agree, {sum(map(len, self.said))} texts were said")

    def _show(self, what: str) -> None:
        print(f"  after {time.monotonic() - self.began:.0f} s: {what}", flush=True)

    async def _speak(self, device: ProgramDevice, part: int, texts: list[str]) -> None:
        for place, text in enumerate(texts):
            message_id = f"{self.world.devices.index(device):04x}{part:04x}{place:024x}"
            await device.client.send(self.group, text, message_id)
            await device.client.until_state(message_id, "accepted", timeout=PATIENCE)

    async def _come_and_go(self, part: Part) -> None:
        await self._come(part.joins)
        await self._go(part.leaves, part.removes)  # whoever goes ends the link

    async def _come(self, names: Sequence[str]) -> None:
        if not names:
            return
        client = self.owner.client
        await client.post("/api/groups/link", group=self.group)
        await self._until(self._lacks_link, "a link")
        for name in names:
            link = (await client.get(f"/api/groups/{self.group}/link"))["text"]
            await self.people[name][0].client.post("/api/groups/join", text=link)
            await self._until_state(self.people[name][0], "member")

    async def _lacks_link(self) -> str:
        view = await self._view(self.owner)
        return "" if view["link"] and not view["waiting"] else _summary(view)

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
        return next((item for item in items if item["id"] == self.group), None)

    async def _until(self, amiss: Callable[[], Awaitable[str]], what: str) -> None:
        """Look until nothing is amiss; the same thing for too long is a failure."""
        clock = asyncio.get_running_loop().time
        seen, since = "", clock()
        while found := await amiss():
            if found != seen:
                seen, since = found, clock()
            if clock() > since + STILL_SECONDS:
                raise AssertionError(f"{what}: {seen}")
            await asyncio.sleep(LOOK_EVERY)

    async def _until_state(self, device: ProgramDevice, state: str) -> None:
        async def amiss() -> str:
            view = await self._view(device)
            return "" if view is not None and view["state"] == state else _summary(view)

        await self._until(amiss, f"{device.program.name}: the group as {state}")

    async def agree(self) -> None:
        """Wait until all devices of all who are in show the same roster of exactly them."""
        await self._until(self._disagreement, "one roster")

    async def _disagreement(self) -> str:
        devices = [device for name in self.inside for device in self.people[name]]
        people = sorted(self.people[name][0].address for name in self.inside)
        rosters: dict[str, str] = {}
        for device in devices:
            view = await self._view(device)
            fits = (
                view is not None
                and view["state"] == "member"
                and sorted(one["address"] for one in view["people"]) == people
                and sum(one["devices"] for one in view["people"]) == len(devices)
                and not view["waiting"]
                and not view["trouble"]
            )
            if not fits:
                return f"{device.program.name}: {_summary(view)}"
            rosters.setdefault(view["roster"], f"{device.program.name} in epoch {view['epoch']}")
        return "" if len(rosters) == 1 else f"rosters: {rosters}"

    async def log(self, device: ProgramDevice) -> list[str]:
        """All that a device shows of the group, in its order."""
        texts: list[str] = []
        before: dict[str, int] = {}
        while page := (await device.client.get(f"/api/messages/{self.group}", limit=500, **before))["items"]:
            texts = [message["text"] for message in page] + texts
            before = {"before": page[0]["cursor"]}
        return texts

    async def check(self) -> None:
        """Who is in shows all that was said since they came, who has gone nothing of later parts; nobody twice or in another order."""
        order: list[str] = []
        for name in self.inside:
            expected = {text for texts in self.said[self.since[name] :] for text in texts}
            for device in self.people[name]:
                await self._until(lambda: self._lacks(device, expected), f"{device.program.name}: all that was said")  # noqa: B023 - awaited here
                order = order or await self.log(device)  # the founder's, who was there all the time
        for name, devices in self.people.items():
            for device in devices:
                shown = await self.log(device)
                assert shown == [text for text in order if text in set(shown)], device.program.name
                if name not in self.inside:
                    later = {text for texts in self.said[self.until.get(name, -1) + 1 :] for text in texts}
                    assert not later & set(shown), device.program.name

    async def _lacks(self, device: ProgramDevice, expected: set[str]) -> str:
        missing = expected - set(await self.log(device))
        return f"{len(missing)} are missing, like {min(missing)!r}" if missing else ""


def _summary(view: Any) -> str:
    """What a device shows of the group, in short."""
    if view is None:
        return "nothing of the group"
    facts = {name: view[name] for name in ("state", "epoch", "waiting", "trouble", "link")}
    return f"{facts}, {len(view['people'])} people, {sum(one['devices'] for one in view['people'])} devices"
