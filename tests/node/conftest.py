"""Alice and Bob, each with one device on a real store, and each holding the other's domain to its key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connexa.crypto import Ed25519Secret
from connexa.testing import FakeClock, SeededRandom

from .correspondents import Device, open_device


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def pair(tmp_path: Path, clock: FakeClock) -> AsyncIterator[tuple[Device, Device]]:
    rng = SeededRandom(7)
    keys = Ed25519Secret.generate(rng), Ed25519Secret.generate(rng)
    alice = await open_device(tmp_path / "alice.db", clock, rng.fork("a"), "alice@a.example", keys[0])
    bob = await open_device(tmp_path / "bob.db", clock, rng.fork("b"), "bob@b.example", keys[1])
    alice.pin("b.example", keys[1])
    bob.pin("a.example", keys[0])
    yield alice, bob
    for device in (alice, bob):
        await device.home.writer.close()
        device.home.database.close()
