"""Take pictures of the web app's main screens into docs/screens: light and dark, at the width of a desk and of a phone.

Real programs in a world of their own; the people and what they say are made up.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from connexa.testing import ProgramDevice, ProgramWorld
from connexa.testing.browser import WatchedPage, chromium, open_browser, watched_context

OUT = Path(__file__).resolve().parent.parent / "docs" / "screens"
ALICE, BOB, CAROL = "alice@a.example", "bob@b.example", "carol@b.example"
TALK = [
    "Have you seen the new timetable?",
    "No, where is it?",
    "https://example.org/timetable – it came out this morning.",
    "The early train is gone, so we would have to take the one at 8:40 and change once. Not too bad, I think.",
    "Then 8:40. I bring the map.",
    "مرحبا! هل أنتم جاهزون للرحلة؟",
    "Almost. See you at the station!",
]
SHAPES = {"desk": (1280, 800), "phone": (390, 780)}
PLACES = {
    "chats": "/chats",
    "chat": "/chats/{chat}",
    "requests": "/requests",
    "new-chat": "/new",
    "verify": f"/contacts/{BOB}/verify",
    "group": "/groups/{group}",
    "settings": "/settings",
    "health": "/settings/health",
}
SETTLE_MS = 700


async def populate(world: ProgramWorld) -> tuple[ProgramDevice, ProgramDevice, dict[str, str]]:
    """Alice with a chat, a group and a request; and a node where nobody has begun."""
    (alice,), (bob,), (carol,) = [await world.person(address) for address in (ALICE, BOB, CAROL)]
    await alice.client.post("/api/account/set", name="Alice Winter")
    await world.befriend(alice, bob)
    await alice.client.post("/api/contacts/rename", who=BOB, name="Bob Meadow")
    for number, text in enumerate(TALK):
        sender, to = ((alice, BOB), (bob, ALICE))[number % 2]
        await sender.client.send(to, text, f"{number + 1:032x}")
        await (bob if sender is alice else alice).client.until_text(ALICE if sender is alice else BOB, text)
    group = await alice.client.post("/api/groups/create", name="Mountain hut")
    await alice.client.post("/api/groups/invite", group=group["id"], who=BOB)
    await carol.client.send(ALICE, "We met at the hut, may I write to you?", "ab" * 16)
    await alice.client.until_request()
    words = (await alice.client.post("/api/account/recovery/show"))["words"]
    await alice.client.post("/api/account/recovery/verify", words={str(number): words[number - 1] for number in (1, 2, 3)})
    contact = await alice.client.get(f"/api/contacts/{BOB}")
    return alice, await world.device("new-1", "new@a.example"), {"chat": contact["conversation"], "group": group["id"]}


async def take(alice: ProgramDevice, fresh: ProgramDevice, ids: dict[str, str]) -> None:
    """One picture of each place, theme and width."""
    async with open_browser() as browser:
        for theme in ("light", "dark"):
            for shape, (width, height) in SHAPES.items():
                async with watched_context(browser, width=width, height=height, dark=theme == "dark") as context:
                    faults: list[str] = []
                    for name, device, place in [("welcome", fresh, ""), *((name, alice, place) for name, place in PLACES.items())]:
                        at = WatchedPage(await context.new_page(), device, faults)
                        await at.log_in()
                        if place:
                            await at.page.wait_for_selector("nav")
                            await at.go(place.format(**ids))
                        await at.page.wait_for_timeout(SETTLE_MS)
                        await at.page.screenshot(path=OUT / f"{name}-{shape}-{theme}.png")
                        await at.page.close()
                    if faults:
                        raise SystemExit("\n".join(faults))


async def main() -> None:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cx-", dir="/tmp") as folder:
        async with ProgramWorld.open(Path(folder)) as world:
            await take(*await populate(world))


if __name__ == "__main__":
    if chromium() is None:
        raise SystemExit("make screens needs Chromium")
    asyncio.run(main())
