"""The first hour of somebody: an account, the words, a stranger who becomes a contact, a chat; reloaded at every step."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from connexa.testing import ProgramWorld
from connexa.testing.browser import WatchedPage, watched_context

from .eyes import accessible, message, open_chat, reaches, says, shows

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]


async def test_from_nothing_to_a_chat(world: ProgramWorld, browser: Browser) -> None:
    alice = await world.device("alice-1", "alice@a.example")
    (bob,) = await world.person("bob@b.example")
    faults: list[str] = []
    async with watched_context(browser) as hers, watched_context(browser) as his:
        at_alice = WatchedPage(await hers.new_page(), alice, faults)
        at_bob = WatchedPage(await his.new_page(), bob, faults)
        await make_account(at_alice)
        await ask(at_alice.page)
        await let_in(at_bob)
        await talk(at_alice, at_bob)
        await say_about(at_alice, at_bob)
        await verify(at_alice, at_bob)
        await write_offline(world, at_alice)
        await second_tab(at_alice, WatchedPage(await hers.new_page(), alice, faults))
    assert faults == []


async def make_account(at: WatchedPage) -> None:
    page = at.page
    await page.goto(at.url)
    await shows(page.get_by_text("This browser is not signed in"))
    await at.log_in()
    await shows(page.get_by_role("heading", name="Welcome to Connexa"))
    assert "k=" not in page.url
    await accessible(page)
    await page.reload()
    await page.get_by_role("button", name="Create an account").click()
    await page.get_by_label("Your address").fill("alice@a.example")
    await page.get_by_label("Your name").fill("Alice")
    await page.get_by_role("button", name="Create an account").click()
    await shows(page.get_by_role("heading", name="Your recovery words"))
    await page.reload()
    await page.get_by_role("button", name="Show the words").click()
    words = [text.split()[-1] for text in await (await shows(page.locator("[data-words]"))).locator("li").all_inner_texts()]
    assert len(words) == 24
    await accessible(page)
    await page.get_by_role("button", name="I have written them down").click()
    asked = page.locator("[data-word]")
    await expect(asked).to_have_count(3)
    for box in await asked.all():
        await box.fill(words[int(await box.get_attribute("data-word") or 0) - 1])
    await page.get_by_role("button", name="Done").click()
    await shows(page.get_by_text("No chats yet"))
    await page.reload()
    await shows(page.get_by_text("No chats yet"))
    await expect(page.get_by_text("not written down")).to_have_count(0)


async def ask(page: Page) -> None:
    await page.get_by_role("link", name="New chat").first.click()
    await page.get_by_label("Their address").fill("bob@b.example")
    await page.get_by_label("First message").fill("it is Alice, from the hut")
    await page.get_by_role("button", name="Send").click()
    await shows(message(page, "it is Alice, from the hut"))
    await shows(page.get_by_text("Your request was sent"))
    await reaches(page, "it is Alice, from the hut", "accepted")
    await page.reload()
    await shows(message(page, "it is Alice, from the hut"))


async def let_in(at: WatchedPage) -> None:
    page = at.page
    await at.log_in()
    await page.get_by_role("link", name="Requests").click()
    await shows(page.get_by_role("heading", name="Somebody at a.example"))
    await expect(page.get_by_text("alice")).to_have_count(0)
    await expect(page.get_by_text("it is Alice")).to_have_count(0)
    await accessible(page)
    await page.reload()
    await page.get_by_role("button", name="Open").click()
    await shows(page.get_by_text("it is Alice, from the hut"))
    await page.get_by_role("button", name="Accept").click()
    await shows(message(page, "it is Alice, from the hut"))


async def talk(at_alice: WatchedPage, at_bob: WatchedPage) -> None:
    alice, bob = at_alice.page, at_bob.page
    await says(bob, "good to hear from you <b>so</b> soon")
    await shows(message(alice, "good to hear from you <b>so</b> soon"))
    await reaches(alice, "it is Alice, from the hut", "delivered", "read")
    await says(alice, "مرحبا")
    await shows(message(bob, "مرحبا"))
    await reaches(alice, "مرحبا", "read")
    for page in (alice, bob):
        await page.reload()
        await shows(message(page, "مرحبا"))
        await accessible(page)


async def choose(page: Page, text: str, what: str) -> None:
    """Do something with a message, by its menu."""
    await message(page, text).hover()
    await message(page, text).get_by_role("button", name="More").click()
    await page.get_by_role("menuitem", name=what, exact=True).click()


async def say_about(at_alice: WatchedPage, at_bob: WatchedPage) -> None:
    alice, bob = at_alice.page, at_bob.page
    await choose(bob, "مرحبا", "👍")
    await shows(message(alice, "مرحبا").get_by_role("button", name="👍"))
    await choose(alice, "it is Alice, from the hut", "Edit")
    await alice.get_by_role("textbox", name="Edit your message").fill("it is Alice, from the other hut")
    await alice.get_by_role("button", name="Save").click()
    await shows(message(bob, "it is Alice, from the other hut").get_by_text("edited"))
    await says(alice, "not for long")
    await shows(message(bob, "not for long"))
    await choose(bob, "not for long", "Reply")
    await says(bob, "what is not?")
    await shows(message(alice, "what is not?").get_by_role("blockquote"))
    await choose(alice, "not for long", "Delete for everybody")
    await alice.get_by_role("alertdialog").get_by_role("button", name="Delete for everybody").click()
    await shows(message(bob, "This message was taken back."))
    await expect(message(bob, "not for long")).to_have_count(0)


async def digits(at: WatchedPage, who: str) -> str | None:
    await at.go(f"/contacts/{who}/verify")
    return await (await shows(at.page.locator("[data-digits]"))).get_attribute("data-digits")


async def verify(at_alice: WatchedPage, at_bob: WatchedPage) -> None:
    seen = await digits(at_alice, "bob@b.example")
    assert seen == await digits(at_bob, "alice@a.example")
    assert len(seen or "") == 60
    await accessible(at_alice.page)
    await at_alice.page.get_by_role("button", name="They are the same").click()
    await shows(at_alice.page.get_by_text("Verified by you"))
    await at_alice.page.get_by_role("link", name="Chats").click()
    await open_chat(at_alice.page, "bob@b.example")
    await shows(at_alice.page.get_by_role("img", name="Verified by you"))


async def write_offline(world: ProgramWorld, at: WatchedPage) -> None:
    page = at.page
    server = world.servers["a.example"]
    server.cut()
    await shows(page.get_by_text("Your homeserver cannot be reached"))
    await says(page, "written in the tunnel")
    await reaches(page, "written in the tunnel", "queued")
    await page.reload()
    await reaches(page, "written in the tunnel", "queued")
    server.heal()
    await reaches(page, "written in the tunnel", "delivered", "read")
    await expect(page.get_by_text("Your homeserver cannot be reached")).to_have_count(0)


async def second_tab(first: WatchedPage, second: WatchedPage) -> None:
    await second.page.goto(first.page.url)
    await shows(message(second.page, "written in the tunnel"))
    await says(second.page, "from the other tab")
    await shows(message(first.page, "from the other tab"))
    await first.page.get_by_role("textbox", name="Write a message").fill("half a thought")
    await expect(second.page.get_by_role("textbox", name="Write a message")).to_have_value("half a thought")
