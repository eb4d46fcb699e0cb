"""What scenario tests share."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connexa.testing import World, found_people


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Two homeservers in this process."""
    async with World.open(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def two_people() -> Iterator[Path]:
    """The stores of Alice and Bob, contacts with three devices each, and of their homeserver: for `Post.open` to copy."""
    with tempfile.TemporaryDirectory(prefix="cx-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        asyncio.run(found_people(Path(folder), "alice", "bob", devices=3))
        yield Path(folder)
