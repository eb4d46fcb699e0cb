"""Steps towards strangers when the network fails: a request is never left lying, and a pass is not spent for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from connexa.testing import Device, World

STEPS = "SELECT count(*) FROM stream WHERE use = 2"


def after_sealing(device: Device, act: Callable[[], object]) -> None:
    """Do something once, in the moment after this node has stored its first envelope."""

    async def watch() -> None:
        await until(lambda: bool(device._database.read("SELECT 1 FROM envelope WHERE raw != x''")))
        act()

    device.world.run(watch())


async def until(look: Callable[[], bool]) -> None:
    """Look at what no event tells of."""
    async with asyncio.timeout(20):
        while not look():  # noqa: ASYNC110 - it looks into the store and the network
            await asyncio.sleep(0)


async def test_a_request_that_was_cut_off_is_finished_without_a_restart(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        after_sealing(alice, lambda: world.network.drop("alice-1", "a.example"))
        sent = await alice.node.send("", "bob@b.example", "hello")
        await bob.until_request()
        await alice.until_state(sent.id, "accepted")


@pytest.mark.slow  # it waits for real answers that do not come
async def test_trying_again_while_nobody_answers_spends_one_pass(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        async with alice.node.subscribe() as events:
            world.network.cut("alice-1", "a.example")
            await alice.node.send("", "bob@b.example", "hello")
            async for event in events:
                if event.kind == "delivery.waits":
                    break
        for _ in range(3):
            tried = len(alice.dialer.dialled)
            alice.node._running[1].wake(1)
            await until(lambda before=tried: len(alice.dialer.dialled) >= before + 2)  # type: ignore[misc]
        assert alice._database.read(STEPS)[0][0] == 1
        world.network.heal("alice-1", "a.example")
        await bob.until_request()
