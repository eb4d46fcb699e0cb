"""The history of a new device with real programs: killed on either side while it comes, it goes on and ends with every message once."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connexa.testing import ProgramDevice, ProgramWorld, fill_log

ALICE, BOB = "alice@a.example", "bob@b.example"
MESSAGES = 3_000
PEOPLE = 6
SLOW = {"LIMITS__SEND_PER_SECOND": "12"}  # so that there is a half-way


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_history_that_is_interrupted_by_kills_of_both_devices_ends_whole(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path, server=SLOW) as world:
        (laptop,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(bob, laptop)
        await laptop.program.stop()
        fill_log(laptop.program.home, MESSAGES, people=PEOPLE, now=time.time() - 60)
        await laptop.program.start()
        phone = await world.linked(laptop, "alice-phone")

        await _until_done(phone, MESSAGES // 6)
        await phone.program.kill()
        await bob.client.send(ALICE, "while the phone was down", "aa" * 16)
        await phone.program.start()
        await _until_done(phone, MESSAGES // 3)
        await laptop.program.kill()
        await bob.client.send(ALICE, "while the laptop was down", "bb" * 16)
        await laptop.program.start()
        await _until_done(phone, MESSAGES // 2)
        await phone.program.kill()
        await laptop.program.kill()
        await laptop.program.start()
        await phone.program.start()
        before = await _history(phone)
        assert not before["complete"]  # all of this happened on the way

        await phone.client.until(lambda: _complete(phone), what="the whole history", timeout=300)
        for device in (laptop, phone):
            await device.client.until_text(BOB, "while the laptop was down")
        assert await _shown(phone) == await _shown(laptop)
        counts = Counter(message for messages in (await _shown(phone)).values() for message in messages)
        assert set(counts.values()) == {1}
        assert sum(counts.values()) == MESSAGES + 3  # with what Bob has said


async def test_a_new_device_is_told_of_no_old_message_and_shows_the_unread_ones_as_unread(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        (laptop,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(bob, laptop)
        await bob.client.send(ALICE, "read", "aa" * 16)
        await laptop.client.until_text(BOB, "read")
        await laptop.client.post("/api/conversations/read", conversation=BOB)
        await bob.client.send(ALICE, "unread", "bb" * 16)
        await laptop.client.until_text(BOB, "unread")
        phone = await world.linked(laptop, "alice-phone")
        await phone.client.until(lambda: _complete(phone), what="the whole history")
        about = await phone.client.conversation_with(BOB)
        assert about is not None
        assert (about["unread"], about["last"]["text"]) == (1, "unread")
        events = (await phone.client.get("/api/events", after=0))["items"]
        assert "message.new" not in {event["kind"] for event in events}
        assert "history.progress" in {event["kind"] for event in events}
        bobs = (await bob.client.get("/api/message/" + "bb" * 16))["devices"]
        assert len([one for one in bobs if one["state"] == "delivered"]) <= 1  # the phone has received nothing itself


async def _history(device: ProgramDevice) -> Any:
    return (await device.client.get("/api/account"))["history"]


async def _until_done(device: ProgramDevice, count: int) -> None:
    async def look() -> bool | None:
        return True if (await _history(device))["done"] >= count else None

    await device.client.until(look, what=f"{count} messages of the history")


async def _complete(device: ProgramDevice) -> bool | None:
    return True if (await _history(device))["complete"] else None


async def _shown(device: ProgramDevice) -> dict[str, list[str]]:
    """The ids of every conversation in their order."""
    conversations = (await device.client.get("/api/conversations"))["items"]
    return {one["address"]: [message["id"] for message in await device.client.log(one["address"])] for one in conversations}
