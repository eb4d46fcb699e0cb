"""What a node may cost that means harm: strangers who hold places, accounts that flood; nobody else pays for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from connexa.homeserver.mailbox import CHUNK
from connexa.identity import Domain
from connexa.store import Execute
from connexa.wire.v1.link_pb2 import Call, OutcomeAck, Resume, Status, WhereIs

from .village import Client, settings_with, village


async def flood(client: Client, count: int, **frame: Any) -> None:
    """Say the same frame many times over, and read nothing."""
    for _ in range(count):
        client.say(**frame)
    await asyncio.sleep(0)


async def test_h10_one_source_cannot_take_all_pairing_slots_by_opening_and_leaving(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(pairings_per_hour=3)) as v:
        for _ in range(3):
            client = await v.pair(v.rng(16), "eve")
            await client.expect("ready")
            client.close()
        late = await v.pair(v.rng(16), "eve")
        assert await late.closed() == (4429, "rate.limited")
        other = await v.pair(v.rng(16), "elsewhere")
        await other.expect("ready")


async def test_h10_who_reads_no_answers_is_cut_off(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(slow_bytes=100_000)) as v:
        alice = await v.settle("alice")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        client.channel._pipe.down.pause()  # type: ignore[attr-defined]  # nothing is read any more
        await flood(client, 20_000, call=Call(id=1, where=WhereIs(number=1)))
        async with asyncio.timeout(10):
            while v.house.door.open_links:  # noqa: ASYNC110 - nobody sets an event for it
                await asyncio.sleep(0.01)
        assert client.channel._pipe.down.size < 110_000  # type: ignore[attr-defined]


async def test_a_flood_of_acknowledgements_is_one_operation_of_the_writer(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        submitted, real = [], v.house.writer.submit

        def submit(operation):
            submitted.append(operation)
            return real(operation)

        v.house.writer.submit = submit  # type: ignore[method-assign]
        for number in range(5_000):
            client.say(outcome_ack=OutcomeAck(numbers=[number + 1]))
        await client.call(where=WhereIs(number=1))
        assert 1 <= len(submitted) < 50
        client.say(resume=Resume(last=0, window=1))  # has no place on a submit link
        assert await client.closed() == (4400, "frame.unexpected")


async def test_a_device_says_once_where_it_stands(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice = await v.settle("alice")
        client = await v.login(alice.devices[0], resume=True)
        client.say(resume=Resume(last=0, window=1))
        assert await client.closed() == (4400, "frame.unexpected")


async def test_h10_large_mailboxes_are_deleted_in_pieces(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob = await v.settle("bob", devices=2)
        first = bob.devices[0]

        def fill(execute: Execute) -> None:
            delivery, now = v.house.delivery, v.clock()
            with delivery.storing(execute) as arrived:
                for _ in range(600):
                    envelope = delivery.check_envelope(v.mail(bob))
                    delivery.deliver(execute, envelope, accepted_at=int(now), from_domain=None, now=now, arrived=arrived)

        await v.house.writer.run(fill)
        client = await v.login(first)
        client.say(resume=Resume(last=v.house.sequence.newest, window=1))
        await client.quiet()
        assert v.rows() == 1_200 - CHUNK
        await v.house.delete_user("bob")
        assert v.rows() == 1_200 - 3 * CHUNK
        await v.house.tick()
        await v.house.tick()
        assert [v.rows(table) for table in ("mailbox", "body", "mailbox_load", "mailbox_left")] == [0, 0, 0, 0]


async def test_h10_what_waits_for_other_domains_is_bounded_for_each_for_all_and_for_unknown_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connexa.homeserver.federation.queue.MAX_UNKNOWN", 3)
    async with village(tmp_path, settings_with(queue_domain_bytes=5_000, queue_bytes=20_000)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client, number = await v.submit(token), 0

        async def fate(domain: str) -> Status:
            nonlocal number
            number += 1
            client.send((number, v.with_token(v.envelope(bob, domain=domain, ttl=3_600), bob.profile)))
            return (await client.committed(number)).get(number, Status.STATUS_ACCEPTED)

        fine, later = Status.STATUS_ACCEPTED, Status.STATUS_TEMPORARY
        assert [await fate("c.example") for _ in range(3)] == [fine, fine, later]
        assert [await fate(f"{name}.example") for name in "def"] == [fine, fine, later]  # unknown domains
        await v.house.remote_table.put(Domain("f.example"), b"a pin")
        assert [await fate("f.example") for _ in range(3)] == [fine, fine, later]
        assert [await fate("e.example") for _ in range(2)] == [fine, later]
        assert await fate("d.example") == fine  # the eighth envelope passes the bound of all
        await v.house.remote_table.put(Domain("g.example"), b"a pin")
        assert await fate("g.example") == later
        v.clock.advance(3_601)
        await v.house.queue.expire()
        await client.expect("outcome")
        assert v.rows("queue_load") == 1
        assert await fate("g.example") == fine
