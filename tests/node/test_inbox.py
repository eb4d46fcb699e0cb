"""The inbox: requests, contacts, duplicates, and what must change nothing."""

from __future__ import annotations

import pytest

from connexa.content import Accept, ContactState, Content, DeviceLists, OwnCopies, OwnCopy, ProfileKey, Receipt, ReceiptState, Text, encode
from connexa.crypto import Ed25519Secret
from connexa.identity import PinState
from connexa.node import inbox, receipts
from connexa.node.account import own_device_list, profile_key
from connexa.node.contacts import accept
from connexa.node.inbox import take_held
from connexa.testing import FakeClock, SeededRandom

from .correspondents import Device, befriend

Pair = tuple[Device, Device]


async def test_a_request_is_kept_apart_and_answered_by_nothing(pair: Pair) -> None:
    alice, bob = pair
    envelope = await alice.write([bob], Text("hello"), "stranger", counter=1)
    await bob.take(bob.pushed(envelope))
    assert bob.state_of(alice) == "pending"
    assert bob.texts() == ["hello"]
    assert "request.new" in bob.events()
    assert "message.new" not in bob.events()
    assert bob.home.database.read("SELECT * FROM receipt") == []
    assert bob.home.database.read("SELECT * FROM outbox") == []


async def test_accepting_shows_the_request_and_then_tells_the_sender(pair: Pair) -> None:
    alice, bob = pair
    await alice.know(bob, ContactState.REQUESTED)
    first = await alice.write([bob], Text("hello"), "stranger", message=bytes(16), counter=1)
    await bob.take(bob.pushed(first))
    await bob.home.change(lambda execute: accept(execute, bob.home, bob.account, bob.person(alice), answer=True))
    assert bob.state_of(alice) == "accepted"
    assert "message.new" in bob.events()
    assert [row[0] for row in bob.home.database.read("SELECT kind FROM outbox")] == ["control"]
    assert bob.home.database.read("SELECT message, state FROM receipt") == [(bytes(16), ReceiptState.DELIVERED.value)]

    answer = await bob.write([alice], Accept(profile_key(bob.home.database.read, 1)))
    await alice.take(alice.pushed(answer))
    assert alice.state_of(bob) == "accepted"
    assert alice.person(bob).profile_key == profile_key(bob.home.database.read, 1)


async def test_a_stranger_cannot_accept_itself_or_send_receipts(pair: Pair) -> None:
    alice, bob = pair
    for body in (Accept(bytes(32)), ProfileKey(bytes(32)), Receipt(ReceiptState.READ, (bytes(16),))):
        await bob.take(bob.pushed(await alice.write([bob], body, "stranger")))
    assert bob.state_of(alice) == ""
    assert bob.undecryptable() == 3


async def test_requests_that_cross_accept_each_other(pair: Pair) -> None:
    alice, bob = pair
    await alice.know(bob, ContactState.REQUESTED)
    await bob.know(alice, ContactState.REQUESTED)
    to_bob = await alice.write([bob], Text("are you there?"), "stranger", counter=1)
    to_alice = await bob.write([alice], Text("hi Alice"), "stranger", counter=1)
    await bob.take(bob.pushed(to_bob))
    await alice.take(alice.pushed(to_alice))
    assert (alice.state_of(bob), bob.state_of(alice)) == ("accepted", "accepted")
    assert "message.new" in alice.events()
    # Both began a session; both go on with the same one.
    again = await alice.write([bob], Text("good"), counter=2)
    await bob.take(bob.pushed(again))
    back = await bob.write([alice], Text("very good"), counter=2)
    await alice.take(alice.pushed(back))
    assert bob.texts() == ["are you there?", "good"]
    assert alice.texts() == ["hi Alice", "very good"]


