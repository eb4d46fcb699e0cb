"""People with two devices each: every device shows the same conversation, contacts and requests."""

from __future__ import annotations

import pytest

from connexa.errors import ConnexaError
from connexa.node.schema import MIGRATIONS
from connexa.node.views import ContactState, MessageState
from connexa.store import open_database
from connexa.testing import Device, World
from connexa.testing.world import STORE_KEY

ALICE, BOB = "alice@a.example", "bob@b.example"


async def test_two_devices_each_show_everything_that_is_said(world: World) -> None:
    laptop, phone = await world.person(ALICE, devices=2)
    bobs, bobs_phone = await world.person(BOB, devices=2)
    await world.befriend(laptop, bobs)
    await phone.until_contact(BOB)
    await bobs_phone.until_contact(ALICE)
    sent = await phone.node.send("", BOB, "from alice's phone")
    for device in (bobs, bobs_phone):
        await device.until_text(ALICE, "from alice's phone")
    await laptop.until_text(BOB, "from alice's phone", mine=True)
    await phone.until(lambda: _delivered_to(phone, sent.id, 2), what="both receipts")
    await bobs_phone.node.send("", ALICE, "from bob's phone")
    for device in (laptop, phone):
        await device.until_text(BOB, "from bob's phone")
    await bobs.until_text(ALICE, "from bob's phone", mine=True)


async def test_a_request_that_one_device_accepts_is_accepted_on_all(world: World) -> None:
    (alice,) = await world.person(ALICE)
    bobs, bobs_phone = await world.person(BOB, devices=2)
    await alice.node.send("", BOB, "hello, both of you")
    request = await bobs_phone.until_request()
    await bobs.until_request()
    await bobs_phone.node.accept_request("", request.id)
    await bobs.until_contact(ALICE)
    await bobs.until(lambda: True if not bobs.node.requests() else None, what="the request to be gone")
    for device in (bobs, bobs_phone):
        await device.until_text(ALICE, "hello, both of you")


async def test_a_device_that_was_linked_later_shows_what_was_said_before_and_what_follows(world: World) -> None:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    await world.befriend(alice, bob)
    await bob.node.send("", ALICE, "before the phone")
    phone = await world.linked(alice, "alice-phone")
    await phone.until_contact(BOB)
    await bob.node.send("", ALICE, "after the phone")
    await phone.until_text(BOB, "after the phone")
    await phone.until(lambda: _complete(phone), what="the history")
    assert [one.id for one in phone.log(BOB)] == [one.id for one in alice.log(BOB)]
    assert phone.texts(BOB) == ["before the phone", "after the phone"]


async def test_a_revoked_device_gets_nothing_more(world: World) -> None:
    laptop, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(laptop, bob)
    await phone.until_contact(BOB)
    gone = next(one.id for one in laptop.node.devices() if not one.this)
    await laptop.node.revoke_device("", gone)
    await bob.node.send("", ALICE, "only for the laptop")
    await laptop.until_text(BOB, "only for the laptop")
    assert phone.texts(BOB)[-1:] != ["only for the laptop"]


async def test_a_wrong_linking_code_links_nothing(world: World) -> None:
    (alice,) = await world.person(ALICE)
    device = await world.device("stranger", ALICE)
    shown = await device.node.link_account(ALICE)
    broken = shown.code[:-2] + ("A" if shown.code[-2] != "A" else "B") + shown.code[-1]
    with pytest.raises(ConnexaError):
        await alice.node.approve_device("", broken)
    assert len(alice.node.devices()) == 1


async def test_what_a_device_has_lost_comes_back_from_the_other(world: World) -> None:
    laptop, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(laptop, bob)
    for text in ("kept", "lost"):
        await bob.node.send("", ALICE, text)
        for device in (laptop, phone):
            await device.until_text(BOB, text)
    await phone.stop()
    database = open_database(world.directory / phone.name / "node.db", STORE_KEY, MIGRATIONS)
    with database.writer_connection as connection:
        connection.execute("DELETE FROM message WHERE text = 'lost'; UPDATE account SET compare_from = 0")
    database.close()
    world.clock.advance(700)  # what was said is no news any more
    await phone.start()
    await phone.until_text(BOB, "lost")
    assert [one.id for one in phone.log(BOB)] == [one.id for one in laptop.log(BOB)]


async def test_contacts_blocked_on_one_device_are_blocked_on_the_other(world: World) -> None:
    laptop, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(laptop, bob)
    await phone.until_contact(BOB)
    await laptop.node.block_contact("", BOB)
    await phone.until_contact(BOB, ContactState.BLOCKED)


def _complete(device: Device) -> bool | None:
    history = device.node.account().history
    return True if history is not None and history.complete else None


def _delivered_to(device: Device, message_id: str, devices: int) -> bool | None:
    states = [one.state for one in device.node.message("", message_id).devices]
    return True if states == [MessageState.DELIVERED] * devices else None
