"""P23, the contact's half: a device that joins a contact is a warning, a line and an event, and gets mail by the signed list alone; it is
no state that has to be worked off (U5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connexa.node.views import TrustTier
from connexa.testing import World

ALICE, BOB = "alice@a.example", "bob@b.example"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("verified", [False, True])
async def test_p23_a_new_device_of_a_contact_is_never_silent_and_never_a_gate(world: World, verified: bool) -> None:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    number = bob.node.safety_number("", ALICE).digits
    if verified:
        await alice.node.verify_contact("", BOB, number)
    tablet = await world.linked(bob, "bob-tablet")
    await alice.until(lambda: alice.node.contact("", BOB).warning or None, what="the warning")
    contact = alice.node.contact("", BOB)
    assert (contact.warning, contact.devices) == ("devices.added", 2)
    assert contact.trust is (TrustTier.VERIFIED if verified else TrustTier.ATTESTED)  # devices do not change what was compared
    assert alice.node.safety_number("", BOB).digits == number
    assert [note.code for note in alice.node.conversation("", BOB).notes][-1] == "devices.added"
    assert "devices.added" in [event.fields.get("code") for event in alice.node.replay() if event.kind == "trust.warning"]
    await alice.node.send("", BOB, "on both of them")
    for device in (bob, tablet):
        await device.until_text(ALICE, "on both of them")
    await alice.node.mark_read("", BOB)
    assert alice.node.contact("", BOB).warning == ""  # who has seen it is done with it
    assert len(alice.node.conversation("", BOB).notes) == 1 + verified  # and it stays in the conversation
