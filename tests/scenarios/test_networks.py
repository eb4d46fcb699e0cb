"""Real processes over real networks that break: cut, stalled, slow; programs that are stopped in order; two devices each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from connexa.testing import ProgramDevice, ProgramWorld

ALICE, BOB = "alice@a.example", "bob@b.example"


async def friends(world: ProgramWorld) -> tuple[ProgramDevice, ProgramDevice]:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    return alice, bob


async def send_all(device: ProgramDevice, to: str, texts: list[str]) -> str:
    """Send in order; returns the id of the last."""
    message_id = ""
    for text in texts:
        message_id = text.encode().hex().rjust(32, "0")[-32:]
        await device.client.send(to, text, message_id)
    return message_id


async def cut_link(world: ProgramWorld) -> None:
    world.servers["b.example"].link.cut()


async def cut_federation(world: ProgramWorld) -> None:
    world.servers["b.example"].federation.cut()


async def stop_recipients_homeserver(world: ProgramWorld) -> None:
    assert await world.servers["b.example"].program.stop() == 0


async def stop_recipient(world: ProgramWorld) -> None:
    assert await world.devices[1].program.stop() == 0


@pytest.mark.parametrize("break_it", [cut_link, cut_federation, stop_recipients_homeserver, stop_recipient])
async def test_what_was_sent_into_an_outage_arrives_after_it_once_and_in_order(
    tmp_path: Path, break_it: Callable[[ProgramWorld], Awaitable[None]]
) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        alice, bob = await friends(world)
        texts = [f"{break_it.__name__[:6]} {number}" for number in range(10)]
        await send_all(alice, BOB, texts[:3])
        await bob.client.until_text(ALICE, texts[2])
        await break_it(world)
        last = await send_all(alice, BOB, texts[3:])
        info = await alice.client.until_state(last, "accepted")
        assert info["path"] == "server", info
        world.servers["b.example"].heal()
        for program in (world.servers["b.example"].program, bob.program):
            if not program.running:
                await program.start()
        await bob.client.send(ALICE, "I am back", "b" * 32)
        await bob.client.until_text(ALICE, texts[-1])
        assert (await bob.client.texts(ALICE))[-10:] == texts
        await alice.client.until_state(last, "delivered")


async def test_the_senders_own_homeserver_is_away_and_the_outbox_waits(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        alice, bob = await friends(world)
        server = world.servers["a.example"]
        server.cut()
        last = await send_all(alice, BOB, ["one", "two", "three"])
        assert (await alice.client.get(f"/api/message/{last}"))["message"]["state"] == "queued"
        await alice.program.restart()  # the outbox is on disk
        server.heal()
        await bob.client.until_text(ALICE, "three")
        assert (await bob.client.texts(ALICE))[-3:] == ["one", "two", "three"]


async def test_a_slow_and_stuttering_network_only_makes_it_slow(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        alice, bob = await friends(world)
        for server in world.servers.values():
            server.link.delay = server.federation.delay = 0.03
        texts = [f"slowly {number}" for number in range(10)]
        await send_all(alice, BOB, texts[:5])
        world.servers["b.example"].federation.stall()
        await send_all(alice, BOB, texts[5:])
        world.servers["b.example"].federation.heal()
        await bob.client.until_text(ALICE, texts[-1])
        assert (await bob.client.texts(ALICE))[-10:] == texts


async def test_two_people_with_two_devices_each(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        alices, bobs = await world.person(ALICE, devices=2), await world.person(BOB, devices=2)
        await world.befriend(alices[0], bobs[0])
        await alices[1].client.until_contact(BOB)
        await bobs[1].client.until_contact(ALICE)
        sent = await send_all(alices[1], BOB, ["from a phone"])
        for device in bobs:
            await device.client.until_text(ALICE, "from a phone")
        await alices[0].client.until_text(BOB, "from a phone")  # her own copy

        async def both() -> bool | None:
            found = (await alices[1].client.get(f"/api/message/{sent}"))["devices"]
            return True if [one["state"] for one in found] == ["delivered"] * 2 else None

        await alices[1].client.until(both, what="the receipts of both devices")
        await bobs[0].program.stop()
        await send_all(alices[0], BOB, ["one of you sleeps"])
        await bobs[1].client.until_text(ALICE, "one of you sleeps")
        await bobs[0].program.start()
        await bobs[0].client.until_text(ALICE, "one of you sleeps")
