"""One run of the model of groups as a program of its own: `python -m tests.scenarios.group_model FOLDER SEED PEOPLE DEVICES OPERATIONS`."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path

from tests.scenarios.group_story import DOMAINS, LOST, Story, Unable

from connexa.homeserver.settings import LimitSettings as ServerLimits
from connexa.node.settings import LimitSettings
from connexa.testing import LeapingLoop, SeededRandom, World

LOST_AT = 0.4  # of a story; where nobody could take the hub's place then, it is tried again later
TRY_AGAIN = 10  # operations
# A story takes more of everything in its hours than a person does.
LIMITS = ServerLimits(passes_per_day=10_000, lookups_per_minute=10_000, calls_per_second=1_000, calls_burst=1_000, lists_per_day=1_000)


async def tell(folder: Path, seed: int, people: int, devices: int, operations: int) -> None:
    """Play, let all become well again, and check."""
    began = time.process_time()
    async with World.open(folder, domains=DOMAINS, seed=seed, limits=LIMITS) as world:
        world.reconnect_max = LimitSettings().reconnect_max  # time leaps, so nobody waits for a node that waits
        story = Story(world, SeededRandom(seed).choices(), devices)
        await story.begin(people)
        for number in range(operations):
            if number >= operations * LOST_AT and number % TRY_AGAIN == 0 and not story.done[LOST]:
                with contextlib.suppress(Unable):
                    await story.lose_the_hub(wanted(LOST_AT, devices))
            await story.step(wanted(number / operations, devices))
        await story.settle()
        await story.last_words()
        story.check()
        assert story.done[LOST] == 1
        print(f"  {story.figures()} in {time.process_time() - began:.0f} s of work", flush=True)


def wanted(part: float, devices: int) -> int:
    """How many devices the group comes to have in a part of the story: few, all, and few again."""
    return devices if 0.05 < part < 0.35 else max(4, devices // 6)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(tell(Path(sys.argv[1]), *map(int, sys.argv[2:])))
