"""Ten thousand messages between two people over real processes, both ways at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connexa.testing import ProgramDevice, ProgramWorld

ALICE, BOB = "alice@a.example", "bob@b.example"
EACH = 5_000
IN_FLIGHT = 32
SECONDS = 240.0  # ten thousand take some forty on two idle cores
# A load test raises the limits by settings and says so: one stream carries in a minute what is meant for hours.
LIMITS = {
    "LIMITS__SEND_PER_SECOND": "5000",
    "LIMITS__SEND_BURST": "20000",
    "LIMITS__DOMAIN_ENVELOPES_PER_SECOND": "20000",
    "LIMITS__DOMAIN_ENVELOPES_BURST": "50000",
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.xdist_group("heavy")  # not beside the other one that wants both cores
async def test_ten_thousand_messages_arrive_once_and_in_order(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path, server=LIMITS) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        async with asyncio.timeout(SECONDS):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_send_all(alice, BOB, "a", EACH))
                tasks.create_task(_send_all(bob, ALICE, "b", EACH))
            for sender, other in ((alice, BOB), (bob, ALICE)):
                newest = [message["id"] for message in await sender.client.log(other) if message["mine"]][-1]
                await sender.client.until_state(newest, "delivered", "read", timeout=SECONDS)
        alices, bobs = await alice.client.log(BOB), await bob.client.log(ALICE)
        for written, shown in ((alices, bobs), (bobs, alices)):
            mine = [message["text"] for message in written if message["mine"]][-EACH:]
            assert len(set(mine)) == EACH
            assert [message["text"] for message in shown if not message["mine"]][-EACH:] == mine


async def _send_all(device: ProgramDevice, to: str, letter: str, count: int) -> None:
    """Send through a few lanes; the order that counts is the one in which the node took them."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await device.client.send(to, f"{letter}{number}", f"{ord(letter):02x}{number:030x}")

    async with asyncio.TaskGroup() as lanes:
        for _ in range(IN_FLIGHT):
            lanes.create_task(lane())
