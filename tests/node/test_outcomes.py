"""What each status of a homeserver does to a message, its door and the outbox."""

from __future__ import annotations

import pytest

from connexa.content import ContactState, Text
from connexa.node.conversations import delete_message
from connexa.node.link import Pass
from connexa.node.link_frames import Refusal
from connexa.node.log import sent_as
from connexa.node.outbox import expire, mark_sealed, waiting_for
from connexa.node.outcomes import TOKEN_WAIT, Settled, settle_committed, settle_outcomes
from connexa.node.people import person_of
from connexa.node.sending import send_text
from connexa.node.streams import bind, current_stream, drop_stream, keep_passes, retire_stream, stream_to_open, unsent
from connexa.pairwise import week_of
from connexa.store import Execute
from connexa.testing import FakeClock
from connexa.wire.v1.link_pb2 import Status

from .correspondents import Device

Pair = tuple[Device, Device]
MESSAGE = b"m" * 16


async def sealed(alice: Device, bob: Device, door: str = "token", message: bytes = MESSAGE) -> int:
    """A message in the outbox with an envelope bound to a stream; returns the stream."""
    now = alice.home.clock()
    if not alice.home.database.read("SELECT 1 FROM person"):
        await alice.know(bob, ContactState.ACCEPTED)

    def put(execute: Execute) -> int:
        keep_passes(execute, 1, [Pass(week_of(now), message * 2, bytes(64))])
        send_text(execute, alice.home, alice.account, "bob@b.example", Text("hello"), message)
        stream = current_stream(execute, 1, now)
        assert stream is not None
        person = person_of(execute, 1)
        for row in waiting_for(execute, 1, 1, 10):
            bind(execute, stream.id, 1, row.id, door, person.profile_key if door == "token" else b"", b"envelope", now)
            mark_sealed(execute, 1, row, [bob.account.device], now)
        return stream.id

    return await alice.home.change(put)


async def commit(alice: Device, stream: int, up_to: int, *refused: Refusal) -> Settled:
    return await alice.home.change(
        lambda execute: settle_committed(execute, alice.home.events, alice.account, stream, up_to, refused, alice.home.clock())
    )


async def outcome(alice: Device, stream: int, *outcomes: Refusal) -> Settled:
    return await alice.home.change(lambda execute: settle_outcomes(execute, alice.home.events, 1, stream, outcomes, alice.home.clock()))


def state(alice: Device, message: bytes = MESSAGE) -> tuple[str, str]:
    return alice.home.database.read("SELECT state, reason FROM message WHERE message = ?", (message,))[0]


def outbox(alice: Device) -> list[str]:
    return [row[0] for row in alice.home.database.read("SELECT state FROM outbox ORDER BY id")]


async def test_committed_is_accepted_once(pair: Pair) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob)
    await commit(alice, stream, 1)
    await commit(alice, stream, 1)
    assert state(alice) == ("accepted", "")
    assert outbox(alice) == ["accepted"]
    assert unsent(alice.home.database.read, stream, 0, 10) == []
    assert alice.events().count("message.state") == 1


@pytest.mark.parametrize(
    ("status", "code", "ends"),
    [
        (Status.STATUS_UNAVAILABLE, "directory.unavailable", "refused"),
        (Status.STATUS_BLOCKED, "domain.blocked", "refused"),
        (Status.STATUS_EXPIRED, "envelope.expired", "expired"),
    ],
)
async def test_final_statuses_end_the_message(pair: Pair, status: Status, code: str, ends: str) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob)
    await commit(alice, stream, 1)
    await outcome(alice, stream, Refusal(1, status))
    found, reason = state(alice)
    assert (found, reason) == (ends, code)
    assert outbox(alice) == []


