"""Stories in a real browser: Debian's Chromium before real nodes and homeservers. Skipped, with the reason, where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from connexa.testing import ProgramWorld
from connexa.testing.browser import chromium, open_browser


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if chromium() is None:
        pytest.skip("there is no Chromium on this machine")
    async with open_browser() as opened:
        yield opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ProgramWorld]:
    async with ProgramWorld.open(tmp_path) as opened:
        yield opened
