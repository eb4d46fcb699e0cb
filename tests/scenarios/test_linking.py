"""Linking and revoking with programs of their own: over TLS, with kills between the words (P28, P25)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connexa.errors import ConnexaError, RefusedError
from connexa.testing import ProgramDevice, ProgramWorld

ALICE, BOB = "alice@a.example", "bob@b.example"


async def _listed(device: ProgramDevice) -> int:
    return sum(one["listed"] for one in (await device.client.get("/api/devices"))["items"])


async def _until_revoked(device: ProgramDevice) -> None:
    async def look() -> bool | None:
        return (await device.client.get("/api/account"))["state"] == "revoked" or None

    await device.client.until(look, what="that it was revoked")


async def test_a_device_is_linked_and_shut_out_and_its_contacts_hear_only_the_others(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        (desk, phone), (bob,) = await world.person(ALICE, devices=2), await world.person(BOB)
        await world.befriend(desk, bob)
        await phone.client.until_contact(BOB)
        await phone.client.send(BOB, "from the phone", "01" * 16)
        await bob.client.until_text(ALICE, "from the phone")
        gone = next(one for one in (await desk.client.get("/api/devices"))["items"] if not one["this"])
        assert gone["last_seen"] > 0
        shut = await desk.client.post("/api/devices/revoke", device=gone["id"][:8])
        assert shut["listed"] is False
        await _until_revoked(phone)
        with pytest.raises(RefusedError, match=r"account\.revoked"):
            await phone.client.send(BOB, "still here", "02" * 16)
        await bob.client.send(ALICE, "only for the desk", "03" * 16)
        await desk.client.until_text(BOB, "only for the desk")
        assert all(message["text"] != "only for the desk" for message in await phone.client.log(BOB))


async def test_a_kill_before_the_digits_leaves_nothing_and_the_next_code_links(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        (desk,) = await world.person(ALICE)
        server = world.servers["a.example"].program
        for count, name in enumerate(("the new device", "the primary", "the homeserver"), 1):
            phone = await world.device(f"phone-{count}", ALICE)
            shown = await phone.client.post("/api/account/link", address=ALICE)
            met = await desk.client.post("/api/devices/approve", code=shown["code"])
            digits = await phone.client.until_digits(ALICE)
            program = {1: phone.program, 2: desk.program, 3: server}[count]
            await program.kill()
            await program.start()
            await world.until_up(desk)
            with pytest.raises(ConnexaError) as refused:
                await desk.client.post("/api/devices/confirm", approval=met["id"], digits=digits)
            assert refused.value.code in {"pair.gone", "device.not_waiting"}, name
            assert await _listed(desk) == count, name
            assert (await phone.client.get("/api/accounts"))["items"] == [], name
            await _link(desk, phone)
            await world.until_up(phone)
            assert await _listed(desk) == count + 1, name


async def _link(desk: ProgramDevice, phone: ProgramDevice) -> None:
    shown: Any = await phone.client.post("/api/account/link", address=ALICE)
    met = await desk.client.post("/api/devices/approve", code=shown["code"])
    await desk.client.post("/api/devices/confirm", approval=met["id"], digits=await phone.client.until_digits(ALICE))
