"""How often what cannot go is tried again: ever more seldom, and not at all where nothing waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

from connexa.homeserver.settings import LimitSettings
from connexa.testing import World

from .test_steps import until


async def test_waits_grow_while_a_mailbox_stays_full(tmp_path: Path) -> None:
    async with World.open(tmp_path, domains=("a.example",), limits=LimitSettings(mailbox_messages=3)) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@a.example")
        await world.befriend(alice, bob)
        await bob.stop()
        for number in range(5):
            await alice.node.send("", "bob@a.example", f"text {number}")
        delivery = alice.node._running[1].delivery
        await until(lambda: 1 in delivery._backoffs and delivery._backoffs[1][0]._bound >= 4)
        await bob.start()
        await bob.until_text("alice@a.example", "text 4", timeout=40)
        assert bob.texts("alice@a.example") == ["may I?", *(f"text {number}" for number in range(5))]


async def test_a_pause_that_is_over_wakes_nobody_again(tmp_path: Path) -> None:
    async with World.open(tmp_path, domains=("a.example",)) as world:
        (alice,) = await world.person("alice@a.example")
        delivery = alice.node._running[1].delivery
        delivery._paused[77] = asyncio.get_running_loop().time()  # nothing waits for that person any more
        delivery._wakeups.outbox.set()
        await until(lambda: not delivery._paused)