async def test_a_key_without_an_account_keeps_the_message_and_has_the_address_asked_who_is_there(pair: Pair) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob)
    await commit(alice, stream, 1)
    settled = await outcome(alice, stream, Refusal(1, Status.STATUS_NO_SUCH_USER))
    person = person_of(alice.home.database.read, 1)
    assert (person.anew, person.profile_key, person.looked_week) == (True, b"", 0)
    assert state(alice) == ("queued", "user.gone")
    assert (outbox(alice), settled.again) == (["waiting"], {1})


async def test_stale_devices_are_looked_up_and_the_same_message_is_encrypted_anew(pair: Pair) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob)
    alice.home.database.writer_connection.execute("UPDATE person SET looked_week = 7")
    await commit(alice, stream, 1)
    settled = await outcome(alice, stream, Refusal(1, Status.STATUS_STALE_DEVICES))
    assert settled.later == {1}
    assert person_of(alice.home.database.read, 1).looked_week == 0
    assert [row.what.message for row in waiting_for(alice.home.database.read, 1, 1, 10)] == [MESSAGE]
    await outcome(alice, stream, Refusal(1, Status.STATUS_STALE_DEVICES))  # told again before it was acknowledged
    assert outbox(alice) == ["waiting"]


@pytest.mark.parametrize("status", [Status.STATUS_QUOTA_EXCEEDED, Status.STATUS_RATE_LIMITED, Status.STATUS_TEMPORARY])
async def test_passing_statuses_are_tried_again_later(pair: Pair, status: Status) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob)
    settled = await commit(alice, stream, 1, Refusal(1, status))
    assert settled.later == {1}
    assert outbox(alice) == ["waiting"]
    assert state(alice)[0] == "queued"


async def test_a_token_that_no_longer_opens_waits_a_day_for_a_request(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob)
    await commit(alice, stream, 1, Refusal(1, Status.STATUS_BAD_RIGHT))
    person = person_of(alice.home.database.read, 1)
    assert person.profile_key == b""
    assert person.stranger_from == clock() + TOKEN_WAIT
    assert outbox(alice) == ["waiting"]


async def test_a_newer_key_survives_the_refusal_of_an_older_one(pair: Pair) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob)
    alice.home.database.writer_connection.execute("UPDATE person SET profile_key = ?", (b"n" * 32,))
    await commit(alice, stream, 1, Refusal(1, Status.STATUS_BAD_RIGHT))
    assert person_of(alice.home.database.read, 1).profile_key == b"n" * 32


async def test_numbers_go_on_and_a_retired_stream_gives_its_rest_back(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    stream = await sealed(alice, bob, message=b"1" * 16)
    assert await sealed(alice, bob, message=b"2" * 16) == stream
    assert [number for number, _ in unsent(alice.home.database.read, stream, 0, 10)] == [1, 2]
    await commit(alice, stream, 1)
    clock.advance(86_400)
    found = await alice.home.change(lambda execute: stream_to_open(execute, 1, clock()))
    assert found is not None
    assert found.id != stream
    assert outbox(alice) == ["accepted", "waiting"]
    await alice.home.change(lambda execute: retire_stream(execute, found.id, clock()))
    await alice.home.change(lambda execute: drop_stream(execute, found.id))


async def test_a_message_expires_by_its_senders_clock(pair: Pair, clock: FakeClock) -> None:
    alice, bob = pair
    await sealed(alice, bob)
    clock.advance(alice.home.settings.limits.message_life)
    await alice.home.change(lambda execute: expire(execute, alice.home.events, 1, clock()))
    assert state(alice) == ("expired", "envelope.expired")
    assert outbox(alice) == []


async def test_what_was_deleted_here_does_not_come_back_when_it_leaves(pair: Pair) -> None:
    alice, bob = pair
    await sealed(alice, bob)
    await alice.home.change(lambda execute: delete_message(execute, alice.home, alice.account, MESSAGE.hex()))
    await alice.home.change(lambda execute: sent_as(execute, alice.account, MESSAGE, b"the words with an introduction"))
    assert alice.home.database.read("SELECT content FROM message") == [(b"",)]
