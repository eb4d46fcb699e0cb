"""P25: only devices of the current list may send and are answered when they ask; own history comes from and to listed devices alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connexa.content import (
    AccountName,
    Body,
    Buckets,
    ContactState,
    Content,
    DeviceLists,
    Digest,
    Digests,
    Entries,
    History,
    HistoryWanted,
    Listing,
    LogEntry,
    Missing,
    OwnCopies,
    OwnCopy,
    ProfileKey,
    Register,
    Registers,
    Resend,
    Text,
    Wanted,
    encode,
)
from connexa.identity import UserId, next_device_list
from connexa.node.account import own_device_list
from connexa.node.history import ask_for_history
from connexa.node.introductions import follow_list
from connexa.node.own_copies import tell_own_devices
from connexa.node.own_list import keep_own_list
from connexa.testing import FakeClock, SeededRandom
from tests.node.correspondents import Device, befriend, carry, link_device, meet
from tests.node.friends import become_friends

Pair = tuple[Device, Device]
Three = tuple[Device, Device, Device]
TABLES = ("message", "register", "history_owed", "own_message", "own_copy", "outbox", "receipt", "person", "conversation")


async def test_p25_a_device_outside_the_signed_list_is_refused(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), counter=1)))
    answer = await bob.write([alice], Text("hi"), counter=1)
    await alice.take(alice.pushed(answer))
    bob.home.database.writer_connection.execute("UPDATE person SET device_list = x''")  # as if her list no longer named it
    await bob.take(bob.pushed(await alice.write([bob], Text("still me"), counter=2)))
    assert bob.texts() == ["hello", "hi"][:1]
    assert bob.undecryptable() == 1


@pytest.mark.parametrize("gone", ["UPDATE person SET device_list = x''", "DELETE FROM person"])
async def test_p25_a_device_that_left_the_list_gets_nothing_again(pair: Pair, clock: FakeClock, gone: str) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    clock.advance(120)
    await alice.home.change(lambda execute: execute(gone))
    await alice.take(alice.pushed(await bob.write([alice], Resend(missing=(Missing(alice.account.device, (1, 2), 0, True),)))))
    assert alice.home.database.read("SELECT kind FROM outbox WHERE state = 'waiting'") == []
    assert alice.home.database.read("SELECT * FROM resent") == []


async def test_p25_a_device_that_left_the_list_is_not_asked(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    await alice.say(bob, "lost")
    await alice.post([bob])
    await bob.take(bob.pushed(await alice.write([bob], Text("after"), counter=4)))
    assert bob.gaps() == [3]
    await bob.home.change(lambda execute: execute("UPDATE person SET device_list = x''"))
    for _ in range(3):
        clock.advance(60)
        await bob.mend()
    assert bob.home.database.read("SELECT * FROM outbox WHERE kind = 'resend'") == []


async def test_p25_a_request_for_another_device_of_the_person_is_not_ours_to_answer(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    clock.advance(120)
    await alice.take(alice.pushed(await bob.write([alice], Resend(missing=(Missing(bob.account.device, (1,), 0),)))))
    assert alice.home.database.read("SELECT kind FROM outbox WHERE state = 'waiting'") == []


@pytest.fixture
async def three(pair: tuple[Device, Device], tmp_path: Path, clock: FakeClock) -> AsyncIterator[Three]:
    """Alice, and two devices of Bob's which have each other's keys; Alice and Bob are contacts."""
    alice, bob = pair
    await alice.know(bob, ContactState.ACCEPTED)
    await bob.know(alice, ContactState.ACCEPTED)
    phone = await link_device(bob, tmp_path / "phone.db", clock, SeededRandom("phone"))
    phone.pin("a.example", alice.domain_key)
    await meet(bob, phone)
    await meet(phone, bob)
    yield alice, bob, phone
    await phone.home.writer.close()
    phone.home.database.close()


def state(device: Device) -> dict[str, Any]:
    query = device.home.database.read
    account = query("SELECT name, profile_key, device_list, compare_from FROM account")
    return {"account": account, **{table: query(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}}


def everything(about: Device, by: Device) -> list[Body]:
    """All that an own device may say, with something in it that would show."""
    user, address = UserId(about.account.user_id), about.account.address
    entry = LogEntry(b"f" * 16, False, about.account.device, 1, 5, encode(Content(1, Text("forged"))), "received")
    entries = Entries(user, address, (entry,))
    far = Register(int(by.home.clock() * 1000) + 1, by.account.device, AccountName("taken"))
    door = Register(far.at, far.device, ProfileKey(b"k" * 32))
    copy = OwnCopy(user, address, encode(Content(5, Text("forged"))), b"s" * 16, 1)
    return [
        HistoryWanted(0, 5),
        History(0, 0, 0, 0, (entries,)),
        Registers((far, door)),
        entries,
        Digests(10**15, (Digest(user, 1, bytes(32)),)),
        Buckets(10**15, user, bytes(4_096)),
        Listing(10**15, user, b"f", ((0, b"f" * 16),)),
        Wanted(user, ((0, b"f" * 16),)),
        OwnCopies((copy,)),
    ]


async def test_a_device_that_is_in_its_persons_list_no_more_is_not_heard(three: Three) -> None:
    alice, bob, _ = three
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), counter=1)))
    account, own = alice.account, own_device_list(alice.home.database.read, alice.account)
    assert account.secret is not None
    assert own is not None
    tablet = await link_device(alice, Path(str(bob.home.database.path) + ".tablet"), bob.home.clock, SeededRandom("t"))  # type: ignore[arg-type]
    both = own_device_list(alice.home.database.read, account)
    assert both is not None
    without = next_device_list(both[0], account.secret, [tablet.account.certificate], bob.home.clock())
    await bob.take(bob.pushed(await alice.write([bob], DeviceLists((both[0], without)))))
    await bob.take(bob.pushed(await alice.write([bob], Text("still me"), counter=2)))
    assert bob.texts() == ["hello"]
    await tablet.home.writer.close()
    tablet.home.database.close()


@pytest.mark.parametrize("number", range(9))
async def test_nothing_that_a_revoked_own_device_says_is_answered_or_believed(three: Three, number: int) -> None:
    alice, bob, phone = three
    account, own = bob.account, own_device_list(bob.home.database.read, bob.account)
    assert account.secret is not None
    assert own is not None
    without = next_device_list(own[0], account.secret, [account.certificate], bob.home.clock())
    await bob.home.change(lambda execute: keep_own_list(execute, bob.home, account, without))
    bob.home.database.writer_connection.execute("DELETE FROM outbox")  # Alice is told of it, which is another matter
    phone.home.database.writer_connection.execute("DELETE FROM session")
    await meet(phone, bob)  # a new session, with keys that a homeserver might still give it
    before = state(bob)
    said = everything(alice, phone)[number]
    for only in (b"", bob.account.device):  # with an introduction, whose list is an old one, and without
        await phone.home.change(lambda execute, to=only: tell_own_devices(execute, phone.home, phone.account, said, only=to))  # type: ignore[misc]
        assert await carry(phone, bob) == 1
        assert state(bob) == before


@pytest.mark.parametrize("number", range(9))
async def test_nothing_of_it_counts_from_a_contact(three: Three, number: int) -> None:
    alice, bob, _ = three
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), counter=1)))
    before = state(bob)
    await bob.take(bob.pushed(await alice.write([bob], everything(alice, alice)[number])))
    assert state(bob) == before


@pytest.mark.parametrize("number", range(9))
async def test_nothing_of_it_counts_by_another_way_than_the_own_mailbox(three: Three, number: int) -> None:
    alice, bob, phone = three
    before = state(bob)
    await bob.take(bob.pushed(await phone.write([bob], everything(alice, phone)[number], "token")))
    assert state(bob) == before


async def test_only_a_listed_device_is_asked_for_the_history(three: Three, clock: FakeClock) -> None:
    _, bob, phone = three
    gone = b"g" * 32  # the device that let this one in was revoked since
    phone.home.database.writer_connection.execute("UPDATE history SET source = ?", (gone,))
    await phone.home.change(lambda execute: ask_for_history(execute, phone.home, phone.account))
    assert phone.home.database.read("SELECT device FROM own_message") == [(bob.account.device,)]
    assert phone.home.database.read("SELECT source FROM history") == [(bob.account.device,)]


async def test_history_of_an_own_device_that_was_not_asked_moves_no_place(three: Three) -> None:
    _, bob, phone = three
    phone.home.database.writer_connection.execute("UPDATE history SET source = ?", (b"o" * 32,))
    told = History(0, 0, 0, 0, ())
    await bob.home.change(lambda execute: tell_own_devices(execute, bob.home, bob.account, told, only=phone.account.device))
    await carry(bob, phone)
    assert phone.home.database.read("SELECT waiting FROM history") == [(1,)]


async def test_p25_a_revoked_device_speaks_to_nobody_by_no_session_and_no_list(pair: Pair, clock: FakeClock, tmp_path: Path) -> None:
    alice, bob = pair
    phone = await link_device(bob, tmp_path / "phone.db", clock, SeededRandom("phone"))
    phone.pin("a.example", alice.domain_key)
    await alice.know(bob, ContactState.ACCEPTED)
    await phone.know(alice, ContactState.ACCEPTED)
    await alice.take(alice.pushed(await phone.write([alice], Text("from the phone"), counter=1)))
    assert alice.texts() == ["from the phone"]
    account = bob.account
    own = own_device_list(bob.home.database.read, account)
    assert own is not None
    assert account.secret is not None
    without = next_device_list(own[0], account.secret, [account.certificate], clock())
    await bob.home.change(lambda execute: keep_own_list(execute, bob.home, account, without))
    await alice.home.change(lambda execute: follow_list(execute, alice.home, alice.account, alice.person(bob), [without], clock()))
    before = alice.texts()
    later = await phone.write([alice], Text("by the session that was"), counter=2)
    await alice.take(alice.pushed(later))
    phone.home.database.writer_connection.execute("DELETE FROM session")  # it begins anew, and introduces itself by its old list
    await alice.take(alice.pushed(await phone.write([alice], Text("by a new session"), counter=3)))
    assert alice.texts() == before
    assert alice.undecryptable() == 2
    await alice.take(alice.pushed(await bob.write([alice], Text("from the desk"), counter=1)))
    assert alice.texts() == [*before, "from the desk"]
    await phone.home.writer.close()
    phone.home.database.close()
