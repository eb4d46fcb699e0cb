"""The order of what is said in a group: the log's, at everybody, whoever said it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connexa.node.groups.book import group_named, group_of
from connexa.node.groups.missed import enqueue
from connexa.node.groups.places import accepted_by_hub
from connexa.store import Execute
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


def test_what_a_hub_takes_after_the_group_has_left_it_is_said_to_the_next_one(tmp_path: Path) -> None:
    class Undone(Exception):
        """Ends an operation that was only to be looked at."""

    async def story() -> None:
        async with World.open(tmp_path) as world:
            alice, _, group = await two_in_a_group(world)
            await alice.node.send("", group, "here")
            home, account = alice.node._home, alice.node._account("")

            def answered(execute: Execute) -> None:
                row = group_named(execute, account.id, bytes.fromhex(group))
                assert row is not None
                enqueue(execute, home, row, bytes(16), b"said", epoch=1, sealed=b"sealed")
                (outbox,) = next(iter(execute("SELECT max(id) FROM group_outbox")))
                accepted_by_hub(execute, home, account, row.id, outbox, row.seq + 1, row.term - 1)
                assert list(execute("SELECT said, sealed FROM group_outbox WHERE id = ?", (outbox,))) == [(b"said", b"")]
                assert group_of(execute, row.id).seq == row.seq
                accepted_by_hub(execute, home, account, row.id, outbox, row.seq + 1, row.term)
                assert not list(execute("SELECT 1 FROM group_outbox WHERE id = ?", (outbox,)))
                raise Undone

            with pytest.raises(Undone):
                await home.change(answered)

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(story())
