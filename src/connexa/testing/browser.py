"""Debian's Chromium before a node's web app, watched: what its console says, and where its requests go.

Not part of the test kit's face: it needs Playwright, which only developers have, and the Chromium of the system. No browser is downloaded.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from .program_world import ProgramDevice

__all__ = ["WatchedPage", "chromium", "open_browser", "watched_context"]

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
WAIT_MS: Final = 30_000
# What Chromium itself says of an answer that is no success; the app shows each of these, so they are no errors of the page.
_REFUSED: Final = "Failed to load resource"


def chromium() -> str | None:
    """Where a Chromium is, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start the Chromium of this machine, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--disable-gpu", "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            await browser.close()


class WatchedPage:
    """A tab, with all that must not happen in it."""

    def __init__(self, page: Page, device: ProgramDevice, faults: list[str]) -> None:
        self.page = page
        self.device = device
        self.faults = faults  # of all tabs of one browser profile
        self.url: str = device.program.ready["url"]
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: faults.append(f"page error: {error}"))
        page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_REFUSED):
            self.faults.append(f"console {message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.faults.append(f"foreign request: {request.url}")

    async def log_in(self) -> None:
        """Open the app by a fresh one-time key."""
        made = await self.device.client.post("/api/account/key")
        await self.page.goto(f"{self.url}#k={made['key']}")

    async def go(self, place: str) -> None:
        """Open a place of the app."""
        await self.page.goto(f"{self.url}#{place}")


@asynccontextmanager
async def watched_context(
    browser: Browser, *, width: int = 1280, height: int = 800, dark: bool = False, language: str = "en-GB"
) -> AsyncIterator[BrowserContext]:
    """A browser profile of its own."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale=language, reduced_motion="reduce"
    )
    try:
        yield context
    finally:
        await context.close()
