"""The queue between two domains: learnt at run time, delivered once, in order, over breaks (F2, F13, F14)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from connexa.errors import ConnexaError
from connexa.identity import Domain, Endpoint, PinState, format_discovery_file
from connexa.testing import TcpProxy
from connexa.wire.v1.federation_pb2 import Item
from connexa.wire.v1.link_pb2 import LookupRequest, Status, WhereReply

from .domains import envelope, hosts, until

A, B = "a.example", "b.example"


@pytest.fixture
async def pair(tmp_path):
    async with hosts(tmp_path, A, B) as made:
        yield made


async def test_f02_a_domain_is_learnt_at_run_time_and_its_envelopes_arrive_in_order(pair):
    a, b = pair
    await a.submit(B, 600)
    await b.mailbox.until(600)
    assert b.mailbox.stored == [(A, number) for number in range(1, 601)]
    await a.ends.until(600)
    assert set(a.ends.seen.values()) == {(WhereReply.ACCEPTED, Status.STATUS_ACCEPTED)}
    assert a.database.read("SELECT count(*) FROM queue") == [(0,)]


async def test_both_ways_and_calls(pair):
    a, b = pair
    await a.submit(B, 3)
    await b.submit(A, 3)
    await b.mailbox.until(3)
    await a.mailbox.until(3)
    reply = await a.remotes.lookup(b.domain, LookupRequest(id=bytes(16)))
    assert (reply.status, reply.padding) == (Status.STATUS_UNAVAILABLE, A.encode())


def item(domain: str, number: int, accepted_at: float) -> Item:
    return Item(envelope=envelope(domain, number), accepted_at=int(accepted_at))


async def test_f13_a_batch_that_comes_again_is_stored_once_and_answered_alike(pair):
    a, b = pair
    await b.book.find(a.domain)
    stream = b"s" * 16
    b.mailbox.answers[2] = [Status.STATUS_STALE_DEVICES]
    batch = [item(B, number, b.clock()) for number in (1, 2, 3)]
    first = await b.take_batch(a.domain, stream, 1, batch)
    again = await b.take_batch(a.domain, stream, 1, batch)
    assert first == again
    assert [(r.number, r.status) for r in again.refused] == [(2, Status.STATUS_STALE_DEVICES)]
    longer = await b.take_batch(a.domain, stream, 2, [*batch[1:], item(B, 4, b.clock())])
    assert [r.number for r in longer.refused] == [2]
    assert b.mailbox.numbers == [1, 3, 4]
    assert b.committed(a.domain, stream) == 4
    other = await b.take_batch(a.domain, b"t" * 16, 1, batch[:1])
    assert other.committed == 1 and b.mailbox.numbers == [1, 3, 4, 1]


async def test_f13_an_acknowledgement_that_is_lost_stores_nothing_twice(pair, monkeypatch):
    a, b = pair
    take, calls = b.take_batch, 0

    async def take_and_lose(domain, stream, first, items):
        nonlocal calls
        calls += 1
        ack = await take(domain, stream, first, items)
        if calls == 1:
            raise ConnexaError("server.failed", "The connection is lost after the commit.")
        return ack

    monkeypatch.setattr(b, "take_batch", take_and_lose)
    await a.submit(B, 10)
    await a.ends.until(10)
    assert b.mailbox.numbers == list(range(1, 11))
    assert calls == 2


async def test_refusals_end_an_envelope_and_full_mailboxes_are_tried_again(pair, monkeypatch):
    monkeypatch.setattr("connexa.homeserver.federation.pump.RETRY_SECONDS", 0.01)
    a, b = pair
    b.mailbox.answers = {
        1: [Status.STATUS_BAD_RIGHT],
        2: [Status.STATUS_QUOTA_EXCEEDED, Status.STATUS_TEMPORARY],
        3: [Status.STATUS_BLOCKED],
    }
    await a.submit(B, 4)
    await a.ends.until(4)
    assert a.ends.seen == {
        1: (WhereReply.REFUSED, Status.STATUS_BAD_RIGHT),
        2: (WhereReply.ACCEPTED, Status.STATUS_ACCEPTED),
        3: (WhereReply.REFUSED, Status.STATUS_BLOCKED),
        4: (WhereReply.ACCEPTED, Status.STATUS_ACCEPTED),
    }
    assert b.mailbox.numbers == [4, 2]


async def test_f14_a_remote_that_was_down_gets_everything_and_what_expired_is_told(pair):
    a, b = pair
    await a.submit(B)
    await a.ends.until(1)
    await b.go_down()
    now = int(a.clock())
    await a.submit(B, 5, expires=now + 3_600)
    await a.submit(B, 5, expires=now + 30 * 86_400)
    await until(lambda: any(waiting.failure for waiting in a.queue.status()))
    for host in pair:
        host.clock.advance(4 * 3_600)
    await a.queue.expire()
    await a.ends.until(6)
    await b.come_back()
    await b.submit(A)  # its call shows a that it is there again, and ends the wait
    await b.mailbox.until(6)
    await a.ends.until(11)
    assert b.mailbox.numbers == [1, *range(7, 12)]
    assert {a.ends.seen[number] for number in range(2, 7)} == {(WhereReply.EXPIRED, Status.STATUS_EXPIRED)}
    assert a.queue.has_rows(b.domain) is False


async def test_a_remote_that_lost_its_state_gets_a_new_stream(pair):
    a, b = pair
    await a.submit(B, 3)
    await a.ends.until(3)
    before = a.queue.link(b.domain).stream
    await b.go_down()
    await b.writer.run(lambda execute: execute("DELETE FROM remote_stream").fetchall())
    await b.come_back()
    await a.submit(B, 2)
    await a.ends.until(5)
    assert b.mailbox.numbers == [1, 2, 3, 4, 5]
    assert a.queue.link(b.domain).stream != before


async def test_our_own_state_lost_gets_a_new_stream_too(pair, monkeypatch):
    """A database from a backup numbers anew; under the old stream id its envelopes would pass for old ones."""
    monkeypatch.setattr("connexa.homeserver.federation.pump.IDLE_SECONDS", 0.01)
    a, b = pair
    await a.submit(B, 3)
    await a.ends.until(3)
    await until(lambda: not a.queue.status())  # the pump has ended, as with its program
    await a.writer.run(lambda execute: execute("UPDATE queue_stream SET next_number = 1, confirmed = 0").fetchall())
    await a.submit(B, 2)
    await a.ends.until(5)
    assert b.mailbox.numbers == [1, 2, 3, 4, 5]


async def test_i81_a_provisional_domain_may_send_requests_alone(pair, monkeypatch):
    a, b = pair
    remote = await b.book.find(a.domain)
    provisional = replace(remote, state=PinState.PROVISIONAL)
    monkeypatch.setattr(b.book, "known", lambda _: asyncio.sleep(0, provisional))
    batch = [
        item(B, 1, b.clock()),
        Item(envelope=envelope(B, 2, stranger=True), accepted_at=int(b.clock())),
    ]
    ack = await b.take_batch(a.domain, bytes(16), 1, batch)
    assert [(r.number, r.status) for r in ack.refused] == [(1, Status.STATUS_TEMPORARY)]
    assert b.mailbox.numbers == [2]


async def test_what_a_remote_may_never_send_is_refused_without_the_mailbox(pair):
    a, b = pair
    await b.book.find(a.domain)
    now = b.clock()
    batch = [
        item(A, 1, now),  # for another domain
        item(B, 2, now + 3_600),  # accepted in the future
        item(B, 3, now - 31 * 86_400),
        Item(envelope=b"\xff", accepted_at=int(now)),
        Item(envelope=bytes(70_000), accepted_at=int(now)),
    ]
    ack = await b.take_batch(a.domain, bytes(16), 1, batch)
    malformed = Status.STATUS_MALFORMED_ENVELOPE
    assert [r.status for r in ack.refused] == [malformed, malformed, malformed, malformed, Status.STATUS_TOO_LARGE]
    assert b.mailbox.stored == []
    assert b.committed(a.domain, bytes(16)) == 5


async def test_streams_of_one_remote_are_bounded(pair):
    a, b = pair
    await b.book.find(a.domain)
    for number in range(70):
        await b.take_batch(a.domain, number.to_bytes(16, "big"), 1, [item(B, 1, b.clock())])
    assert b.database.read("SELECT count(*) FROM remote_stream") == [(64,)]
    assert b.committed(Domain(A), (69).to_bytes(16, "big")) == 1


async def test_a_remote_far_away_is_reached_at_the_first_try(pair, tmp_path):
    """One attempt must outlast a handshake over a slow line."""
    a, b = pair
    async with TcpProxy.listening(("127.0.0.1", b.port)) as line:
        line.delay = 0.25
        far = replace(b.entry(), endpoints=replace(b.endpoints, federation=Endpoint("127.0.0.1", line.port)))
        (tmp_path / "domains.toml").write_text(format_discovery_file({a.domain: a.entry(), b.domain: far}))
        await b.door.introduce(A, "192.0.2.1")
        await a.submit(B, 3)
        await a.ends.until(3)
        assert b.mailbox.numbers == [1, 2, 3]
        assert line.accepted == 1
