"""The queue between two domains: learnt at run time, delivered once, in order, over breaks (F2, F13, F14)."""

from __future__ import annotations

import pytest

from connexa.wire.v1.link_pb2 import LookupRequest, Status, WhereReply

from .domains import hosts

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
