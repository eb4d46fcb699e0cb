"""P25: only devices of the current list may send, and only they are answered when they ask."""

from __future__ import annotations

import pytest

from connexa.content import Missing, Resend, Text
from connexa.testing import FakeClock
from tests.node.correspondents import Device, befriend
from tests.node.friends import become_friends

Pair = tuple[Device, Device]


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
