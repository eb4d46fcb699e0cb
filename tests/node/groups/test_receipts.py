"""Receipts in groups: the author alone learns who has a message and who has read it, from contacts who send receipts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from connexa.content import Receipt, ReceiptState
from connexa.node.groups.book import group_named
from connexa.node.groups.messages import tell_author
from connexa.node.people import person_by_user
from connexa.node.receipts import apply_receipt, most_among
from connexa.node.settings import PrivacySettings
from connexa.testing import World
from connexa.testing.world import Device

from .test_groups import ALICE, BOB, CAROL, acquainted, found, until_group, until_said


def seen(device: Device, message: str) -> dict[str, str | None]:
    """What each of the others in the group says of a message."""
    return {one.address: one.state and one.state.value for one in device.node.message("", message).people}


async def until_seen(device: Device, message: str, **said: str | None) -> None:
    """Wait until each name says this."""
    by_name = {"bob": BOB, "carol": CAROL, "alice": ALICE}
    awaited = {by_name[name]: state for name, state in said.items()}
    await device.until(lambda: True if seen(device, message) == awaited else None, what=f"{awaited} of the others", timeout=20)


async def test_an_author_learns_from_contacts_and_nobody_else_does(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await acquainted(world)
        await found(alice, "Garden", bob)
        await alice.node.groups().invite("Garden", CAROL)
        await until_group(carol, "Garden", state="invited")
        early = await alice.node.send("", "Garden", "before carol has accepted")
        await until_said(bob, "Garden", "before carol has accepted")
        await carol.node.groups().accept("Garden")
        sent = await alice.node.send("", "Garden", "who reads this?")
        await until_said(carol, "Garden", "who reads this?")
        await until_seen(alice, sent.id, bob="delivered", carol="delivered")
        await bob.node.mark_read("", "Garden")
        await until_seen(alice, sent.id, bob="read", carol="delivered")
        assert seen(alice, early.id) == {BOB: "read", CAROL: None}
        assert alice.node.message("", sent.id).message.state == "accepted"

        other = await bob.node.send("", "Garden", "bob knows alice alone")
        await until_said(carol, "Garden", "bob knows alice alone")
        await carol.node.mark_read("", "Garden")
        await until_seen(alice, sent.id, bob="read", carol="read")  # said by the same reading
        await until_seen(bob, other.id, alice="delivered", carol=None)
        assert seen(carol, sent.id) == {}


async def test_a_device_that_was_away_learns_it_of_what_another_one_said(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, phone = await world.person(ALICE, devices=2)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await until_group(phone, "Garden", devices=3)
        await phone.until_contact(BOB)
        await alice.stop()
        sent = await phone.node.send("", "Garden", "from the phone")
        await until_said(bob, "Garden", "from the phone")
        await bob.node.mark_read("", "Garden")
        await until_seen(phone, sent.id, bob="read")
        await alice.start()
        await until_said(alice, "Garden", "from the phone")
        await until_seen(alice, sent.id, bob="read")


async def test_who_sends_no_receipts_sends_none_to_groups(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await bob.stop()
        privacy = PrivacySettings(receipt_delay=0.05, own_copies_mean=0.05, read_receipts=False)
        bob.settings = msgspec.structs.replace(bob.settings, privacy=privacy)
        await bob.start()
        first = await alice.node.send("", "Garden", "first")
        await until_seen(alice, first.id, bob="delivered")
        await bob.node.mark_read("", "Garden")
        second = await alice.node.send("", "Garden", "second")
        await until_seen(alice, second.id, bob="delivered")
        assert seen(alice, first.id) == {BOB: "delivered"}


async def test_a_receipt_of_reading_takes_the_place_of_one_that_waits(tmp_path: Path) -> None:
    """In a group of many devices receipts wait long: what was read meanwhile costs one envelope, and one holds all of an author."""
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await bob.stop()
        bob.settings = msgspec.structs.replace(bob.settings, privacy=PrivacySettings(receipt_delay=3_600.0))
        await bob.start()
        home = bob.node._home
        account = bob.node._account("")
        group = group_named(home.database.read, account.id, bytes.fromhex(bob.node.groups().group("Garden").id))
        assert group is not None
        user = bytes.fromhex(alice.node.account().user)
        for state in (ReceiptState.DELIVERED, ReceiptState.READ):
            for message in (b"a" * 16, b"b" * 16):
                await home.change(lambda execute, s=state, m=message: tell_author(execute, home, account, group, user, m, s))  # type: ignore[misc]
        assert set(bob.read("SELECT message, state, among FROM receipt")) == {
            (one * 16, ReceiptState.READ.value, 2) for one in (b"a", b"b")
        }
        assert most_among(home.database.read, account.id) == 2


async def test_what_a_stranger_to_the_group_says_counts_for_nothing(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await acquainted(world)
        await found(alice, "Garden", bob)
        sent = await alice.node.send("", "Garden", "not for carol")
        await until_seen(alice, sent.id, bob="delivered")
        home, person = alice.node._home, person_by_user(alice.node._home.database.read, 1, bytes.fromhex(carol.node.account().user))
        assert person is not None
        receipt = Receipt(ReceiptState.READ, (bytes.fromhex(sent.id),))
        device = bytes.fromhex(carol.node.devices()[0].id)
        await home.change(lambda execute: apply_receipt(execute, home.events, person, device, receipt, home.clock()))
        assert seen(alice, sent.id) == {BOB: "delivered"}
        assert alice.node.message("", sent.id).devices == []
