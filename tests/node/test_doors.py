"""A contact whose key of the other's door opens no more: the two find each other again, and nothing is asked for a receipt."""

from __future__ import annotations

from pathlib import Path

from connexa.content import Receipt, ReceiptState
from connexa.node.outbox import say
from connexa.testing import Device, World

from .test_steps import until


def forget_key(device: Device) -> None:
    """Leave a node as BAD_RIGHT leaves it a day later."""
    device._database.writer_connection.execute("UPDATE person SET profile_key = x'', stranger_from = 0")


async def test_a_contact_who_missed_a_new_key_gets_it_with_one_request(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        for each in (alice, bob):  # both doors were changed while both were away
            forget_key(each)
        await alice.node.send("", "bob@b.example", "one")
        await bob.until_text("alice@a.example", "one")
        await alice.node.send("", "bob@b.example", "two")
        await bob.until_text("alice@a.example", "two")
        await bob.node.send("", "alice@a.example", "three")
        await alice.until_text("bob@b.example", "three")


async def test_p40_a_receipt_takes_no_step_where_the_door_is_shut(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        forget_key(alice)
        home, read = alice.node._home, Receipt(ReceiptState.READ, (b"m" * 16,))
        await home.change(lambda execute: say(execute, 1, 1, "receipt", read, world.clock(), home.rng))
        alice.node._wake(1, 1)
        await until(lambda: not alice._database.read("SELECT 1 FROM outbox WHERE state = 'waiting'"))
        assert alice._database.read("SELECT count(*) FROM stream WHERE use = 2") == [(1,)]  # the one that asked Bob at first
        await alice.node.send("", "bob@b.example", "at once")
        await bob.until_text("alice@a.example", "at once")
