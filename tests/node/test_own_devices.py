"""Two devices of one person: copies converge, nothing goes out twice, and strangers are no devices of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from connexa.content import Accept, ContactState, Content, OwnCopies, OwnCopy, ProfileKey, Receipt, ReceiptState, Text, decode, encode
from connexa.identity import UserId
from connexa.node.account import profile_key
from connexa.node.contact_book import block, rename
from connexa.node.contacts import accept
from connexa.node.conversations import mark_read, number_of
from connexa.node.link_frames import CommittedUpTo, Refusal
from connexa.node.own_copies import (
    add_own_copy,
    contact_of,
    copies_waiting,
    own_recipient,
    seal_own_copies,
    settle_own,
)
from connexa.node.sessions import load_sessions
from connexa.pairwise import SessionSet
from connexa.testing import FakeClock, SeededRandom
from connexa.wire.v1.link_pb2 import Status

from .correspondents import Device, carry, link_device, meet

Three = tuple[Device, Device, Device]


@pytest.fixture
async def three(pair: tuple[Device, Device], tmp_path: Path, clock: FakeClock) -> AsyncIterator[Three]:
    """Alice, Bob's primary device and his second one; Alice and Bob are contacts."""
    alice, bob = pair
    await alice.know(bob, ContactState.ACCEPTED)
    await bob.know(alice, ContactState.ACCEPTED)
    phone = await link_device(bob, tmp_path / "phone.db", clock, SeededRandom("phone"))
    phone.pin("a.example", alice.domain_key)
    yield alice, bob, phone
    await phone.home.writer.close()
    phone.home.database.close()


async def test_what_one_device_sends_and_reads_the_other_shows(three: Three) -> None:
    alice, bob, phone = three
    await phone.know(alice, ContactState.ACCEPTED)
    await meet(bob, phone)
    sent = OwnCopy(UserId(alice.account.user_id), alice.account.address, encode(Content(5, Text("from the desk"))), b"s" * 16, 1)
    await bob.home.change(lambda execute: add_own_copy(execute, bob.account, sent))
    envelope = await alice.write([bob, phone], Text("hello"), message=b"h" * 16, counter=1)
    await bob.take(bob.pushed(envelope))
    await phone.take(phone.pushed(envelope))
    _, person = number_of(bob.home.database.read, 1, "alice@a.example")
    assert await bob.home.change(lambda execute: mark_read(execute, bob.home, bob.account, person))
    await carry(bob, phone)
    assert phone.texts() == ["hello", "from the desk"]
    unread = "SELECT count(*) FROM message m JOIN conversation c ON c.id = m.conversation WHERE m.cursor > c.read_cursor AND m.mine = 0"
    assert phone.home.database.read(unread) == [(0,)]
    assert phone.home.database.read("SELECT state FROM receipt") == [(ReceiptState.DELIVERED.value,)]  # reading is told by one device


async def test_receipts_before_the_copy_count_when_it_comes(three: Three) -> None:
    alice, bob, phone = three
    await phone.know(alice, ContactState.ACCEPTED)
    await meet(bob, phone)
    receipt = await alice.write([bob, phone], Receipt(ReceiptState.DELIVERED, (b"s" * 16,)))
    await phone.take(phone.pushed(receipt))
    sent = OwnCopy(UserId(alice.account.user_id), alice.account.address, encode(Content(5, Text("from the desk"))), b"s" * 16, 1)
    await bob.home.change(lambda execute: add_own_copy(execute, bob.account, sent))
    await carry(bob, phone)
    assert phone.home.database.read("SELECT state FROM message WHERE mine = 1") == [("delivered",)]


async def test_blocking_changes_the_door_for_everybody_else_and_on_all_devices(three: Three) -> None:
    alice, bob, phone = three
    await phone.know(alice, ContactState.ACCEPTED)
    await meet(bob, phone)
    before = profile_key(bob.home.database.read, 1)
    await bob.home.change(lambda execute: block(execute, bob.home, bob.account, bob.person(alice)))
    after = profile_key(bob.home.database.read, 1)
    assert after != before
    assert bob.home.database.read("SELECT token_replace FROM account") == [(1,)]
    assert bob.home.database.read("SELECT * FROM outbox") == []  # the blocked person is told nothing
    await carry(bob, phone)
    assert profile_key(phone.home.database.read, 1) == after
    assert phone.state_of(alice) == "blocked"


