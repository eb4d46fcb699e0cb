"""`kill -9` of every program at random instants, under traffic both ways: what was accepted is shown, once, in order."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from connexa.testing import Program, ProgramDevice, ProgramWorld

ALICE, BOB = "alice@a.example", "bob@b.example"
EACH = 1_500
KILLS = 30
IN_FLIGHT = 4
SECONDS = 240.0
LIMITS = {
    "LIMITS__SEND_PER_SECOND": "5000",
    "LIMITS__SEND_BURST": "20000",
    "LIMITS__DOMAIN_ENVELOPES_PER_SECOND": "20000",
    "LIMITS__DOMAIN_ENVELOPES_BURST": "50000",
    "LIMITS__LOGINS_PER_MINUTE": "1000",
}


class Progress:
    """How many messages the nodes have promised to deliver; the killer strikes at numbers drawn before."""

    def __init__(self) -> None:
        self.accepted = 0
        self._moved = asyncio.Event()

    def count(self) -> None:
        self.accepted += 1
        self._moved.set()

    async def reach(self, number: int) -> None:
        while self.accepted < number:
            self._moved.clear()
            await self._moved.wait()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.xdist_group("heavy")
async def test_every_accepted_message_is_shown_exactly_once_through_thirty_kills(tmp_path: Path) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.SystemRandom().randrange(2**32))
    print(f"KILL_SEED={seed}")  # shown where the test fails
    dice = random.Random(seed)
    async with ProgramWorld.open(tmp_path, server=LIMITS) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        programs = [alice.program, bob.program, *(one.program for one in world.servers.values())]
        progress = Progress()
        async with asyncio.timeout(SECONDS):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_send_all(alice, BOB, "a", progress))
                tasks.create_task(_send_all(bob, ALICE, "b", progress))
                tasks.create_task(_kill_all(programs, progress, dice))
            for receiver, sender, letter in ((bob, ALICE, "a"), (alice, BOB, "b")):
                await receiver.client.until(lambda: _all_there(receiver, sender, letter), what="the last message", timeout=SECONDS)  # noqa: B023
        assert sum(program.starts for program in programs) == len(programs) + KILLS
        for receiver, sender, letter in ((bob, ALICE, "a"), (alice, BOB, "b")):
            shown = Counter(text for text in await receiver.client.texts(sender) if text.startswith(letter))
            assert shown == Counter(f"{letter}{number}" for number in range(EACH))
        for writer, reader in ((alice, bob), (bob, alice)):
            written = [message["text"] for message in await writer.client.log(reader.address) if message["mine"]]
            assert (await reader.client.texts(writer.address))[-EACH:] == written[-EACH:]  # in the order in which the node took them


async def _send_all(device: ProgramDevice, to: str, letter: str, progress: Progress) -> None:
    numbers = iter(range(EACH))

    async def lane() -> None:
        for number in numbers:
            await device.client.send(to, f"{letter}{number}", f"{ord(letter):02x}{number:030x}")
            progress.count()

    async with asyncio.TaskGroup() as lanes:
        for _ in range(IN_FLIGHT):
            lanes.create_task(lane())


async def _kill_all(programs: list[Program], progress: Progress, dice: random.Random) -> None:
    """Kill each program in turn, at instants between messages that nobody chose."""
    victims = [programs[number % len(programs)] for number in range(KILLS)]
    dice.shuffle(victims)
    for victim, at in zip(victims, sorted(dice.sample(range(2 * EACH), KILLS)), strict=True):
        await progress.reach(at)
        await asyncio.sleep(dice.random() * 0.02)  # anywhere in what one message takes
        await victim.kill()
        await victim.start()


async def _all_there(receiver: ProgramDevice, sender: str, letter: str) -> bool | None:
    shown = {text for text in await receiver.client.texts(sender) if text.startswith(letter)}
    return True if len(shown) == EACH else None
