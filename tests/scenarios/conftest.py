"""What scenario tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connexa.testing import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Two homeservers in this process."""
    async with World.open(tmp_path) as opened:
        yield opened
