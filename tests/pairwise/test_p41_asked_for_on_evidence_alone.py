"""P41: what is missing is asked for on evidence from a session or a counter, of contacts alone, late and seldom; else no byte moves."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from connexa.content import ContactState, Content, Missing, Resend, ResendAnswer, Text, decode, encode
from connexa.errors import UsageError
from connexa.node.asks import ask_all, next_ask
from connexa.node.sending import send_text
from connexa.pairwise import SessionSet, seal, verify_bundle
from connexa.store import Execute
from connexa.testing import FakeClock, SeededRandom
from connexa.wire.v1.message_pb2 import Envelope
from tests.node.correspondents import Device, befriend
from tests.node.friends import become_friends, deliver, say, settle

Pair = tuple[Device, Device]
DAY = 86_400


def requests(device: Device) -> list[Resend]:
    """Every request that this device has put into its outbox."""
    rows = device.home.database.read("SELECT content FROM outbox WHERE kind = 'resend' ORDER BY id")
    bodies = [decode(row[0]).body for row in rows]
    return [body for body in bodies if isinstance(body, Resend)]


async def idle(device: Device, clock: FakeClock, seconds: float = 3 * 3_600) -> None:
    """Time passes for a device to which nothing comes."""
    for _ in range(20):
        clock.advance(seconds / 20)
        await device.mend()


async def forged(alice: Device, bob: Device, message: bytes) -> Envelope:
    """An envelope of Alice's device, well certified and sealed, around a ratchet message of her choice."""
    envelope = await alice.write([bob], Text("x"), counter=9)
    own = bob.person(alice)
    assert own.devices is not None
    them = alice.person(bob)
    assert them.devices is not None
    key = verify_bundle(bob.bundle(spend=False), them.public, them.devices.devices[0], bob.home.clock()).seal_key
    envelope.packets[0].sealed = seal(key, alice.sender_certificate(), b"", message)
    return envelope


