"""Edits, reactions, deletions for everybody, forwards and timers between whole nodes: between two and in a group, on every own device."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.errors import RefusedError
from connexa.node.views import MessageView
from connexa.testing import World
from connexa.testing.world import Device

from .groups.test_groups import found

ALICE, BOB = "alice@a.example", "bob@b.example"
UP = "\N{THUMBS UP SIGN}"


async def until_shows(device: Device, conversation: str, message: str, **facts: object) -> MessageView:
    """Wait until an entry is shown like that."""

    def look() -> MessageView | None:
        page = device.node.messages("", conversation, limit=500)
        return next((one for one in page if one.id == message and all(getattr(one, key) == value for key, value in facts.items())), None)

    return await device.until(look, what=f"a message with {facts}")


async def test_what_is_said_about_a_message_reaches_all_devices(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, phone = await world.person(ALICE, devices=2)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        for to, back in ((BOB, ALICE), ("Garden", "Garden")):
            talk, spans = alice.node.talk(), alice.node.read_markup("", f"**helo** @{BOB}")
            sent = await alice.node.send("", to, spans[0], spans=spans[1])
            theirs = await until_shows(bob, back, sent.id)
            assert [one.kind for one in theirs.spans] == ["bold", "mention"] and theirs.mentioned
            await bob.node.talk().react(sent.id, UP)
            await talk.edit(sent.id, "hello")
            for device, where in ((alice, to), (phone, to), (bob, back)):
                shown = await until_shows(device, where, sent.id, text="hello")
                assert shown.edited and not shown.spans
                await until_shows(device, where, sent.id, reactions=shown.reactions or [])
            assert (await until_reaction(phone, to, sent.id)).reactions[0].people == [BOB]
            assert [one.text for one in bob.node.talk().versions(sent.id)] == [spans[0], "hello"]
            with pytest.raises(RefusedError, match="yourself"):
                await bob.node.talk().edit(sent.id, "mine now")
            with pytest.raises(RefusedError, match="yourself"):
                await bob.node.talk().withdraw(sent.id)
            passed = await bob.node.forward("", sent.id, back)
            assert (await until_shows(alice, to, passed.id)).forwarded
            unread = bob.node.conversation("", back).unread
            await talk.withdraw(sent.id)
            for device, where in ((alice, to), (phone, to), (bob, back)):
                shown = await until_shows(device, where, sent.id, kind="withdrawn")
                assert (shown.text, shown.reactions) == ("", [])
            assert bob.node.conversation("", back).unread <= unread  # what is said about a message is no message
            await bob.node.delete_message("", sent.id)
            assert sent.id not in [one.id for one in bob.node.messages("", back)]


async def until_reaction(device: Device, conversation: str, message: str) -> MessageView:
    def look() -> MessageView | None:
        return next((one for one in device.node.messages("", conversation) if one.id == message and one.reactions), None)

    return await device.until(look, what="a reaction")


async def test_what_two_say_disappears_after_their_time_everywhere(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, phone = await world.person(ALICE, devices=2)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        kept = await alice.node.send("", BOB, "stays")
        await bob.until_text(ALICE, "stays")
        assert (await bob.node.set_timer("", ALICE, 600)).timer == 600
        await alice.until(lambda: True if alice.node.conversation("", BOB).timer == 600 else None, what="the timer")
        brief = await alice.node.send("", BOB, "goes")
        await alice.node.talk().edit(brief.id, "goes soon")
        devices = ((alice, BOB), (phone, BOB), (bob, ALICE))
        for device, where in devices:
            assert (await until_shows(device, where, brief.id, text="goes soon")).ends > world.clock()
        world.clock.advance(601)
        await bob.node.send("", ALICE, "over")  # which has a time too: all look at their clocks
        for device, where in devices:
            device.node._wake(1)
            await device.until(
                lambda device=device, where=where: True if brief.id not in [m.id for m in device.node.messages("", where)] else None,  # type: ignore[misc]
                what="the end of it",
            )
            assert kept.id in [one.id for one in device.node.messages("", where)]
            assert device.read("SELECT count(*) FROM message WHERE instr(text, 'goes')") == [(0,)]
