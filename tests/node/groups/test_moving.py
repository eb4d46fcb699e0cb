"""A group whose hub is lost goes on at another homeserver: whole nodes at three homeservers, while time leaps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from connexa.content import GroupRole
from connexa.node.groups.views import GroupView
from connexa.testing import LeapingLoop, World
from connexa.testing.world import Device

A, B, C = "a.example", "b.example", "c.example"
LONG = 7_200.0  # seconds that leap


def play(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    """Run a story at three homeservers."""

    async def tell() -> None:
        async with World.open(folder, domains=(A, B, C)) as world:
            await story(world)

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(tell())


def garden(device: Device) -> GroupView:
    return device.node.groups().groups(over=True)[0]


async def until(device: Device, holds: Callable[[GroupView], bool], what: str) -> GroupView:
    def look() -> GroupView | None:
        found = device.node.groups().groups(over=True)
        return found[0] if found and holds(found[0]) else None

    return await device.until(look, what=what, timeout=LONG)


def said(device: Device) -> list[str]:
    return [one.text for one in device.node.messages("", garden(device).id, limit=500)]


async def until_said(text: str, *devices: Device) -> None:
    for device in devices:
        await device.until(lambda one=device: True if text in said(one) else None, what=text, timeout=LONG)  # type: ignore[misc]


async def say(device: Device, text: str) -> str:
    return (await device.node.send("", garden(device).id, text)).id


async def agree(*devices: Device) -> None:
    async with asyncio.timeout(LONG):
        while len({garden(device).roster for device in devices}) != 1:  # noqa: ASYNC110 - no event is everybody's
            await asyncio.sleep(1)


async def found(world: World, *, admins: int = 1, members: tuple[str, ...] = ("bob@b.example", "carol@c.example")) -> list[Device]:
    """Alice's group at a.example; the first of the members are admins."""
    (alice,) = await world.person("alice@a.example")
    others = [(await world.person(member))[0] for member in members]
    await alice.node.groups().create("Garden")
    for one in others:
        await world.befriend(alice, one)
        await alice.node.groups().invite("Garden", one.address)
        await until(one, lambda view: view.state == "invited", "the invitation")
        await one.node.groups().accept("Garden")
    for number, one in enumerate(others):
        await until(one, lambda view: len(view.people) == 1 + len(others) and view.state == "member", "everybody")
        if number < admins:
            await alice.node.groups().set_role("Garden", one.address, GroupRole.ADMIN)
    for one in (alice, *others):
        await until(one, lambda view: view.succession.signers == 1 + admins, "the admins' keys")
    await agree(alice, *others)
    return [alice, *others]


def test_a_fallback_takes_the_place_of_a_hub_that_is_lost(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        assert garden(carol).succession.fallbacks == [B, C]
        await say(alice, "before")
        await until_said("before", bob, carol)
        await world.houses[A].stop()
        waiting = await say(carol, "into the silence")
        lost = await until(carol, lambda view: view.succession.silent_since > 0, "the silence")
        assert (lost.hub, lost.trouble) == (A, "group.hub_silent")
        for one in (bob, carol):
            await until(one, lambda view: view.hub == B, "the new hub")
        await carol.until_state(waiting, "accepted", timeout=LONG)
        await until_said("into the silence", bob)
        await say(bob, "we are here")
        await until_said("we are here", carol)
        await agree(bob, carol)
        # The old hub comes back, is told, and its people follow.
        await world.houses[A].start()
        await until(alice, lambda view: view.hub == B, "the way of the group")
        await until_said("we are here", alice)
        await say(alice, "found you")
        await until_said("found you", bob, carol)
        await agree(alice, bob, carol)
        assert said(alice) == said(bob) == said(carol) == ["before", "into the silence", "we are here", "found you"]
        await until(alice, lambda view: view.succession.fallbacks == [A, C], "the new fallbacks")
        assert world.houses[A].read("SELECT count(*) FROM group_entry")[0][0] == 0

    play(tmp_path, story)