async def test_p41_garbage_under_a_good_certificate_moves_no_byte(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    for size in (0, 100, 286, 542):
        await deliver([await forged(alice, bob, SeededRandom(size)(size))], bob)
    await idle(bob, clock)
    assert requests(bob) == []
    assert await bob.post([alice]) == []
    assert bob.undecryptable() == 4  # counted it is


async def test_p41_garbage_makes_the_next_session_new_once_a_day_and_still_moves_no_byte(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    clock.advance(2 * DAY)
    sizes = []
    for number in range(3):
        await deliver([await forged(alice, bob, SeededRandom(number)(600))], bob)
        await idle(bob, clock)
        assert await bob.post([alice]) == []
        await bob.say(alice, f"{number}")
        sizes += [len(envelope.packets[0].sealed) for envelope in await bob.post([alice])]
    assert requests(bob) == []
    assert sizes[0] == 5_232  # with an initial part
    sessions = SessionSet.load(bob.home.database.read("SELECT sessions FROM session")[0][0]).sessions
    assert len(sessions) == 2


async def test_p41_a_repetition_or_a_body_that_was_exchanged_moves_no_byte(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    await alice.say(bob, "once")
    (envelope,) = await alice.post([bob])
    item = bob.pushed(envelope)
    await bob.take(replace(item, body=bytes(len(item.body)), envelope=b"1" * 16))  # by a homeserver that wants to see an answer
    await bob.take(item)
    for number in range(3):
        await bob.take(replace(item, envelope=bytes([number]) * 16))
    await idle(bob, clock)
    assert requests(bob) == []


@pytest.mark.parametrize("state", [ContactState.PENDING, ContactState.REQUESTED, ContactState.BLOCKED, ContactState.REJECTED])
async def test_p41_nobody_but_a_contact_is_asked(pair: Pair, clock: FakeClock, state: ContactState) -> None:
    alice, bob = pair
    await alice.know(bob, ContactState.ACCEPTED)
    await bob.know(alice, state)
    for counter in (1, 5):
        await bob.take(bob.pushed(await alice.write([bob], Text("x"), "stranger", counter=counter)))
    await bob.home.change(lambda execute: execute("UPDATE person SET state = ?", (state.value,)))
    await bob.home.change(lambda execute: ask_all(execute, bob.home, bob.account))
    await idle(bob, clock)
    assert requests(bob) == []


async def test_p41_what_comes_in_another_order_is_not_asked_for(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    for number in range(4):
        await alice.say(bob, f"{number}")
    envelopes = await alice.post([bob])
    await deliver(envelopes[::-1], bob)
    await idle(bob, clock)
    assert requests(bob) == []
    assert bob.texts()[-4:] == ["0", "1", "2", "3"]


async def test_p41_a_gap_is_asked_for_once_soon_and_then_ever_more_seldom(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    await alice.say(bob, "lost")
    await alice.post([bob])
    await say(alice, bob, "after")
    began = clock()
    times: list[float] = []
    for step in [1.0] * 60 + [300.0] * (3 * DAY // 300):
        clock.advance(step)
        await bob.mend()
        if (count := len(requests(bob))) > len(times):
            times += [clock() - began] * (count - len(times))
            await bob.post([alice])  # it leaves, and nothing is heard of it
    assert 5 <= times[0] <= 30
    waits = [later - sooner for sooner, later in pairwise(times)]
    assert all(wait >= 3_600 for wait in waits)
    assert waits == sorted(waits)
    assert max(waits) <= 1.25 * DAY + 300
    (missing,) = requests(bob)[0].missing
    assert missing == Missing(alice.account.device, (3,), 4)


async def test_p41_a_gap_that_nobody_fills_any_more_wakes_nobody(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    await deliver([await alice.write([bob], Text("far"), counter=9)], bob)
    clock.advance(31 * DAY)
    await idle(bob, clock)
    assert requests(bob) == []
    assert bob.gaps()  # it shows for ever
    assert next_ask(bob.home.database.read, 1, clock()) is None


async def test_p41_what_waits_in_the_outbox_is_not_asked_for_twice(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    await alice.say(bob, "lost")
    await alice.post([bob])
    await say(alice, bob, "after")
    await idle(bob, clock, DAY)  # their homeserver cannot be reached
    assert len(requests(bob)) == 1


def send_many(execute: Execute, alice: Device, count: int) -> None:
    for number in range(count):
        send_text(execute, alice.home, alice.account, "bob@b.example", Text(f"{number}"), number.to_bytes(16, "big"))


async def test_p41_a_jump_that_no_session_follows_leads_to_a_new_one_and_to_the_messages(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    await alice.home.change(lambda execute: send_many(execute, alice, 1_100))
    for _ in range(3):
        await alice.post([bob])
    await say(alice, bob, "far ahead")
    assert "far ahead" not in bob.texts()
    assert bob.undecryptable() == 1
    await settle(alice, bob, clock, rounds=4)
    (missing,) = requests(bob)[0].missing
    assert missing.unconfirmed
    await settle(alice, bob, clock, rounds=8, wait=7_200)
    assert bob.gaps() == []
    assert len([text for text in bob.texts() if text.isdigit()]) == 1_100
    assert bob.undecryptable() == 0


async def test_p41_a_request_looks_like_everything_else(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    await alice.say(bob, "lost")
    await alice.post([bob])
    await say(alice, bob, "after")
    await bob.mend()
    clock.advance(30)
    await bob.mend()
    (request,) = await bob.post([alice])
    await bob.say(alice, "words")
    (words,) = await bob.post([alice])
    shape = [
        [len(envelope.body), len(envelope.packets), len(envelope.packets[0].sealed), len(envelope.token)] for envelope in (request, words)
    ]
    assert shape[0] == shape[1]


async def ask(bob: Device, alice: Device, *missing: Missing) -> list[Envelope]:
    """A request of Bob's device as he likes it, and what Alice's outbox holds for him then."""
    await alice.take(alice.pushed(await bob.write([alice], Resend(missing=missing))))
    return await alice.post([bob])


async def told(bob: Device, alice: Device, envelopes: list[Envelope]) -> list[object]:
    """What these envelopes say, each in a device of its own."""
    await deliver(envelopes, bob)
    return [
        decode(row[0]).body
        for row in alice.home.database.read("SELECT content FROM outbox WHERE kind = 'control' ORDER BY id DESC LIMIT 1")
    ]


async def test_p41_only_what_this_device_said_here_and_lately_is_sent_again(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    assert await ask(bob, alice, Missing(bytes(32), (1, 2), 0, unconfirmed=True)) == []  # another device is meant
    clock.advance(120)
    both = await ask(bob, alice, Missing(alice.account.device, (), 0))
    assert len(both) == 3  # two entries and the answer
    (answer,) = await told(bob, alice, both)
    assert answer == Resend(answers=(ResendAnswer(bob.account.device, first=1, highest=2, seen=1),))
    assert bob.texts().count("hello") == 1

    deleted = "UPDATE message SET hidden = 1, content = x'' WHERE counter = 1 AND mine = 1"
    await alice.home.change(lambda execute: execute(deleted))
    clock.advance(3_700)
    (answer,) = await told(bob, alice, only := await ask(bob, alice, Missing(alice.account.device, (1, 2), 2)))
    assert len(only) == 2
    assert answer == Resend(answers=(ResendAnswer(bob.account.device, first=1, highest=2, gone=(1,), seen=1),))

    clock.advance(3_700)
    await alice.home.change(lambda execute: execute("UPDATE message SET sent = sent - ?", (31 * DAY,)))
    (answer,) = await told(bob, alice, none := await ask(bob, alice, Missing(alice.account.device, (1, 2), 0, unconfirmed=True)))
    assert len(none) == 1
    assert answer == Resend(answers=(ResendAnswer(bob.account.device, first=3, highest=2, gone=(1, 2), seen=1),))


async def test_p41_a_device_that_asks_for_ever_is_answered_so_often_and_no_more(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    clock.advance(120)
    sizes = [len(await ask(bob, alice, Missing(alice.account.device, (), 0))) for _ in range(8)]
    assert sizes == [3] * 4 + [0] * 4
    clock.advance(3_700)
    assert len(await ask(bob, alice, Missing(alice.account.device, (), 0))) == 3


@pytest.mark.parametrize("state", [ContactState.PENDING, ContactState.REQUESTED, ContactState.BLOCKED, ContactState.REJECTED])
async def test_p41_nobody_but_a_contact_is_answered(pair: Pair, clock: FakeClock, state: ContactState) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    clock.advance(120)
    await alice.home.change(lambda execute: execute("UPDATE person SET state = ?", (state.value,)))
    assert await ask(bob, alice, Missing(alice.account.device, (1,), 0)) == []


async def test_p41_after_an_own_restore_every_device_is_asked_once(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    await bob.home.change(lambda execute: ask_all(execute, bob.home, bob.account))
    await bob.mend()
    assert requests(bob) == []
    clock.advance(30)
    await bob.mend()
    (request,) = requests(bob)
    assert request == Resend(missing=(Missing(alice.account.device, (), 0),))
    await settle(alice, bob, clock)
    await idle(bob, clock, 5 * DAY)
    assert len(requests(bob)) <= 1


def test_p41_a_request_without_bounds_is_refused() -> None:
    device = bytes(32)
    for body in (
        Resend(),
        Resend(missing=(Missing(device, (), 0),) * 9),
        Resend(missing=(Missing(device[1:], (), 0),)),
        Resend(missing=(Missing(device, tuple(range(1, 130)), 0),)),
        Resend(missing=(Missing(device, (2, 1), 0),)),
        Resend(missing=(Missing(device, (0,), 0),)),
        Resend(answers=(ResendAnswer(device, 1, 2**63 - 1),)),
    ):
        with pytest.raises(UsageError):
            encode(Content(0, body))
