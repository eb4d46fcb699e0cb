"""A commit from outside whose answer is lost, or that nobody waits for any more: it is known again, whatever has become of its epoch."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.node.groups.test_moving import C, found, garden, play, said, say, until, until_said

from connexa.testing import World
from connexa.testing.network import Fate
from connexa.testing.world import Device


async def unanswered(world: World, alice: Device) -> Device:
    """Dave of c.example comes by Alice's link, and does not hear that he is in."""
    (dave,) = await world.person("dave@c.example")
    await alice.node.groups().make_link(garden(alice).id)
    await until(alice, lambda view: view.link, "the link")

    def fate(caller: str, _called: str) -> Fate:
        """Nothing is answered from the moment on at which he has read what stands beside the epoch."""
        reads = dave.read("SELECT 1 FROM group_arrival")
        return Fate.UNANSWERED if caller == C and reads else Fate.PASSES

    world.network.fate = fate
    await dave.node.groups().join(alice.node.groups().link(garden(alice).id).text)
    await until(alice, lambda view: len(view.people) == 4, "him")
    assert garden(dave).state == "joining"
    return dave


def test_who_came_by_a_link_that_is_over_is_in_though_nobody_said_so(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        dave = await unanswered(world, alice)
        await alice.node.groups().remove(garden(alice).id, bob.address)  # there is another room key now, and no link
        await until(carol, lambda view: len(view.people) == 3, "that he has gone")
        world.network.fate = lambda _caller, _called: Fate.PASSES
        await until(dave, lambda view: view.state == "member" and len(view.people) == 3, "the group")
        await say(alice, "there you are")
        await until_said("there you are", carol, dave)
        assert not dave.read("SELECT 1 FROM group_arrival")

    play(tmp_path, story)


def test_who_has_left_before_hearing_that_they_are_in_is_let_go(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, carol = await found(world)
        dave = await unanswered(world, alice)
        await dave.node.groups().leave(garden(dave).id)
        world.network.fate = lambda _caller, _called: Fate.PASSES
        await until(dave, lambda view: view.state == "left", "the end")
        for one in (alice, bob, carol):
            await until(one, lambda view: len(view.people) == 3, "that he has gone")

    play(tmp_path, story)


def test_who_has_left_before_the_hub_heard_of_them_was_never_in(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        alice, bob, _ = await found(world)
        (dave,) = await world.person("dave@c.example")
        await alice.node.groups().make_link(garden(alice).id)
        await until(alice, lambda view: view.link, "the link")
        world.network.fate = lambda caller, _: Fate.LOST if caller == C and dave.read("SELECT 1 FROM group_arrival") else Fate.PASSES
        await dave.node.groups().join(alice.node.groups().link(garden(alice).id).text)
        async with asyncio.timeout(60):
            while not dave.read("SELECT 1 FROM group_arrival"):  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.01)
        await dave.node.groups().leave(garden(dave).id)
        await alice.node.groups().rename(garden(alice).id, "Orchard")  # so that what is under way comes too late
        await until(bob, lambda view: view.name == "Orchard", "the name")
        world.network.fate = lambda _caller, _called: Fate.PASSES
        await until(dave, lambda view: view.state == "left", "the end")
        assert len(garden(alice).people) == 3
        assert said(bob) == []

    play(tmp_path, story)
