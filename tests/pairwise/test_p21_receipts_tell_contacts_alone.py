"""P21: receipts go together, late, to accepted contacts alone, and can be off; nothing that did not open and nobody unknown is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from connexa.content import ContactState, Receipt, ReceiptState, Text, decode
from connexa.node.conversations import mark_read, number_of
from connexa.node.receipts import queue_receipt
from connexa.node.settings import PrivacySettings
from connexa.testing import World
from tests.node.correspondents import Device, befriend

Pair = tuple[Device, Device]


async def test_p21_nobody_but_a_contact_is_told_anything(pair: Pair) -> None:
    alice, bob = pair
    await bob.know(alice, ContactState.PENDING)
    privacy = bob.home.settings.privacy
    person = bob.person(alice)
    for state in ContactState:
        other = replace(person, state=state)
        told = await bob.home.change(lambda execute, p=other: queue_receipt(execute, p, bytes(16), ReceiptState.READ, privacy))  # type: ignore[misc]
        assert told == (state is ContactState.ACCEPTED)


def receipts(device: Device) -> list[Receipt]:
    """The receipts in the outbox of a device."""
    rows = device.home.database.read("SELECT content FROM outbox WHERE kind = 'receipt' ORDER BY id")
    bodies = [decode(row[0]).body for row in rows]
    return [body for body in bodies if isinstance(body, Receipt)]


async def test_p21_receipts_wait_and_go_together(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    ids = [bytes([number]) * 16 for number in range(40)]
    for number, message in enumerate(ids, 1):
        await bob.take(bob.pushed(await alice.write([bob], Text(f"{number}"), message=message, counter=number)))
        assert receipts(bob) == []  # an arrival makes none by itself
    await bob.receipts()
    (receipt,) = receipts(bob)
    assert receipt.state is ReceiptState.DELIVERED
    assert set(receipt.messages) == set(ids)


@pytest.mark.parametrize(
    ("privacy", "told"),
    [
        (PrivacySettings(), {ReceiptState.DELIVERED, ReceiptState.READ}),
        (PrivacySettings(read_receipts=False), {ReceiptState.DELIVERED}),
        (PrivacySettings(receipts=False), set()),
    ],
)
async def test_p21_receipts_can_be_off(pair: Pair, privacy: PrivacySettings, told: set[ReceiptState]) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    bob.home = replace(bob.home, settings=msgspec.structs.replace(bob.home.settings, privacy=privacy))
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), counter=1)))
    _, person = number_of(bob.home.database.read, 1, "alice@a.example")
    await bob.home.change(lambda execute: mark_read(execute, bob.home, bob.account, person))
    await bob.receipts()
    assert {receipt.state for receipt in receipts(bob)} == told


async def test_p21_what_does_not_open_and_what_is_no_entry_is_told_to_nobody(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    item = bob.pushed(await alice.write([bob], Text("x"), counter=1))
    await bob.take(replace(item, body=bytes(len(item.body))))
    await bob.take(replace(bob.pushed(await alice.write([bob], Receipt(ReceiptState.READ, (bytes(16),))))))
    await bob.receipts()
    assert receipts(bob) == []


async def test_p21_a_contact_who_was_blocked_meanwhile_is_told_nothing(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), counter=1)))
    await bob.home.change(lambda execute: execute("UPDATE person SET state = ?", (ContactState.BLOCKED.value,)))
    await bob.receipts()
    assert receipts(bob) == []


async def test_p21_they_leave_after_a_wait_that_is_drawn_anew_each_time(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        await bob.stop()
        bob.settings = msgspec.structs.replace(bob.settings, privacy=PrivacySettings(receipt_delay=0.6))
        await bob.start()
        await bob.until_up()
        waits = []
        for number in range(5):
            sent = await alice.node.send("", bob.address, f"{number}")
            info = await alice.until_state(sent.id, "delivered")
            waits.append(info.states["delivered"] - info.states["accepted"])
        assert max(waits) > 0.1
        assert max(waits) - min(waits) > 0.05
