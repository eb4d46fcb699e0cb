"""The task that works for groups, where its hub cannot be reached."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from connexa.testing import LeapingLoop, World


def test_nothing_of_a_node_that_was_closed_goes_on(tmp_path: Path) -> None:
    async def story() -> list[Any]:
        failures: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        async with World.open(tmp_path, domains=("a.example",)) as world:
            (alice,) = await world.person("alice@a.example")
            created = await alice.node.groups().create("Garden")
            desk = alice.node.groups()
            await alice.until(lambda: True if desk.group(created.id).state == "member" else None, what="the group")
            await world.houses["a.example"].stop()
            await desk.rename(created.id, "Orchard")
            await alice.until(lambda: True if desk.group(created.id).trouble else None, what="what it waits for")
            await alice.stop()
            await asyncio.sleep(100)  # longer than it would have waited
        return failures

    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        assert not runner.run(story())
