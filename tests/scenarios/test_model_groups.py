"""A group of people at three homeservers, and everything that can happen to it, in an order that a seed repeats.

Whole nodes and homeservers work on the memory network; time leaps, so that retries cost nothing. While people talk, come, go, change the
group and take new devices, calls between homeservers are lost, heard twice or not answered, links break, domains are cut off, programs
are killed at a commit, with it or without it, and started again, the hub too.

When all is well again, every device in the group shows one epoch, one roster and every message that was accepted while it was in; what
was said without a device it does not show, and what it kept from before it was removed opens nothing of it.

`GROUPS_SEED` repeats a run; it is printed (`-s` shows it).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from pathlib import Path

import pytest
from tests.scenarios.group_story import DOMAINS, LOST, Story, Unable

from connexa.homeserver.settings import LimitSettings
from connexa.testing import LeapingLoop, SeededRandom, World

LOST_AT = 0.4  # of a story

# A story takes more of everything in its hours than a person does.
LIMITS = LimitSettings(passes_per_day=10_000, lookups_per_minute=10_000, calls_per_second=1_000, calls_burst=1_000, lists_per_day=1_000)


def test_a_group_agrees_whatever_happens(tmp_path: Path) -> None:
    run(tmp_path, seed=3, people=5, devices=8, operations=80)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_group_agrees_whatever_happens_two_thousand_times(tmp_path: Path) -> None:
    run(tmp_path, seed=random.SystemRandom().randrange(1 << 32), people=24, devices=64, operations=2_000)


def run(folder: Path, *, seed: int, people: int, devices: int, operations: int) -> None:
    seed = int(os.environ.get("GROUPS_SEED") or seed)
    print(f"\n  GROUPS_SEED={seed}", flush=True)
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        runner.run(tell(folder, seed, people, devices, operations))


async def tell(folder: Path, seed: int, people: int, devices: int, operations: int) -> None:
    began = time.process_time()
    async with World.open(folder, domains=DOMAINS, seed=seed, limits=LIMITS) as world:
        story = Story(world, SeededRandom(seed).choices(), devices)
        await story.begin(people)
        for number in range(operations):
            if number >= operations * LOST_AT and number % 10 == 0 and not story.done[LOST]:
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
