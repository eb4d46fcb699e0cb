"""The history of a new device: pulled from another own one, newest first, in the same order, once, whatever is interrupted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from connexa.content import ContactState, Content, Entries, History, HistoryWanted, LogEntry, Text, encode
from connexa.crypto import sha256
from connexa.identity import UserId
from connexa.node.contact_book import rename
from connexa.node.conversations import (
    conversation_view,
    delete_message,
    list_messages,
    mark_read,
    number_of,
    set_draft,
    set_flag,
)
from connexa.node.entry import Entry
from connexa.node.history import WINDOW, ask_for_history, history_view, owe_history, take_history, until_silent
from connexa.node.log import add_entry, conversation_of
from connexa.node.own_copies import messages_waiting, tell_own_devices
from connexa.node.views import ConversationView, MessageState, MessageView
from connexa.store import Execute
from connexa.testing import FakeClock, SeededRandom

from .correspondents import Device, carry, link_device, meet

Three = tuple[Device, Device, Device]
MANY = 4_500  # more than one window of chunks


@pytest.fixture
async def three(pair: tuple[Device, Device], tmp_path: Path, clock: FakeClock) -> AsyncIterator[Three]:
    """Alice, Bob's primary device and a new one of his, which have each other's keys; Alice and Bob are contacts."""
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


async def fill(device: Device, other: Device, count: int) -> None:
    """A log of so many entries with somebody, every third one ours, a second apart."""
    account, person, start = device.account, device.person(other), device.home.clock()
    theirs, ours = other.account.device, account.device

    def store(execute: Execute) -> None:
        conversation, counts = conversation_of(execute, account, person), [0, 0]
        for number in range(1, count + 1):
            mine, text = number % 3 == 0, f"message {number}"
            counts[mine] += 1
            entry = Entry(
                message=sha256(text.encode())[:16],
                sender=account.user_id if mine else person.user,
                device=ours if mine else theirs,
                counter=counts[mine],
                mine=mine,
                body=Text(text),
                content=encode(Content(int(start * 1000) + number, Text(text))),
                sent=start + number / 1000,
                state=MessageState.READ if mine else MessageState.RECEIVED,
            )
            add_entry(execute, account.id, conversation, entry, start - count + number)

    await device.home.change(store)


async def pull(phone: Device, bob: Device, *, envelopes: int = 10_000) -> int:
    """Let both say what they have to say, until nothing is left or so many envelopes were carried; returns how many."""
    carried = 0
    while carried < envelopes:
        await phone.home.change(lambda execute: ask_for_history(execute, phone.home, phone.account))
        count = await carry(phone, bob) + await carry(bob, phone)
        carried += count
        if not count:
            break
    return carried


def shown(device: Device, other: Device) -> list[MessageView]:
    query = device.home.database.read
    _, person = number_of(query, 1, str(other.account.address))
    pages: list[MessageView] = []
    while page := list_messages(query, person.id, pages[0].cursor if pages else None, 500):
        pages = page + pages
    return pages


def conversation(device: Device, other: Device) -> ConversationView:
    query = device.home.database.read
    return conversation_view(query, number_of(query, 1, str(other.account.address))[0])


async def test_a_new_device_gets_everything_in_the_order_and_states_of_the_old_one(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, MANY)
    assert await pull(phone, bob) > WINDOW
    assert shown(phone, alice) == shown(bob, alice)
    view = history_view(phone.home.database.read, 1)
    assert view is not None
    assert (view.done, view.left, view.complete) == (MANY, 0, True)
    assert conversation(phone, alice) == conversation(bob, alice)
    assert conversation(phone, alice).missing == 0


async def test_contacts_come_first_and_the_newest_entries_before_the_older(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, MANY)
    await bob.home.change(lambda execute: rename(execute, bob.home, bob.account, bob.person(alice), "Ally"))
    await phone.home.change(lambda execute: ask_for_history(execute, phone.home, phone.account))
    await carry(phone, bob)
    await carry(bob, phone)
    assert (phone.state_of(alice), phone.person(alice).name) == ("accepted", "Ally")
    newest = shown(phone, alice)
    assert 20 < len(newest) < MANY
    assert newest == shown(bob, alice)[-len(newest) :]
    progress = [event.fields for event in phone.home.events.replay(0) if event.kind == "history.progress"]
    assert progress == [{"done": len(newest), "left": MANY - len(newest)}]


async def test_old_entries_are_no_news_and_nothing_goes_out_because_of_them(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, 300)
    await pull(phone, bob)
    assert "message.new" not in phone.events()
    for table in ("outbox", "receipt", "counter_gap", "own_copy", "own_message"):
        assert phone.home.database.read(f"SELECT * FROM {table}") == []


async def test_unread_entries_and_drafts_and_flags_are_as_on_the_old_device(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, 30)
    number, person = number_of(bob.home.database.read, 1, "alice@a.example")
    await bob.home.change(lambda execute: mark_read(execute, bob.home, bob.account, person))
    await bob.home.change(lambda execute: set_draft(execute, bob.home, bob.account, number, person, "half a th", ""))
    await bob.home.change(lambda execute: set_flag(execute, bob.home, bob.account, number, person, "muted", True))
    hello = await alice.write([bob, phone], Text("unread"), message=b"h" * 16, counter=21)
    await bob.take(bob.pushed(hello))
    await pull(phone, bob)
    there = conversation(phone, alice)
    assert (there.unread, there.draft, there.muted, there.last and there.last.text) == (1, "half a th", True, "unread")
    await phone.take(phone.pushed(hello))  # its own copy comes late: once is enough
    assert [one.text for one in shown(phone, alice)].count("unread") == 1


async def test_what_arrives_while_the_history_comes_stands_behind_it(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, MANY)
    await pull(phone, bob, envelopes=10)
    now = await alice.write([bob, phone], Text("just now"), message=b"n" * 16, counter=MANY * 2 // 3 + 1)
    for device in (bob, phone):
        await device.take(device.pushed(now))
    await pull(phone, bob)
    assert [one.id for one in shown(phone, alice)] == [one.id for one in shown(bob, alice)]
    assert shown(phone, alice)[-1].text == "just now"
    assert conversation(phone, alice).missing == 0  # what was said before the phone was there is no gap


async def test_it_goes_on_after_every_kind_of_loss_without_doubles(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    await fill(bob, alice, MANY)
    await pull(phone, bob, envelopes=20)
    query, kept = phone.home.database.read, len(shown(phone, alice))
    await bob.home.change(lambda execute: execute("DELETE FROM history_owed"))  # as after a restore of an old copy
    assert await pull(phone, bob) == 0
    clock.advance(61)
    assert await pull(phone, bob) > 0
    assert len(shown(phone, alice)) == MANY > kept
    assert [one.id for one in shown(phone, alice)] == [one.id for one in shown(bob, alice)]
    assert history_view(query, 1).complete  # type: ignore[union-attr]


async def test_a_chunk_that_leaves_a_gap_moves_nothing(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, 5)
    await pull(phone, bob)
    bobs, query = bob.account, phone.home.database.read
    place = int(query("SELECT max(cursor) FROM message")[0][0])
    await phone.home.change(lambda execute: execute("UPDATE history SET place = ?, waiting = 1", (place,)))
    later = History(place - 10, place - 20, 3, 7, ())
    await phone.home.change(lambda execute: take_history(execute, phone.home, phone.account, bobs.device, later))
    assert query("SELECT place FROM history") == [(place,)]
    fits = replace(later, before=place)
    await phone.home.change(lambda execute: take_history(execute, phone.home, phone.account, bobs.device, fits))
    assert query("SELECT place FROM history") == [(place - 20,)]


async def test_deleted_entries_do_not_come_back_with_the_history(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, 10)
    gone = shown(bob, alice)[4]
    await bob.home.change(lambda execute: delete_message(execute, bob.home, bob.account, gone.id))
    await pull(phone, bob)
    assert len(shown(phone, alice)) == 9
    told = Entries(
        UserId(alice.account.user_id),
        alice.account.address,
        (LogEntry(bytes.fromhex(gone.id), False, alice.account.device, 5, gone.cursor, encode(Content(1, Text("back"))), "received"),),
    )
    await bob.home.change(lambda execute: tell_own_devices(execute, bob.home, bob.account, told))
    await carry(bob, phone)
    assert len(shown(phone, alice)) == 9


async def test_a_deletion_reaches_the_other_device_before_or_after_the_entry(three: Three) -> None:
    alice, bob, phone = three
    await pull(phone, bob)
    early = await alice.write([bob, phone], Text("early"), message=b"e" * 16, counter=1)
    late = await alice.write([bob, phone], Text("late"), message=b"l" * 16, counter=2)
    await bob.take(bob.pushed(early), bob.pushed(late))
    await phone.take(phone.pushed(early))

    def delete(execute: Execute) -> None:
        for message in (b"e" * 16, b"l" * 16):
            delete_message(execute, bob.home, bob.account, message.hex())

    await bob.home.change(delete)
    await carry(bob, phone)
    await phone.take(phone.pushed(late))
    assert phone.texts() == ["", ""]
    assert shown(phone, alice) == []


async def test_requests_come_as_requests(three: Three) -> None:
    alice, bob, phone = three
    bob.home.database.writer_connection.execute("UPDATE person SET state = 'pending'")
    await fill(bob, alice, 2)
    await pull(phone, bob)
    assert phone.state_of(alice) == "pending"
    assert phone.home.database.read("SELECT DISTINCT receipted FROM message") == [(0,)]  # they show once it is accepted


async def test_a_gap_shows_on_a_new_device_once_its_history_is_complete(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, 6)
    first = await alice.write([bob, phone], Text("under way"), message=b"u" * 16, counter=5)
    await phone.take(phone.pushed(first))
    assert conversation(phone, alice).missing == 0  # 1 to 4 may come with the history, as they do
    await pull(phone, bob)
    later = await alice.write([bob, phone], Text("later"), message=b"l" * 16, counter=7)
    await phone.take(phone.pushed(later))
    assert conversation(phone, alice).missing == 1


async def test_nobody_is_asked_again_and_again_where_there_is_nobody(three: Three, clock: FakeClock) -> None:
    _, _, phone = three
    phone.home.database.writer_connection.execute("UPDATE account SET device_list = x''; DELETE FROM person_device")
    await phone.home.change(lambda execute: ask_for_history(execute, phone.home, phone.account))
    assert phone.home.database.read("SELECT * FROM own_message") == []
    assert until_silent(phone.home, 1) == 60


async def test_only_a_listed_own_device_is_answered(three: Three) -> None:
    alice, bob, phone = three
    await fill(bob, alice, 10)
    stranger = alice.account.device
    await bob.home.change(lambda execute: owe_history(execute, bob.home, bob.account, stranger, HistoryWanted(0, 5)))
    assert await carry(bob, phone) == 0
    assert bob.home.database.read("SELECT * FROM history_owed") == []
    assert not messages_waiting(bob.home.database.read, 1)


async def test_the_next_own_device_is_asked_after_a_silent_one(three: Three, tmp_path: Path, clock: FakeClock) -> None:
    alice, bob, phone = three
    await fill(bob, alice, 10)
    tablet = await link_device(bob, tmp_path / "tablet.db", clock, SeededRandom("tablet"), others=[phone])
    try:
        await meet(phone, tablet)
        await meet(tablet, phone)
        await carry(phone, tablet)  # the phone has asked Bob's first device: nobody else is to answer
        assert tablet.home.database.read("SELECT * FROM history_owed") == []
        clock.advance(61)
        await pull(tablet, phone)
        clock.advance(61)
        assert await pull(tablet, phone) > 0
    finally:
        await tablet.home.writer.close()
        tablet.home.database.close()
