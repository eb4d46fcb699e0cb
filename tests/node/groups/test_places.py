"""The order of what is said in a group: the log's, at everybody, whoever said it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connexa.testing import Fate, LeapingLoop, World
from connexa.testing.world import Device


def shown(device: Device, group: str) -> list[str]:
    """What a device shows, in its order."""
    return [one.text for one in device.node.messages("", group, limit=500)]


async def until_shown(device: Device, group: str, *texts: str) -> None:
    """Wait until that is all that a device shows."""
    try:
        await device.until(lambda: True if shown(device, group) == list(texts) else None)
    except AssertionError:
        assert shown(device, group) == list(texts)


async def two_in_a_group(world: World) -> tuple[Device, Device, str]:
    """Alice, whose homeserver is the hub, and Bob."""
    (alice,) = await world.person("alice@a.example")
    (bob,) = await world.person("bob@b.example")
    await world.befriend(alice, bob)
    group = (await alice.node.groups().create("Garden")).id
    await alice.node.groups().invite(group, "bob@b.example")
    await bob.until(lambda: True if [one.state for one in bob.node.groups().groups()] == ["invited"] else None, what="an invitation")
    await bob.node.groups().accept(group)
    return alice, bob, group


@pytest.mark.parametrize("fate", [Fate.PASSES, Fate.UNANSWERED], ids=["heard", "answer lost"])
def test_what_was_said_offline_stands_behind_what_others_said_meanwhile(tmp_path: Path, fate: Fate) -> None:
    async def story() -> None:
        async with World.open(tmp_path) as world:
            alice, bob, group = await two_in_a_group(world)
            world.network.cut("a.example", "b.example")
            await bob.node.send("", group, "first here")
            await bob.node.send("", group, "second here")
            assert shown(bob, group) == ["first here", "second here"]  # at once
            sent = await alice.node.send("", group, "first there")
            await alice.until_state(sent.id, "accepted")
            fates = [fate] * 3
            world.network.fate = lambda caller, _called: fates.pop() if fates and caller == "b.example" else Fate.PASSES
            world.network.heal("a.example", "b.example")
            for device in (alice, bob):
                await until_shown(device, group, "first there", "first here", "second here")
            sent = await alice.node.send("", group, "last")
            for device in (alice, bob):
                await until_shown(device, group, "first there", "first here", "second here", "last")
            assert [one.state for one in bob.node.messages("", group)] == ["received", "accepted", "accepted", "received"]
            assert bob.read("SELECT * FROM group_said") == bob.read("SELECT * FROM group_outbox") == []

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(story())