async def test_a_block_stands_against_what_the_other_device_took_over_or_received_before(three: Three) -> None:
    alice, bob, phone = three
    for device in (bob, phone):
        device.home.database.writer_connection.execute("UPDATE person SET state = 'pending'")
    await phone.know(alice, ContactState.REQUESTED)
    await meet(bob, phone)
    await meet(phone, bob)
    answer = await alice.write([bob, phone], Accept(b"k" * 32))
    renewed = await alice.write([bob, phone], ProfileKey(b"n" * 32))
    await bob.home.change(lambda execute: accept(execute, bob.home, bob.account, bob.person(alice), answer=True))
    await bob.home.change(lambda execute: block(execute, bob.home, bob.account, bob.person(alice)))
    await phone.take(phone.pushed(answer), phone.pushed(renewed))  # the phone was away and catches up
    assert phone.state_of(alice) == "accepted"
    await carry(bob, phone)
    await carry(phone, bob)
    assert (bob.state_of(alice), phone.state_of(alice)) == ("blocked", "blocked")


async def test_an_answer_that_one_device_received_counts_on_the_other(three: Three) -> None:
    alice, bob, phone = three
    bob.home.database.writer_connection.execute("UPDATE person SET state = 'requested', profile_key = x''")
    await phone.know(alice, ContactState.REQUESTED)
    await meet(bob, phone)
    await bob.take(bob.pushed(await alice.write([bob, phone], Accept(b"k" * 32))))
    await carry(bob, phone)
    assert (bob.state_of(alice), phone.state_of(alice)) == ("accepted", "accepted")
    assert not copies_waiting(phone.home.database.read, 1)  # a copy causes no copy


async def test_a_refused_batch_is_gathered_again(three: Three) -> None:
    alice, bob, phone = three
    await meet(bob, phone)
    await bob.home.change(lambda execute: rename(execute, bob.home, bob.account, bob.person(alice), "Ally"))
    sender = bob.sender_certificate()
    await bob.home.change(lambda execute: seal_own_copies(execute, bob.home, bob.account, sender))
    assert not copies_waiting(bob.home.database.read, 1)
    content = bob.home.database.read("SELECT content FROM own_envelope")[0][0]
    refused = CommittedUpTo(1, (Refusal(1, Status.STATUS_QUOTA_EXCEEDED),))
    await bob.home.change(lambda execute: settle_own(execute, bob.account, refused))
    assert await carry(bob, phone) == 1
    assert phone.person(alice).name == "Ally"
    assert isinstance(decode(content).body, OwnCopies)


async def test_own_recipients_are_the_other_devices_alone(three: Three) -> None:
    _, bob, phone = three
    await meet(bob, phone)
    to = own_recipient(bob.home.database.read, bob.account, bob.home.clock())
    assert to is not None
    assert [key.device for key in to.devices] == [phone.account.device]
    assert contact_of(bob.person(three[0])).user == three[0].account.user_id


async def test_copies_count_only_where_own_devices_alone_can_send(three: Three) -> None:
    alice, bob, phone = three
    copy = OwnCopy(UserId(alice.account.user_id), alice.account.address, encode(Content(5, Text("forged"))), b"s" * 16, 1)
    envelope = await bob.write([phone], OwnCopies((copy,)), "token")  # as a stolen old device would send past the mailbox link
    await phone.take(phone.pushed(envelope))
    assert phone.texts() == []
    assert phone.undecryptable() == 1


async def test_own_devices_whose_sessions_have_come_apart_begin_anew(three: Three, clock: FakeClock) -> None:
    alice, bob, phone = three
    await phone.know(alice, ContactState.ACCEPTED)
    await meet(bob, phone)
    await own_word(bob, phone, alice, "1")
    await own_word(phone, bob, alice, "2")
    await own_word(bob, phone, alice, "3")
    execute = bob.home.database.writer_connection.execute
    session, *others = load_sessions(execute, 1, bob.account.user_id, phone.account.device).sessions
    sending = replace(session.ratchet.sending, n=session.ratchet.sending.n + 2_000)  # as many have expired in the mailbox
    ahead = SessionSet((replace(session, ratchet=replace(session.ratchet, sending=sending)), *others))
    execute("UPDATE session SET sessions = ? WHERE device = ?", (ahead.dump(), phone.account.device))
    clock.advance(2 * 86_400)
    await own_word(bob, phone, alice, "lost")
    assert "lost" not in phone.texts()
    await meet(phone, bob)  # what upkeep does where no session may send
    await own_word(phone, bob, alice, "anew")
    await own_word(bob, phone, alice, "heard")
    assert "anew" in bob.texts()
    assert "heard" in phone.texts()


async def own_word(one: Device, other: Device, to: Device, text: str) -> None:
    """A copy of a text that one own device has sent."""
    number = one.home.rng(16)
    copy = OwnCopy(UserId(to.account.user_id), to.account.address, encode(Content(5, Text(text))), number, int.from_bytes(number[:4]))
    await one.home.change(lambda execute: add_own_copy(execute, one.account, copy))
    await carry(one, other)
