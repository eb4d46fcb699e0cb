"""Decisions of the owner on several own devices: the newest wins on all of them, in whatever order they hear of each other."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from connexa.content import AccountName, ContactState, ReadMark, Register, Text, decode
from connexa.identity import UserSecret
from connexa.node.account import profile_key
from connexa.node.arrivals import Taken
from connexa.node.contact_book import block, rename, unblock
from connexa.node.converge import take_register
from connexa.node.conversations import delete_conversation, mark_read, number_of, set_draft, set_flag
from connexa.node.device_book import rename_device
from connexa.node.people import person_of
from connexa.node.registers import all_registers, decide
from connexa.store import Execute
from connexa.testing import FakeClock, SeededRandom

from .correspondents import Device, carry, link_device, meet

Three = tuple[Device, Device, Device]


@pytest.fixture
async def three(pair: tuple[Device, Device], tmp_path: Path, clock: FakeClock) -> AsyncIterator[Three]:
    """Alice, and two devices of Bob's which have each other's keys and know Alice."""
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


async def exchange(one: Device, other: Device) -> None:
    while await carry(one, other) + await carry(other, one):
        pass


async def call(device: Device, name: str, other: Device) -> None:
    await device.home.change(lambda execute: rename(execute, device.home, device.account, device.person(other), name))


@contextmanager
def ahead(device: Device, seconds: float) -> Iterator[None]:
    """A while in which a device's clock goes wrong."""
    right = device.home
    device.home = replace(right, clock=lambda: right.clock() + seconds)
    try:
        yield
    finally:
        device.home = right


def decided(device: Device) -> list[tuple[object, ...]]:
    return device.home.database.read("SELECT kind, key, at, device FROM register ORDER BY kind, key")


