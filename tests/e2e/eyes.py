"""What a test looks for on the app's screens, in the words that people read there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
LOOK_MS = 30_000


async def shows(found: Locator) -> Locator:
    """Wait until something is there."""
    await expect(found).to_be_visible(timeout=LOOK_MS)
    return found


def message(page: Page, text: str) -> Locator:
    """A message in the timeline, by its own text; what it quotes does not count."""
    return page.get_by_role("article").filter(has=page.locator("p").and_(page.get_by_text(text, exact=True)))


async def says(page: Page, text: str) -> None:
    """Write in the open chat."""
    box = page.get_by_role("textbox", name="Write a message")
    await box.fill(text)
    await box.press("Enter")
    await shows(message(page, text))
    await expect(box).to_have_value("")


async def reaches(page: Page, text: str, *states: str) -> None:
    """Wait until a message of ours has come to one of these states."""
    await expect(message(page, text)).to_have_attribute("data-state", re.compile(f"^({'|'.join(states)})$"), timeout=LOOK_MS)


async def open_chat(page: Page, title: str) -> None:
    """Open a chat from the list."""
    await page.get_by_role("list", name="Chats").get_by_role("link", name=re.compile(re.escape(title))).first.click()
    await shows(page.get_by_role("heading", level=1, name=re.compile(re.escape(title))))


async def accessible(page: Page) -> None:
    """Axe finds nothing serious; where npm has not set it up this is not looked at, and the story goes on."""
    if not AXE.exists():
        return
    await page.evaluate(AXE.read_text())
    found: Any = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert not serious, [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious]
