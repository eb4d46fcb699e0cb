"""What does not arrive is asked for, and comes: requests, answers, sessions that were lost."""

from __future__ import annotations

import pytest

from connexa.content import Missing, Receipt, ReceiptState, Resend
from connexa.node.conversations import conversation_view, list_messages, mark_read, number_of
from connexa.node.resends import CALM, REPEAT_AFTER, repeat_silent
from connexa.testing import FakeClock

from .correspondents import Device
from .friends import become_friends, deliver, say, settle

Pair = tuple[Device, Device]


@pytest.fixture
async def friends(pair: Pair) -> Pair:
    await become_friends(*pair)
    return pair


async def test_a_lost_message_is_asked_for_and_comes(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    await alice.say(bob, "lost")
    await alice.post([bob])
    await say(alice, bob, "after")
    assert bob.gaps() == [3]
    await bob.mend()
    assert await bob.post([alice]) == []  # not at once: it may be under way
    await settle(alice, bob, clock)
    assert bob.gaps() == []
    assert bob.texts() == ["hello", "hi", "well", "lost", "after"]
    assert alice.undecryptable() == bob.undecryptable() == 0


async def test_what_was_deleted_is_said_to_be_gone(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    gone = await alice.say(bob, "taken back")
    await alice.post([bob])
    await alice.home.change(lambda execute: execute("UPDATE message SET hidden = 1, content = x'' WHERE message = ?", (gone,)))
    await say(alice, bob, "after")
    await settle(alice, bob, clock)
    assert bob.gaps() == []
    assert "taken back" not in bob.texts()


@pytest.mark.parametrize("loser", [0, 1])
async def test_a_session_that_its_owner_lost_is_rebuilt_and_nothing_stays_missing(friends: Pair, clock: FakeClock, loser: int) -> None:
    lost, other = friends[loser], friends[1 - loser]
    lost.home.database.writer_connection.execute("DELETE FROM session")
    await say(other, lost, "one")
    await say(other, lost, "two")
    assert "one" not in lost.texts()
    assert lost.undecryptable() == 2
    await settle(lost, other, clock)
    assert lost.texts()[-2:] == ["one", "two"]
    assert lost.gaps() == []
    assert lost.undecryptable() == other.undecryptable() == 0
    await say(other, lost, "three")
    await say(lost, other, "four")
    assert lost.texts()[-2:] == ["three", "four"]
    assert other.texts()[-2:] == ["three", "four"]


async def test_what_comes_later_stands_where_it_was_missing_and_is_new(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    for number in range(4):
        await alice.say(bob, f"lost {number}")
    await alice.post([bob])
    await say(alice, bob, "after")
    conversation, person = number_of(bob.home.database.read, 1, "alice@a.example")
    await bob.home.change(lambda execute: mark_read(execute, bob.home, bob.account, person))
    before = bob.texts()
    await settle(alice, bob, clock)
    after = [f"lost {number}" for number in range(4)]
    assert bob.texts() == [*before[:-1], *after, "after"]
    shown = list_messages(bob.home.database.read, person.id, None, 50)
    assert [one.text for one in shown] == bob.texts()
    assert conversation_view(bob.home.database.read, conversation).unread >= 4


async def test_what_one_device_leaves_unconfirmed_although_it_confirms_goes_again(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    await settle(alice, bob, clock)
    await alice.say(bob, "lost, and nothing behind it")
    await alice.post([bob])
    clock.advance(100)
    await say(bob, alice, "are you there?")
    await settle(alice, bob, clock)
    assert "lost, and nothing behind it" not in bob.texts()  # no gap shows
    clock.advance(3_600)
    await settle(alice, bob, clock)
    assert bob.texts()[-1] == "lost, and nothing behind it"
    state = "SELECT state FROM message WHERE text = 'lost, and nothing behind it'"
    assert alice.home.database.read(state) == [("delivered",)]


async def test_nothing_goes_again_to_a_device_that_never_confirms(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    clock.advance(100)
    await say(bob, alice, "my receipts are off")
    for _ in range(5):
        clock.advance(3_700)
        await alice.mend()
        assert await alice.post([bob]) == []


async def test_nothing_goes_again_twice_to_a_device_that_is_away(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    await settle(alice, bob, clock)
    await alice.say(bob, "while you are away")
    await alice.post([bob])
    for _ in range(5):
        clock.advance(86_400)
        await alice.mend()
        assert await alice.post([bob]) == []


async def test_what_one_device_confirms_still_goes_to_another_that_asked(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    message = await alice.say(bob, "lost")
    await alice.post([bob])
    clock.advance(60)
    await alice.take(alice.pushed(await bob.write([alice], Resend(missing=(Missing(alice.account.device, (3,), 2),)))))
    await alice.take(alice.pushed(await bob.write([alice], Receipt(ReceiptState.DELIVERED, (message,)))))
    waiting = "SELECT message FROM outbox WHERE kind = 'again' AND state = 'waiting'"
    assert alice.home.database.read(waiting) == [(message,)]


@pytest.mark.parametrize("turns", [0, 3])
async def test_sessions_that_were_put_back_and_nobody_saw_it_come_together_again(friends: Pair, clock: FakeClock, turns: int) -> None:
    alice, bob = friends
    said = ["hello", "hi", "well"]
    execute = bob.home.database.writer_connection.execute
    old = execute("SELECT sessions FROM session").fetchall()[0][0]
    await talk(bob, alice, said, "b0")
    for number in range(turns):
        await talk(alice, bob, said, f"a{number}")
        await talk(bob, alice, said, f"b{number + 1}")
    await settle(alice, bob, clock)
    clock.advance(2 * 86_400)
    execute("UPDATE session SET sessions = ?", (old,))
    await talk(bob, alice, said, "from an old copy")
    assert "from an old copy" not in alice.texts()
    await talk(alice, bob, said, "to an old copy")
    await settle(alice, bob, clock)
    await talk(alice, bob, said, "and on")
    await settle(alice, bob, clock)
    for device in friends:
        assert sorted(device.texts()) == sorted(said)
        assert device.gaps() == []
        assert device.undecryptable() == 0


async def test_a_session_begun_with_prekeys_that_are_gone_gives_way_to_one_from_the_other_side(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    said = ["hello", "hi", "well"]
    await settle(alice, bob, clock)
    clock.advance(2 * 86_400)
    alice.home.database.writer_connection.execute("DELETE FROM session")
    await alice.say(bob, "to keys that are gone")
    begun = await alice.post([bob])
    bob.home.database.writer_connection.execute("DELETE FROM prekey WHERE type = 'otp'")
    await deliver(begun, bob)
    assert "to keys that are gone" not in bob.texts()
    await talk(bob, alice, said, "from the other side")
    await talk(alice, bob, said, "and on")
    await settle(alice, bob, clock)
    assert alice.texts()[-2:] == ["from the other side", "and on"]
    assert sorted(bob.texts()) == sorted([*said, "to keys that are gone"])
    assert bob.gaps() == []


async def talk(one: Device, other: Device, said: list[str], text: str) -> None:
    said.append(text)
    await say(one, other, text)


async def test_what_a_device_that_lives_did_not_confirm_goes_again_and_nothing_to_one_that_is_away(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    await settle(alice, bob, clock)
    await alice.say(bob, "lost")
    assert await alice.post([bob])  # no later entry will show that it is missing
    clock.advance(REPEAT_AFTER + CALM)
    await alice.mend()
    assert await alice.post([bob]) == []
    await say(bob, alice, "here I am")
    clock.advance(CALM + 1)
    await alice.mend()
    await deliver(await alice.post([bob]), bob)
    assert bob.texts()[-1] == "lost"


async def test_the_look_for_what_is_not_confirmed_costs_no_more_with_a_longer_log(friends: Pair, clock: FakeClock) -> None:
    alice, bob = friends
    await settle(alice, bob, clock)
    await alice.say(bob, "waits for a device that is away")
    await alice.post([bob])
    clock.advance(REPEAT_AFTER + CALM)
    base = steps(alice)
    grow(alice, 2_000)
    assert steps(alice) < base + 20


def steps(device: Device) -> int:
    """How much work a look for silent devices is to the database, in hundreds of instructions."""
    connection, count = device.home.database.writer_connection, 0

    def tick() -> bool:
        nonlocal count
        count += 1
        return False

    connection.set_progress_handler(tick, 100)
    with connection:
        assert repeat_silent(connection.execute, device.home, device.account) == set()
    connection.set_progress_handler(None)
    return count


def grow(device: Device, more: int) -> None:
    """As many more entries each way, of before, all confirmed."""
    execute = device.home.database.writer_connection.execute
    numbers = f"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {more})"
    columns = [row[1] for row in execute("PRAGMA table_info(message)")]
    new = {"cursor": "1000000 * m.mine + n", "message": "randomblob(32)", "counter": "1000 + n"}
    chosen = ", ".join(new.get(name, f"m.{name}") for name in columns)
    one_each = "SELECT min(cursor) FROM message GROUP BY mine"
    execute(f"{numbers} INSERT INTO message SELECT {chosen} FROM message m, n WHERE m.cursor IN ({one_each})")
    execute(
        "INSERT INTO message_device (account, message, device, state, at) SELECT m.account, m.message, d.device, 'read', m.received"
        " FROM message m, person_device d WHERE m.mine AND m.message NOT IN (SELECT message FROM message_device)"
    )