async def test_the_later_of_two_decisions_wins_on_both(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    await call(phone, "earlier", alice)
    clock.advance(1)
    await call(bob, "later", alice)
    await exchange(bob, phone)
    assert (bob.person(alice).name, phone.person(alice).name) == ("later", "later")
    assert decided(bob) == decided(phone)


async def test_two_decisions_of_one_moment_end_the_same_on_both(three: Three) -> None:
    alice, bob, phone = three
    await call(bob, "bob's", alice)
    await call(phone, "phone's", alice)
    await exchange(bob, phone)
    assert bob.person(alice).name == phone.person(alice).name
    assert decided(bob) == decided(phone)


async def test_a_decision_that_follows_another_wins_over_it_though_the_clock_is_behind(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    with ahead(bob, 3_600):
        await call(bob, "from the clock that is ahead", alice)
    await exchange(bob, phone)
    assert phone.person(alice).name == "from the clock that is ahead"
    clock.advance(1)
    await call(phone, "said later", alice)
    await exchange(bob, phone)
    assert (bob.person(alice).name, phone.person(alice).name) == ("said later", "said later")


async def test_a_clock_that_is_days_ahead_decides_nothing(three: Three) -> None:
    alice, bob, phone = three
    with ahead(bob, 3 * 86_400):
        await call(bob, "from next week", alice)
    await carry(bob, phone)
    assert phone.person(alice).name == ""
    await call(phone, "now", alice)
    assert phone.person(alice).name == "now"


async def test_everything_that_is_decided_reaches_the_other_device(three: Three) -> None:
    alice, bob, phone = three
    for device in (bob, phone):
        hello = await alice.write([bob, phone], Text("hello"), message=b"h" * 16, counter=1)
        await device.take(device.pushed(hello))
    number, person = number_of(bob.home.database.read, 1, "alice@a.example")
    home, account = bob.home, bob.account

    def decisions(execute: Execute) -> None:
        mark_read(execute, home, account, person)
        set_draft(execute, home, account, number, person, "half a th", "Plans")
        set_flag(execute, home, account, number, person, "archived", True)
        rename_device(execute, home, account, phone.account.device.hex(), "pocket")
        execute("UPDATE account SET name = 'Bob'")
        decide(execute, home, account, AccountName("Bob"))

    await home.change(decisions)
    assert await carry(bob, phone) == 1  # small decisions leave in one unit
    query = phone.home.database.read
    assert query("SELECT archived, draft, draft_subject FROM conversation") == [(1, "half a th", "Plans")]
    assert query("SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.cursor > c.read_cursor") == [(0,)]
    assert query("SELECT name FROM account") == [("Bob",)]
    assert query("SELECT name FROM own_device WHERE device = ?", (phone.account.device,)) == [("pocket",)]
    await bob.home.change(lambda execute: delete_conversation(execute, home, account, number, person))
    await carry(bob, phone)
    assert query("SELECT text, hidden FROM message") == [("", 1)]
    assert query("SELECT archived FROM conversation") == [(0,)]
    assert query("SELECT * FROM own_copy") == []  # what was taken over is told to nobody


async def test_of_one_register_only_the_newest_is_gathered(three: Three) -> None:
    alice, bob, phone = three
    for letter in "abc":
        await call(bob, letter, alice)
    assert len(bob.home.database.read("SELECT * FROM own_copy")) == 1
    await carry(bob, phone)
    assert phone.person(alice).name == "c"


async def test_a_read_mark_waits_for_its_message_and_never_goes_back(three: Three) -> None:
    alice, bob, phone = three
    texts = [await alice.write([bob, phone], Text(str(n)), message=bytes([n]) * 16, counter=n) for n in (1, 2, 3)]
    unread = "SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.cursor > c.read_cursor"
    await phone.take(phone.pushed(texts[0]))
    await bob.take(*(bob.pushed(text) for text in texts[:2]))
    _, person = number_of(bob.home.database.read, 1, "alice@a.example")
    await bob.home.change(lambda execute: mark_read(execute, bob.home, bob.account, person))
    await carry(bob, phone)
    assert phone.home.database.read(unread) == [(1,)]  # the mark names a message that is not here
    await phone.take(phone.pushed(texts[1]))
    assert phone.home.database.read(unread) == [(0,)]
    await phone.take(phone.pushed(texts[2]))
    assert phone.home.database.read(unread) == [(1,)]
    _, them = number_of(phone.home.database.read, 1, "alice@a.example")
    await phone.home.change(lambda execute: mark_read(execute, phone.home, phone.account, them))
    await bob.home.change(lambda execute: decide(execute, bob.home, bob.account, _mark(bob)))  # again, later, and behind it
    await exchange(bob, phone)
    assert phone.home.database.read(unread) == [(0,)]


def _mark(device: Device) -> ReadMark:
    values = (one.value for one in all_registers(device.home.database.read, device.account))
    return next(value for value in values if isinstance(value, ReadMark))


async def test_two_devices_that_block_at_once_end_with_one_key_that_neither_blocked_person_knows(
    three: Three, tmp_path: Path, clock: FakeClock
) -> None:
    """Each device told the other's blocked person the key that it made: so a third key takes their place."""
    alice, bob, phone = three
    mallory = alice  # blocked by the one device; the other one blocks a second person, whom both know
    trudy = UserSecret.generate(SeededRandom("trudy"), clock()).public
    for device in (bob, phone):
        device.home.database.writer_connection.execute(
            "INSERT INTO person (account, user, address, user_key, profile_key, state, created)"
            " VALUES (1, ?, 'trudy@a.example', ?, ?, 'accepted', 0)",
            (trudy.id, trudy.packet, b"k" * 32),
        )
    await phone.home.change(lambda execute: block(execute, phone.home, phone.account, phone.person(mallory)))
    clock.advance(1)
    await bob.home.change(lambda execute: block(execute, bob.home, bob.account, person_of(execute, 2)))
    told = _told(bob) | _told(phone)
    await exchange(bob, phone)
    key = profile_key(bob.home.database.read, 1)
    assert profile_key(phone.home.database.read, 1) == key
    assert key not in told
    assert bob.state_of(mallory) == phone.state_of(mallory) == "blocked"
    assert decided(bob) == decided(phone)


def _told(device: Device) -> set[bytes]:
    """The keys of our door that people were given or are about to be."""
    bodies = [decode(content).body for (content,) in device.home.database.read("SELECT content FROM outbox")]
    return {body.profile_key for body in bodies if hasattr(body, "profile_key")}


async def test_a_block_and_its_end_reach_the_other_device(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    await bob.home.change(lambda execute: block(execute, bob.home, bob.account, bob.person(alice)))
    await exchange(bob, phone)
    assert phone.state_of(alice) == "blocked"
    clock.advance(1)
    await phone.home.change(lambda execute: unblock(execute, phone.home, phone.account, phone.person(alice)))
    await exchange(bob, phone)
    assert bob.state_of(alice) == "accepted"


async def test_registers_arriving_in_any_order_leave_the_newest(three: Three) -> None:
    _, bob, _ = three
    now = int(bob.home.clock() * 1000)
    told = [Register(now + at, device * 32, AccountName(f"{at}{device!r}")) for at in (1, 2) for device in (b"a", b"b")]
    for order in itertools.permutations(told):

        def take(execute: Execute, registers: Sequence[Register] = order) -> None:
            execute("DELETE FROM register")
            for register in registers:
                take_register(execute, bob.home, bob.account, register, Taken(), live=True)

        await bob.home.change(take)
        assert bob.home.database.read("SELECT name FROM account") == [(f"2{b'b'!r}",)]
