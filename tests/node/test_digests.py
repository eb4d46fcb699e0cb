"""Own devices compare what they hold: equal ones say one digest, differing ones repair without a human, within bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connexa.content import Buckets, ContactState, Content, Digest, Digests, Text, decode, encode
from connexa.identity import UserId
from connexa.node.contact_book import rename
from connexa.node.conversations import delete_message, mark_read, number_of
from connexa.node.digests import compare, take_digests, until_comparison
from connexa.node.entry import Entry
from connexa.node.log import add_entry, conversation_of
from connexa.node.trust import unverify
from connexa.node.views import MessageState
from connexa.store import Execute
from connexa.testing import FakeClock, SeededRandom

from .correspondents import Device, carry, link_device, meet

Three = tuple[Device, Device, Device]


@pytest.fixture
async def three(pair: tuple[Device, Device], tmp_path: Path, clock: FakeClock) -> AsyncIterator[Three]:
    """Alice, and two devices of Bob that have each other's keys and nothing to tell each other."""
    alice, bob = pair
    await alice.know(bob, ContactState.ACCEPTED)
    await bob.know(alice, ContactState.ACCEPTED)
    phone = await link_device(bob, tmp_path / "phone.db", clock, SeededRandom("phone"))
    phone.pin("a.example", alice.domain_key)
    await phone.know(alice, ContactState.ACCEPTED)
    phone.home.database.writer_connection.execute("DELETE FROM history")
    await meet(bob, phone)
    await meet(phone, bob)
    yield alice, bob, phone
    await phone.home.writer.close()
    phone.home.database.close()


async def say(device: Device, other: Device, numbers: range, *, mine: bool = False) -> None:
    """Put entries into one device's log alone, as if the other one had lost them."""
    account, person = device.account, device.person(other)
    writer = account.device if mine else other.account.device

    def store(execute: Execute) -> None:
        conversation = conversation_of(execute, account, person)
        for number in numbers:
            text = f"message {number}"
            raw = encode(Content(1_000 + number, Text(text)))
            sender = account.user_id if mine else person.user
            state = MessageState.ACCEPTED if mine else MessageState.RECEIVED
            entry = Entry(number.to_bytes(2, "little") * 8, sender, writer, 0, mine, Text(text), raw, 1.0, state)
            add_entry(execute, account.id, conversation, entry, device.home.clock())

    await device.home.change(store)


async def settle(clock: FakeClock, *devices: Device) -> list[int]:
    """Ten minutes later the first device compares, then both say what they have to say; returns the envelopes of each turn."""
    first, second = devices
    clock.advance(601)
    first.home.database.writer_connection.execute("UPDATE account SET compare_from = 0")
    second.home.database.writer_connection.execute(f"UPDATE account SET compare_from = {clock() + 10**6}")
    await first.home.change(lambda execute: compare(execute, first.home, first.account))
    turns: list[int] = []
    while not turns or any(turns[-2:]):
        turns.append(await carry(first, second))
        first, second = second, first
    return turns


def log(device: Device) -> set[tuple[bytes, int, str]]:
    return set(device.home.database.read("SELECT message, hidden, text FROM message"))


async def test_equal_devices_say_one_digest_and_nothing_else(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    for device in (bob, phone):
        await say(device, alice, range(50))
    assert await settle(clock, bob, phone) == [1, 0, 0]
    assert isinstance(decode(bob.home.database.read("SELECT content FROM own_envelope")[-1][0]).body, Digests)
    for device in (bob, phone):  # neither has reason to say more for most of a day
        assert (until_comparison(device.home, 1) or 0) > 60_000


async def test_made_differences_converge(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    await say(bob, alice, range(500))
    await say(phone, alice, range(400, 900))
    await say(bob, alice, range(1_000, 1_030), mine=True)
    await say(phone, alice, range(1_030, 1_060), mine=True)
    await settle(clock, phone, bob)
    assert log(bob) == log(phone)
    assert len(log(bob)) == 960
    assert await settle(clock, bob, phone) == [1, 0, 0]
    assert "message.new" not in bob.events()
    assert "conversation.changed" in bob.events()  # a face that shows it looks again


@pytest.mark.parametrize("first", [0, 1])
async def test_what_one_deleted_is_deleted_on_both_and_stays_so(three: Three, clock: FakeClock, first: int) -> None:
    alice, bob, phone = three
    for device in (bob, phone):
        await say(device, alice, range(20))
    gone = (7).to_bytes(2, "little") * 8
    await bob.home.change(lambda execute: delete_message(execute, bob.home, bob.account, gone.hex()))
    bob.home.database.writer_connection.execute("DELETE FROM own_copy")  # the copy that would tell is lost
    await settle(clock, *((phone, bob), (bob, phone))[first])
    assert (gone, 1, "") in log(phone)
    assert log(bob) == log(phone)
    assert await settle(clock, bob, phone) == [1, 0, 0]


async def test_decisions_whose_copies_were_lost_are_made_good(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    for device in (bob, phone):
        await say(device, alice, range(3))
    await bob.home.change(lambda execute: rename(execute, bob.home, bob.account, bob.person(alice), "old"))
    clock.advance(1)
    await phone.home.change(lambda execute: rename(execute, phone.home, phone.account, phone.person(alice), "new"))
    await bob.home.change(lambda execute: unverify(execute, bob.home, bob.account, bob.person(alice)))
    _, person = number_of(phone.home.database.read, 1, "alice@a.example")
    await phone.home.change(lambda execute: mark_read(execute, phone.home, phone.account, person))
    for device in (bob, phone):
        device.home.database.writer_connection.execute("DELETE FROM own_copy")
    await settle(clock, bob, phone)
    assert bob.person(alice).name == phone.person(alice).name
    unread = "SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.cursor > c.read_cursor"
    assert bob.home.database.read(unread) == [(0,)]
    assert await settle(clock, phone, bob) == [1, 0, 0]


async def test_what_may_still_be_on_its_way_is_no_difference(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    await say(bob, alice, range(3))
    bob.home.database.writer_connection.execute("UPDATE message SET sent = ?", (clock() + 300,))
    assert await settle(clock, bob, phone) == [0]  # there is nothing older to compare


async def test_differences_are_waited_for_longer_each_time(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    await say(bob, alice, range(3))
    told = Digests(int(clock() * 1000), (Digest(UserId(alice.account.user_id), 9, bytes(32)),))
    waits = []
    for _ in range(12):
        await bob.home.change(lambda execute: take_digests(execute, bob.home, bob.account, phone.account.device, told))
        waits.append(until_comparison(bob.home, 1))
    assert waits[:4] == [60, 120, 240, 480]
    assert waits[-1] == 86_400
    asked = bob.home.database.read("SELECT content FROM own_message")
    assert all(isinstance(decode(content).body, Buckets) for (content,) in asked)


async def test_one_answer_to_a_digest_is_bounded(three: Three, clock: FakeClock) -> None:
    _, bob, phone = three
    many = tuple(Digest(UserId(bytes([number]) * 32), 1, bytes(32)) for number in range(100))
    await bob.home.change(lambda execute: take_digests(execute, bob.home, bob.account, phone.account.device, Digests(10**15, many)))
    assert len(bob.home.database.read("SELECT * FROM own_message")) == 8
