"""P06: the first message of a session never delivers twice: not beside its session, not after a restart, not when the session is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connexa.content import Text
from connexa.node.link_frames import PushedItem
from connexa.node.prekeys import forget_old_prekeys
from connexa.pairwise import KEEP_OLD, PREKEY_LIFE, Reason, Reject, SessionSet, encrypt
from connexa.testing import FakeClock
from tests.node.correspondents import Device, befriend
from tests.pairwise.world import two_ends

Pair = tuple[Device, Device]


@pytest.mark.parametrize("last_resort", [False, True])
def test_p06_a_replayed_first_message_never_opens_twice(last_resort: bool) -> None:
    alice, bob = two_ends()
    session = alice.device.begin(bob.device, last_resort=last_resort)
    packet = session.initial, encrypt(session, b"once", alice.device.rng)[1]
    bob.receive(packet)
    with pytest.raises(Reject) as refused:  # the session is there: it says duplicate
        bob.receive(packet)
    assert refused.value.reason is Reason.DUPLICATE
    bob.sessions = SessionSet()  # the session was deleted: the memory of the ephemeral key says no
    with pytest.raises(Reject) as refused:
        bob.receive(packet)
    assert refused.value.reason is Reason.REPLAY
    assert bob.opened == [b"once"]


def test_p06_a_second_message_of_the_beginning_with_the_same_key_belongs_to_its_session() -> None:
    alice, bob = two_ends()
    first, second = alice.send(b"one"), alice.send(b"two")
    bob.receive(second)
    bob.receive(first)
    assert bob.opened == [b"two", b"one"]
    assert len(bob.sessions.sessions) == 1


async def _arrival(alice: Device, bob: Device, *, last_resort: bool) -> PushedItem:
    """A first message from a contact, as Bob's homeserver pushes it."""
    await befriend(alice, bob)
    if last_resort:
        bob.home.database.writer_connection.execute("DELETE FROM prekey WHERE type = 'otp'")
    return bob.pushed(await alice.write([bob], Text("hello"), message=b"1" * 16, counter=1))


def _forget(device: Device, *tables: str) -> None:
    for table in tables:
        device.home.database.writer_connection.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("last_resort", [False, True])
@pytest.mark.parametrize("forgotten", [(), ("session",), ("session", "message", "envelope_seen")])
async def test_p06_whatever_is_forgotten_and_however_often_it_starts(
    pair: Pair, tmp_path: Path, forgotten: tuple[str, ...], last_resort: bool
) -> None:
    """The memory of envelopes and of message ids would hide a second delivery; without them the prekeys' memory stands alone."""
    alice, bob = pair
    item = await _arrival(alice, bob, last_resort=last_resort)
    await bob.take(item)
    for number in range(3):
        await bob.restart(tmp_path / "bob.db")
        _forget(bob, *forgotten)
        await bob.take(item, replace(item, envelope=bytes([number]) * 16))
    assert bob.texts() == ([] if "message" in forgotten else ["hello"])
    assert bob.events().count("message.new") == 1


async def test_p06_it_is_remembered_as_long_as_the_prekeys_live(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await bob.take(await _arrival(alice, bob, last_resort=True))
    clock.advance(PREKEY_LIFE + KEEP_OLD)  # the signed prekey that was newest then dies no later than this
    await bob.home.change(lambda execute: forget_old_prekeys(execute, clock()))
    assert bob.home.database.read("SELECT count(*) FROM initial_seen") == [(1,)]
    clock.advance(1)
    await bob.home.change(lambda execute: forget_old_prekeys(execute, clock()))
    assert bob.home.database.read("SELECT count(*) FROM initial_seen") == [(0,)]
    assert bob.home.database.read("SELECT count(*) FROM prekey WHERE type IN ('spk', 'kem-lr') AND until < ?", (int(clock()),)) == [(0,)]


async def test_p06_a_replayed_beginning_never_delivers_twice(pair: Pair) -> None:
    alice, bob = pair
    await befriend(alice, bob)
    envelope = await alice.write([bob], Text("hello"), counter=1)
    await bob.take(bob.pushed(envelope))
    replayed = replace(bob.pushed(envelope), envelope=b"x" * 16)
    await bob.take(replayed)
    bob.home.database.writer_connection.execute("DELETE FROM session")  # a deleted session must not open the door again
    await bob.take(replace(replayed, envelope=b"y" * 16))
    assert bob.texts() == ["hello"]
