"""What a node may cost that means harm: strangers who hold places, accounts that flood; nobody else pays for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from connexa.wire.v1.link_pb2 import Call, WhereIs

from .village import Client, settings_with, village


async def flood(client: Client, count: int, **frame: Any) -> None:
    """Say the same frame many times over, and read nothing."""
    for _ in range(count):
        client.say(**frame)
    await asyncio.sleep(0)


async def test_h10_one_source_cannot_take_all_pairing_slots_by_opening_and_leaving(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(pairings_per_hour=3)) as v:
        for _ in range(3):
            client = await v.pair(v.rng(16), "eve")
            await client.expect("ready")
            client.close()
        late = await v.pair(v.rng(16), "eve")
        assert await late.closed() == (4429, "rate.limited")
        other = await v.pair(v.rng(16), "elsewhere")
        await other.expect("ready")


async def test_h10_who_reads_no_answers_is_cut_off(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(slow_bytes=100_000)) as v:
        alice = await v.settle("alice")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        client.channel._pipe.down.pause()  # type: ignore[attr-defined]  # nothing is read any more
        await flood(client, 20_000, call=Call(id=1, where=WhereIs(number=1)))
        async with asyncio.timeout(10):
            while v.house.door.open_links:
                await asyncio.sleep(0.01)
        assert client.channel._pipe.down.size < 110_000  # type: ignore[attr-defined]
