"""The web app: how large it is, how soon it shows what the node has, how smooth it scrolls. A real node, and the Chromium of this machine.

The node's log is filled by its own functions while its program is down. Times are the browser's own, from the navigation to the first paint
that shows messages, and from a press to what it opens; frames are those of one scroll through everything, counted by the page.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connexa.testing import ProgramDevice, ProgramWorld, fill_log
from connexa.web import load_app

from .row import Row, percentile

PROMISED_BUNDLE_KIB = 250.0
PROMISED_PAINT_MS = 300.0
PROMISED_OPEN_MS = 100.0
PROMISED_FRAME_MS = 50.0
SOME, MANY = 10_000, 100_000
PEOPLE = 20
ROUNDS = 5
SCROLL_SECONDS = 20.0

# From the beginning of the navigation to the frame behind the first message in the page.
SHOWN = """() => new Promise((done) => {
  const look = () => document.querySelector('article') ? requestAnimationFrame(() => done(performance.now())) : requestAnimationFrame(look);
  look();
})"""
# From the press to the frame behind the first message of that chat.
OPENED = """(name) => new Promise((done) => {
  const begun = performance.now();
  const look = () => document.querySelector('main article') && document.querySelector('main h1')?.textContent?.includes(name)
    ? requestAnimationFrame(() => done(performance.now() - begun)) : requestAnimationFrame(look);
  [...document.querySelectorAll('#chat-list a')].find((one) => one.textContent.includes(name)).click();
  look();
})"""
# Scrolls up by a screen each frame, for so many seconds or to the beginning, and says how long each frame took.
SCROLLED = """(seconds) => new Promise((done) => {
  const frame = document.querySelector('[data-timeline]'), times = [], end = performance.now() + seconds * 1000;
  let before = performance.now();
  const step = (now) => {
    times.push(now - before);
    before = now;
    frame.scrollTop -= frame.clientHeight;
    now < end ? requestAnimationFrame(step) : done(times);
  };
  requestAnimationFrame(step);
})"""


def rows() -> Iterator[Row]:
    """The size first; the rest where there is a browser."""
    packed = sum(len(file.packed) for path, file in load_app().items() if path.endswith((".js", ".css")) or path == "/")
    yield Row.measured("web.bundle_gzip_kib", packed / 1024, "KiB", PROMISED_BUNDLE_KIB)
    try:
        from connexa.testing.browser import chromium
    except ModuleNotFoundError:
        print("  without Playwright: the size alone (make setup)", file=sys.stderr)
        return
    if chromium() is None:
        print("  without Chromium: the size alone", file=sys.stderr)
        return
    yield from asyncio.run(_measure(SOME, PEOPLE))
    yield from asyncio.run(_measure(MANY, 1))


async def _measure(messages: int, people: int) -> list[Row]:
    from connexa.testing.browser import WatchedPage, open_browser, watched_context

    with TemporaryDirectory(prefix="cx-", dir="/tmp") as folder:
        async with ProgramWorld.open(Path(folder), domains=("a.example",)) as world:
            (device,) = await world.person("alice@a.example")
            await device.program.stop()
            await asyncio.to_thread(fill_log, device.program.home, messages, people=people, now=time.time())
            await device.program.start()
            await world.until_up(device)
            async with open_browser() as browser, watched_context(browser) as context:
                page = WatchedPage(await context.new_page(), device, [])
                await page.log_in()
                await page.page.wait_for_selector("#chat-list a")
                return await (_paint_and_open(page.page, device) if people > 1 else _scroll(page.page))


async def _paint_and_open(page: Any, device: ProgramDevice) -> list[Row]:
    names = [one["title"] for one in (await device.client.get("/api/conversations"))["items"]]
    opened = [await page.evaluate(OPENED, name) for name in names[: ROUNDS + 1]][1:]  # the first one loads nothing more, but warms up
    painted = []
    for _ in range(ROUNDS):
        await page.reload(wait_until="commit")
        painted.append(await page.evaluate(SHOWN))
    return [
        Row.measured("web.first_paint_ms.10000", percentile(painted, 50), "ms", PROMISED_PAINT_MS),
        Row.measured("web.open_conversation_ms.10000", percentile(opened, 50), "ms", PROMISED_OPEN_MS),
    ]


async def _scroll(page: Any) -> list[Row]:
    await page.evaluate(OPENED, "friend-0")
    frames = await page.evaluate(SCROLLED, SCROLL_SECONDS)
    return [
        Row.measured("web.scroll_frame_p99_ms.100000", percentile(frames, 99), "ms", PROMISED_FRAME_MS),
        Row.measured("web.scroll_frame_p50_ms.100000", percentile(frames, 50), "ms"),
    ]