async def test_one_envelope_counts_once_however_often_it_comes(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    envelope = await alice.write([bob], Text("once"), counter=1)
    await bob.take(bob.pushed(envelope), bob.pushed(envelope))
    await bob.take(bob.pushed(envelope))
    assert bob.texts() == ["once"]
    assert bob.undecryptable() == 0


async def test_the_same_message_in_another_envelope_is_shown_once(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    for _ in range(2):
        await bob.take(bob.pushed(await alice.write([bob], Text("once"), message=b"m" * 16, counter=1)))
    assert bob.texts() == ["once"]
    assert bob.events().count("message.new") == 1


async def test_p19_a_sender_certificate_of_another_domain_or_day_is_refused(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    other = Ed25519Secret.generate(SeededRandom("other"))
    foreign = await alice.write([bob], Text("x"), "stranger", counter=1, sender=alice.sender_certificate(key=other))
    old = await alice.write([bob], Text("x"), "stranger", counter=1, sender=alice.sender_certificate(life=60))
    await bob.take(bob.pushed(foreign))
    await bob.take(bob.pushed(old, accepted_at=clock() + 61))
    assert bob.texts() == []
    assert bob.undecryptable() == 2
    late = await alice.write([bob], Text("queued for days"), "stranger", counter=1)
    accepted = clock()
    clock.advance(5 * 86_400)
    await bob.take(bob.pushed(late, accepted_at=accepted))  # it was good when its issuer accepted it
    assert bob.texts() == ["queued for days"]


async def test_i81_a_provisional_domain_brings_requests_and_nothing_else(pair: Pair) -> None:
    alice, bob = pair
    bob.pin("a.example", alice.domain_key, PinState.PROVISIONAL)
    await bob.take(bob.pushed(await alice.write([bob], Text("let me in"), "token", counter=1)))
    assert bob.state_of(alice) == ""
    await bob.take(bob.pushed(await alice.write([bob], Text("hello"), "stranger", counter=2)))
    assert bob.state_of(alice) == "pending"
    assert bob.person(alice).provisional


async def test_mail_of_an_unknown_domain_is_held_until_the_domain_is_found(pair: Pair) -> None:
    alice, bob = pair
    bob.home.database.writer_connection.execute("DELETE FROM remote WHERE domain = 'a.example'")
    taken = await bob.take(bob.pushed(await alice.write([bob], Text("hello"), "stranger", counter=1)))
    assert taken.held
    assert bob.texts() == []
    bob.pin("a.example", alice.domain_key)
    await bob.home.change(lambda execute: take_held(execute, bob.home, bob.account, "a.example"))
    assert bob.texts() == ["hello"]
    assert bob.home.database.read("SELECT * FROM held") == []


async def test_what_is_held_of_unknown_domains_has_a_bound(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = pair
    monkeypatch.setattr(inbox, "MAX_HELD_OF_DOMAIN", 2)
    bob.home.database.writer_connection.execute("DELETE FROM remote WHERE domain = 'a.example'")
    for number in range(3):
        await bob.take(bob.pushed(await alice.write([bob], Text(f"{number}"), "stranger", counter=number + 1)))
    assert bob.home.database.read("SELECT count(*) FROM held") == [(2,)]
    assert bob.home.database.read("SELECT dropped FROM account") == [(1,)]


async def test_what_a_blocked_person_sends_is_not_kept(pair: Pair) -> None:
    alice, bob = pair
    await bob.know(alice, ContactState.BLOCKED)
    await bob.take(bob.pushed(await alice.write([bob], Text("hello?"), "stranger", counter=1)))
    assert bob.texts() == []
    assert bob.state_of(alice) == "blocked"
    assert bob.home.database.read("SELECT * FROM receipt") == []


async def test_receipts_move_our_message_forward_per_device(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    receipt = Receipt(ReceiptState.DELIVERED, (b"m" * 16,))
    await alice.take(alice.pushed(await bob.write([alice], receipt)))
    assert alice.home.database.read("SELECT * FROM early_receipt") == []  # no other device of ours has said that
    _has_another_device(alice)
    await alice.take(alice.pushed(await bob.write([alice], receipt)))  # before our copy of the message is here
    assert alice.home.database.read("SELECT message, state FROM early_receipt") == [(b"m" * 16, "delivered")]


def _has_another_device(device: Device) -> None:
    execute = device.home.database.writer_connection.execute
    execute("INSERT INTO person_device (account, person, device, certificate) VALUES (1, 0, ?, x'')", (bytes(32),))


async def test_receipts_for_messages_that_nobody_sent_fill_no_table(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    _has_another_device(alice)
    monkeypatch.setattr(receipts, "MAX_EARLY", 300)
    for number in range(3):
        invented = tuple(bytes([number, one]) * 8 for one in range(200))
        await alice.take(alice.pushed(await bob.write([alice], Receipt(ReceiptState.READ, invented))))
    assert alice.home.database.read("SELECT count(*) FROM early_receipt") == [(300,)]


async def test_somebody_else_cannot_speak_as_an_own_device(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    account = bob.account
    copy = OwnCopy(account.user_id, account.address, encode(Content(0, ProfileKey(bytes(32)))), bytes(16), 0)
    for door in ("token", "own"):
        await bob.take(bob.pushed(await alice.write([bob], OwnCopies((copy,)), door)))
    assert profile_key(bob.home.database.read, 1) != bytes(32)
    assert bob.undecryptable() == 2


async def test_a_stranger_without_a_text_is_no_request(pair: Pair) -> None:
    alice, bob = pair
    own = own_device_list(alice.home.database.read, alice.account)
    assert own is not None
    await bob.take(bob.pushed(await alice.write([bob], DeviceLists((own[0],)), "stranger")))
    assert bob.state_of(alice) == ""
    assert bob.undecryptable() == 1
