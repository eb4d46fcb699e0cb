"""A person's devices show the same of a group: what was said before they came, what was deleted, typed, read and put away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.node.correspondents import Device, carry, link_device, meet

from connexa.content import Content, Entries, LogEntry, Text, encode
from connexa.node.acts import hide
from connexa.node.digests import compare
from connexa.node.own_log import keep_entries
from connexa.node.schema import MIGRATIONS
from connexa.store import open_database
from connexa.testing import FakeClock, SeededRandom, World
from connexa.testing.world import STORE_KEY
from connexa.testing.world import Device as WholeDevice

from .test_groups import ALICE, BOB, found, said, until_group, until_said

GARDEN, CAROL, HER_DEVICE = b"g" * 32, b"c" * 32, b"d" * 32
SHOWN_AS = "unconfirmed:carol@c.example"  # whose domain says otherwise


async def test_a_new_device_gets_what_was_said_before_it_came(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await found(alice, "Left", bob)
        for number in range(3):
            await alice.node.send("", "Garden", f"number {number}")
            await bob.node.send("", "Garden", f"answer {number}")
            await until_said(alice, "Garden", f"answer {number}")
        await bob.node.send("", "Left", "before you went")
        await until_said(alice, "Left", "before you went")
        gone = next(one for one in alice.node.messages("", "Garden") if one.text == "answer 1")
        await alice.node.delete_message("", gone.id)
        await alice.node.groups().leave("Left")
        await until_group(alice, "Left", state="left")

        phone = await world.linked(alice, "alice-2")
        await until_group(phone, "Garden", devices=3)
        await phone.until(lambda: True if said(phone, "Garden") == said(alice, "Garden") else None, what="the history", timeout=20)
        assert "answer 1" not in [text for _, text in said(phone, "Garden")]
        await until_group(phone, "Left", state="left")
        assert said(phone, "Left") == [(BOB, "before you went")]
        await bob.node.send("", "Garden", "to both")
        for one in (alice, phone):
            await until_said(one, "Garden", "to both")


async def test_what_the_owner_does_on_one_device_is_done_on_the_other(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, phone = await world.person(ALICE, devices=2)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await until_group(phone, "Garden", devices=3)
        sent = await bob.node.send("", "Garden", "unwanted")
        await until_said(alice, "Garden", "unwanted")
        await until_said(phone, "Garden", "unwanted")

        await phone.node.set_draft("", "Garden", "not finished", "and a subject")
        await until_shown(alice, draft="not finished", draft_subject="and a subject")
        await alice.node.mute_conversation("", "Garden")
        await phone.node.mark_read("", "Garden")  # beside it, which takes nothing back
        await until_shown(phone, muted=True, unread=0)
        await until_shown(alice, muted=True, unread=0, draft="not finished")
        await alice.node.delete_message("", sent.id)
        await phone.until(lambda: True if not said(phone, "Garden") else None, what="the deletion")
        await bob.node.send("", "Garden", "one more")
        await until_said(alice, "Garden", "one more")
        await until_said(phone, "Garden", "one more")
        await phone.node.archive_conversation("", "Garden")
        await until_shown(alice, archived=True, muted=True)
        await alice.node.pin_conversation("", "Garden")
        await until_shown(phone, archived=True, muted=True, pinned=True)
        await phone.node.delete_conversation("", "Garden")
        await alice.until(lambda: True if not said(alice, "Garden") else None, what="the end of it")
        assert [text for _, text in said(bob, "Garden")] == ["unwanted", "one more"]


async def test_a_device_is_brought_in_by_another_before_it_knows_of_contacts_and_decisions(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        world.network.cut("a.example", "b.example")
        phone = await world.linked(bob, "bob-2")
        await phone.stop()
        world.network.heal("a.example", "b.example")
        await until_group(alice, "Garden", devices=3)
        await bob.stop()
        await world.houses["b.example"].server.writer.run(lambda execute: execute("DELETE FROM mailbox"))
        database = open_database(tmp_path / phone.name / "node.db", STORE_KEY, MIGRATIONS)
        for table in ("person", "group_choice", "mls_group", "conversation"):
            database.writer_connection.execute(f"DELETE FROM {table}")
        database.close()
        await phone.start()
        await until_group(phone, "Garden", state="member", devices=3)


async def until_shown(device: WholeDevice, **facts: object) -> None:
    """Wait until the group is kept so."""

    def look() -> bool | None:
        shown = device.node.conversation("", "Garden")
        return True if all(getattr(shown, fact) == value for fact, value in facts.items()) else None

    await device.until(look, what=f"{facts}")


@pytest.fixture
async def two(pair: tuple[Device, Device], tmp_path: Path, clock: FakeClock) -> AsyncIterator[tuple[Device, Device]]:
    """Two devices of Bob that have each other's keys and nothing to tell each other."""
    _, bob = pair
    phone = await link_device(bob, tmp_path / "phone.db", clock, SeededRandom("phone"))
    phone.home.database.writer_connection.execute("DELETE FROM history")
    await meet(bob, phone)
    await meet(phone, bob)
    yield bob, phone
    await phone.home.writer.close()
    phone.home.database.close()


async def hear(device: Device, *numbers: int, user: bytes = CAROL) -> None:
    """Let one device alone have what somebody has said in the group."""
    place = int(device.home.clock() * 1_000_000)
    entries = tuple(
        LogEntry(bytes([number]) * 16, False, HER_DEVICE, 0, place + number, _content(number), "received", user, SHOWN_AS)
        for number in numbers
    )
    told = Entries(GARDEN, None, entries, "Garden")
    await device.home.change(lambda execute: keep_entries(execute, device.home, device.account, (told,)))


def _content(number: int) -> bytes:
    return encode(Content(1_000 + number, Text(f"message {number}")))


async def settle(clock: FakeClock, first: Device, second: Device) -> None:
    """Ten minutes later the first device compares, then both say what they have to say."""
    clock.advance(601)
    first.home.database.writer_connection.execute("UPDATE account SET compare_from = 0")
    second.home.database.writer_connection.execute(f"UPDATE account SET compare_from = {clock() + 10**6}")
    await first.home.change(lambda execute: compare(execute, first.home, first.account))
    turns = [1, 1]
    while any(turns[-2:]):
        turns.append(await carry(first, second))
        first, second = second, first


def log(device: Device) -> set[tuple[bytes, bytes, int, str, str]]:
    return set(device.home.database.read("SELECT message, sender, hidden, text, author FROM message"))


@pytest.mark.parametrize("turn", [0, 1])
async def test_what_one_device_lacks_of_a_group_is_repaired(two: tuple[Device, Device], clock: FakeClock, turn: int) -> None:
    bob, phone = two
    await hear(bob, *range(1, 60))
    await hear(phone, 7, *range(40, 90))
    await hear(bob, 7, user=b"e" * 32)  # somebody else has given their message the same id
    row = next(iter(bob.home.database.read("SELECT cursor FROM message WHERE message = ? AND sender = ?", (bytes([50]) * 16, CAROL))))
    await bob.home.change(lambda execute: hide(execute, row[0]))
    await settle(clock, two[turn], two[1 - turn])
    assert log(bob) == log(phone)
    assert len(log(bob)) == 90
    assert sum(hidden for _, _, hidden, _, _ in log(phone)) == 1
    assert list(phone.home.database.read("SELECT name, state FROM mls_group")) == [("Garden", "waiting")]


async def test_entries_that_do_not_say_whose_they_are_are_left_out(two: tuple[Device, Device]) -> None:
    bob, _ = two
    await hear(bob, 1, user=bob.account.user_id)  # not ours, and yet by us
    assert not log(bob)
