"""P32: the counter and the hash of what was seen last are authenticated; what a server drops or reorders shows, and fills in its place."""

from __future__ import annotations

import pytest

from connexa.content import ContactState, Text, last_seen_hash
from connexa.node.conversations import conversation_view, list_messages, number_of
from connexa.pairwise import Wrap, decode_wrap, encode_wrap
from connexa.testing import FakeClock
from connexa.wire import MAX_INTEGER
from tests.node.correspondents import Device, befriend
from tests.node.friends import become_friends, deliver, say, settle
from tests.pairwise.world import acquainted, seeded

Pair = tuple[Device, Device]
RNG = seeded(32)


async def test_p32_missing_entries_show_and_are_filled(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    envelopes = [await alice.write([bob], Text(f"{n}"), counter=n) for n in (1, 2, 3, 4)]
    await bob.take(bob.pushed(envelopes[0]), bob.pushed(envelopes[3]))
    missing = "SELECT counter FROM counter_gap ORDER BY counter"
    assert bob.home.database.read(missing) == [(2,), (3,)]
    await bob.take(bob.pushed(envelopes[2]))
    assert bob.home.database.read(missing) == [(2,)]
    await bob.take(bob.pushed(envelopes[1]))
    assert bob.home.database.read(missing) == []


async def test_p32_a_contact_who_jumps_again_and_again_fills_no_table(pair: Pair) -> None:
    alice, bob = pair
    await bob.know(alice, ContactState.ACCEPTED)
    for jump in range(1, 4):
        await bob.take(bob.pushed(await alice.write([bob], Text("far ahead"), counter=jump * 10**6)))
    assert bob.home.database.read("SELECT count(*), min(counter) FROM counter_gap") == [(1000, 3 * 10**6 - 1000)]


@pytest.mark.parametrize("far", [10**6, 10**16, MAX_INTEGER])
async def test_p32_no_counter_puts_an_entry_out_of_time(pair: Pair, clock: FakeClock, far: int) -> None:
    """The place of what comes late follows from counters, which are the sender's; own devices have to be able to tell it."""
    alice, bob = pair
    await befriend(alice, bob)
    for counter in (far, 2, far // 2):
        await bob.take(bob.pushed(await alice.write([bob], Text("out of order"), counter=counter)))
    places = [row[0] for row in bob.home.database.read("SELECT cursor FROM message")]
    assert len(places) == 3
    assert all(abs(place - clock() * 1_000_000) < 5_000 for place in places)


async def test_p32_every_entry_says_what_its_sender_had_seen_last(pair: Pair) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    seen = bob.home.database.read("SELECT message, content, last_seen FROM message WHERE mine = 0 ORDER BY counter")
    theirs = bob.home.database.read("SELECT message, content FROM message WHERE mine = 1")
    assert seen[0][2] == bytes(32)
    assert seen[1][2] == last_seen_hash(*theirs[0])  # "well" was said after Bob's "hi" had come


def test_p32_counter_and_last_seen_are_inside_the_ratchet_message() -> None:
    alice, bob = acquainted()
    wrap = Wrap(RNG(32), RNG(32), RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32))
    _, message = alice.send(encode_wrap(wrap))
    assert wrap.last_seen not in message
    bob.receive((b"", message))
    assert (decode_wrap(bob.opened[-1]).counter, decode_wrap(bob.opened[-1]).last_seen) == (wrap.counter, wrap.last_seen)


@pytest.mark.parametrize("dropped", [(1,), (1, 2), (0, 3), (0, 1, 2, 3)])
async def test_p32_what_a_server_drops_shows_at_its_place_and_comes(pair: Pair, clock: FakeClock, dropped: tuple[int, ...]) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    for number in range(5):
        await alice.say(bob, f"{number}")
    envelopes = await alice.post([bob])
    await deliver([envelope for number, envelope in enumerate(envelopes) if number not in dropped], bob)
    number, _ = number_of(bob.home.database.read, 1, "alice@a.example")
    view = conversation_view(bob.home.database.read, number)
    assert view.missing == len(dropped)
    (waiting,) = view.waiting
    assert (waiting.device, waiting.missing, waiting.asked) == (alice.account.device.hex(), len(dropped), 0)
    assert sum(one.gap for one in list_messages(bob.home.database.read, number, None, 50)) == len(dropped)
    await bob.mend()
    clock.advance(30)
    await bob.mend()
    (waiting,) = conversation_view(bob.home.database.read, number).waiting
    assert (waiting.asked, waiting.tries) == (clock(), 1)
    assert "message.missing" in bob.events()
    await settle(alice, bob, clock)
    assert bob.texts()[-5:] == [f"{number}" for number in range(5)]
    assert conversation_view(bob.home.database.read, number).waiting == []


async def test_p32_a_server_that_reorders_changes_no_order(pair: Pair) -> None:
    alice, bob = pair
    await become_friends(alice, bob)
    for number in range(6):
        await alice.say(bob, f"{number}")
    envelopes = await alice.post([bob])
    await deliver([envelopes[number] for number in (4, 1, 5, 0, 3, 2)], bob)
    await say(alice, bob, "6")
    assert bob.texts()[-7:] == [f"{number}" for number in range(7)]
    assert bob.gaps() == []
