"""What a node may cost that means harm: strangers who hold places, accounts that flood; nobody else pays for it."""

from __future__ import annotations

from pathlib import Path

from .village import settings_with, village


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
