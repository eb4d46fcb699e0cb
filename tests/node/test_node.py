"""The node among homeservers and other nodes, on the memory network: real programs and real stores, no sockets."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.content import ContactState
from connexa.errors import ConflictError, NotFoundError, RefusedError, UsageError
from connexa.testing import World


async def test_a_request_its_acceptance_and_receipts(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        sent = await alice.node.send("", "bob@b.example", "hello Bob")
        request = await bob.until_request()
        assert (request.address, request.texts, request.domain) == ("", [], "a.example")
        assert bob.node.request("", request.id).texts == ["hello Bob"]
        assert bob.node.conversations() == []
        assert (await alice.until_state(sent.id, "accepted")).message.state == "accepted"

        await bob.node.accept_request("", request.id)
        info = await alice.until_state(sent.id, "delivered")
        assert info.path == "server"
        assert list(info.states) == ["queued", "accepted", "delivered"]
        assert [device.state for device in info.devices] == ["delivered"]
        await bob.node.mark_read("", "alice@a.example")
        await alice.until_state(sent.id, "read")

        answer = await bob.node.send("", "alice@a.example", "hello Alice", reply_to=sent.id)
        shown = await alice.until_text("bob@b.example", "hello Alice")
        assert shown.reply_to == sent.id
        await bob.until_state(answer.id, "delivered")
        assert alice.node.conversations()[0].unread == 1
        assert alice.node.safety_number("", "bob@b.example").digits == bob.node.safety_number("", "alice@a.example").digits


async def test_a_burst_in_both_directions_keeps_its_order(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        for number in range(40):
            await alice.node.send("", "bob@b.example", f"a{number}")
            await bob.node.send("", "alice@a.example", f"b{number}")
        await bob.until_text("alice@a.example", "a39")
        await alice.until_text("bob@b.example", "b39")
        assert [text for text in bob.texts("alice@a.example") if text.startswith("a")] == [f"a{n}" for n in range(40)]
        assert [text for text in alice.texts("bob@b.example") if text.startswith("b")] == [f"b{n}" for n in range(40)]
        assert bob.node.conversations()[0].missing == 0


async def test_an_invite_opens_the_door_by_itself(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        invite = await bob.node.create_invite("", uses=1, days=7)
        contact = await alice.node.accept_invite("", invite.text)
        assert contact.address == "bob@b.example"
        sent = await alice.node.send("", "bob@b.example", "by your invite")
        await bob.until_text("alice@a.example", "by your invite")
        await alice.until_state(sent.id, "delivered")
        assert bob.node.requests() == []
        assert bob.node.invites()[0].left == 0


async def test_two_devices_each_see_the_same(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, alices_phone = await world.person("alice@a.example", devices=2)
        bob, bobs_phone = await world.person("bob@b.example", devices=2)
        await world.befriend(alice, bob)
        await alices_phone.until_contact("bob@b.example")
        await bobs_phone.until_contact("alice@a.example")
        sent = await alice.node.send("", "bob@b.example", "to both")
        for device in (bob, bobs_phone):
            await device.until_text("alice@a.example", "to both")
        await alices_phone.until_text("bob@b.example", "to both", mine=True)
        await bobs_phone.node.send("", "alice@a.example", "from the phone")
        for device in (alice, alices_phone):
            await device.until_text("bob@b.example", "from the phone")
        await bob.until_text("alice@a.example", "from the phone", mine=True)

        info = await alice.until(
            lambda: (
                found
                if len((found := alice.node.message("", sent.id)).devices) == 2
                and all(device.state == "delivered" for device in found.devices)
                else None
            )
        )
        assert info.message.state == "delivered"


async def test_a_message_waits_for_its_recipient_and_survives_a_restart(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        await bob.stop()
        sent = await alice.node.send("", "bob@b.example", "when you are back")
        await alice.until_state(sent.id, "accepted")
        await alice.stop()
        await alice.start()
        await bob.start()
        await bob.until_text("alice@a.example", "when you are back")
        await alice.until_state(sent.id, "delivered")


async def test_messages_written_offline_leave_when_the_homeserver_is_back(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        await world.houses["a.example"].stop()
        sent = await alice.node.send("", "bob@b.example", "later")
        assert sent.state == "queued"
        await world.houses["a.example"].start()
        await bob.until_text("alice@a.example", "later")


async def test_an_unknown_person_is_a_final_answer(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        sent = await alice.node.send("", "nobody@b.example", "hello?")
        info = await alice.until_state(sent.id, "refused")
        assert info.message.reason == "directory.unavailable"


async def test_a_blocked_person_gets_no_further_and_others_do(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        (carol,) = await world.person("carol@a.example")
        await world.befriend(alice, bob)
        await world.befriend(carol, bob)
        await bob.node.block_contact("", "alice@a.example")
        await carol.node.send("", "bob@b.example", "still here")
        await bob.until_text("carol@a.example", "still here")
        with pytest.raises(RefusedError):
            await bob.node.send("", "alice@a.example", "no")
        sent = await alice.node.send("", "bob@b.example", "let me in")
        await alice.until(lambda: alice.node.message("", sent.id).message.reason == "right.bad" or None)
        assert "let me in" not in bob.texts("alice@a.example")


async def test_the_same_message_id_is_the_same_message(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        one = await alice.node.send("", "bob@b.example", "once", message_id="ab" * 16)
        two = await alice.node.send("", "bob@b.example", "once", message_id="ab" * 16)
        assert one.id == two.id == "ab" * 16
        assert one.cursor == two.cursor
        with pytest.raises(ConflictError, match=r"message\.id_used"):
            await alice.node.send("", "bob@b.example", "something else", message_id="ab" * 16)


async def test_what_people_get_wrong_has_a_code(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        node = alice.node
        with pytest.raises(UsageError, match=r"contact\.self"):
            await node.send("", "alice@a.example", "me")
        with pytest.raises(NotFoundError, match=r"contact\.not_found"):
            await node.send("", "Bob", "who?")
        with pytest.raises(RefusedError, match=r"request\.too_large"):
            await node.send("", "bob@b.example", "x" * 3000)
        with pytest.raises(NotFoundError, match=r"account\.not_found"):
            node.account("somebody@a.example")
        with pytest.raises(ConflictError, match=r"account\.exists"):
            await node.create_account("alice@a.example")
        with pytest.raises(NotFoundError, match=r"request\.not_found"):
            await node.accept_request("", "00" * 32)
        assert node.contacts() == []


async def test_a_revoked_device_is_no_target_and_cannot_log_in(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        bob, phone = await world.person("bob@b.example", devices=2)
        await world.befriend(alice, bob)
        (lost,) = [device.id for device in bob.node.devices() if not device.this]
        await bob.node.revoke_device("", lost)
        sent = await alice.node.send("", "bob@b.example", "only for the desk")
        info = await alice.until_state(sent.id, "delivered")
        assert lost not in [device.device for device in info.devices]
        assert "only for the desk" not in phone.texts("alice@a.example")


async def test_events_are_replayed_from_a_cursor(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        before = bob.node.status().event_cursor
        await world.befriend(alice, bob)
        kinds = [event.kind for event in bob.node.replay(before)]
        assert kinds.index("request.new") < kinds.index("message.new")
        assert bob.node.contact("", "alice@a.example").state is ContactState.ACCEPTED


async def test_weeks_pass_and_mail_still_goes(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        for week in range(1, 4):
            world.clock.advance(7 * 86_400)
            for house in world.houses.values():
                await house.stop()
                await house.start()
            for device in (alice, bob):
                await device.stop()
                await device.start()
            await alice.node.send("", "bob@b.example", f"week {week}")
            await bob.until_text("alice@a.example", f"week {week}")
            await bob.node.send("", "alice@a.example", f"answer {week}")
            await alice.until_text("bob@b.example", f"answer {week}")
