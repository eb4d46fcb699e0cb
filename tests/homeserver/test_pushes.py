"""Pushes: within the window, complete and in order for slow and fast readers, over restarts and expiry (H3, H8, H9, H13)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from connexa.homeserver.mailbox import page
from connexa.store import Execute
from connexa.testing import FakeClock
from connexa.wire.v1.link_pb2 import Resume
from connexa.wire.v1.message_pb2 import Envelope

from .village import Client, Person, Village, settings_with, village

QUICK = settings_with(send_burst=100_000, send_per_second=100_000)


async def sender(v: Village, person: Person) -> Client:
    (token,) = await v.passes(person, 1)
    return await v.submit(token)


async def send(v: Village, client: Client, to: Person, first: int, count: int, body: int = 272) -> None:
    for number in range(first, first + count):
        client.send((number, v.mail(to, body=body)))
    assert await client.committed(first + count - 1) == {}


async def test_no_more_than_the_window_is_pushed_and_acks_move_it(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        await send(v, await sender(v, alice), bob, 1, 10)
        device = await v.login(bob.devices[0], resume=True, window=3)
        first = await device.pushes(3)
        await device.quiet()
        device.ack(first[0].seq, first[1].seq)
        second = await device.pushes(2)
        await device.quiet()
        seqs = [item.seq for item in first + second]
        assert seqs == sorted(set(seqs))
        assert v.rows() == 8


async def test_live_pushes_follow_pages_without_gap_or_repeat(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await sender(v, alice)
        await send(v, client, bob, 1, 150)
        device = await v.login(bob.devices[0], resume=True, window=256)
        items = await device.pushes(150)
        for number in range(151, 200):
            client.send((number, v.mail(bob)))
            if number % 7 == 0:
                device.ack(*[item.seq for item in items[:5]])
                del items[:5]
        await client.committed(199)
        device.ack(*[item.seq for item in items])
        more = await device.pushes(49)
        seqs = [item.seq for item in more]
        assert seqs == sorted(seqs)
        device.ack(*seqs)
        await device.quiet()
        assert v.rows() == 0


async def test_a_row_whose_announcement_was_lost_is_pushed_with_the_next_or_by_the_next_round(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        client = await sender(v, alice)
        device = await v.login(bob.devices[0], resume=True)
        await send(v, client, bob, 1, 1)
        await device.pushes(1)

        async def store_silently() -> None:
            envelope = v.house.delivery.check_envelope(v.mail(bob))
            now = v.clock()

            def store(execute: Execute) -> None:
                with v.house.delivery.storing(execute) as arrived:
                    v.house.delivery.deliver(execute, envelope, accepted_at=int(now), from_domain="a.example", now=now, arrived=arrived)

            await v.house.writer.run(store)

        await store_silently()  # as when a remote hangs up during the commit
        await send(v, client, bob, 2, 1)
        assert len(await device.pushes(2)) == 2
        await store_silently()
        await v.house.tick()
        assert len(await device.pushes(1)) == 1


async def test_a_row_that_a_page_has_brought_is_not_pushed_again_when_its_commit_is_told(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        device = await v.login(bob.devices[0], resume=True)
        await send(v, await sender(v, alice), bob, 1, 2)
        await device.pushes(2)
        rows = page(v.house.database.read, bob.devices[0].id, 0, 10)
        v.house.links.arrived([(0, row) for row in rows])
        await device.quiet()


async def test_h3_a_stopped_reader_costs_bounded_memory_and_gets_all_in_order(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        device = await v.login(bob.devices[0], resume=True)
        pipe = device.channel._pipe  # type: ignore[attr-defined]
        pipe.down.pause()
        client = await sender(v, alice)
        most = 0
        for batch in range(10):
            await send(v, client, bob, 1 + 40 * batch, 40, body=8_208)
            most = max(most, pipe.down.size)
        assert v.rows() == 400
        assert most < 1_500_000  # of four megabytes
        pipe.down.resume()
        seqs: list[int] = []
        while len(seqs) < 400:
            push = await device.expect("push")
            seqs += [item.seq for item in push.items]
            device.ack(*[item.seq for item in push.items])
        assert seqs == sorted(set(seqs))
        await device.quiet()
        assert v.rows() == 0


async def test_h9_numbers_go_on_after_emptying_and_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    seqs = []
    for run in range(3):
        async with village(tmp_path, QUICK, clock=clock, seed=f"run {run}") as v:
            alice, bob = await v.settle(f"alice{run}"), await v.settle(f"bob{run}")
            await send(v, await sender(v, alice), bob, 1, 3)
            device = await v.login(bob.devices[0], resume=True)
            items = await device.pushes(3)
            seqs += [item.seq for item in items]
            device.ack(*[item.seq for item in items])
            await device.quiet()
            assert v.rows() == 0
    assert seqs == sorted(set(seqs))


async def test_h13_expired_mail_goes_by_itself(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        client = await sender(v, alice)
        client.send((1, v.mail(bob, ttl=100)), (2, v.mail(bob, ttl=10_000)))
        await client.committed(2)
        v.clock.advance(101)
        await v.house.tick()
        assert (v.rows(), v.rows("body")) == (2, 1)
        assert v.house.database.read("SELECT messages FROM mailbox_load") == [(1,), (1,)]


async def test_acks_of_what_was_never_pushed_end_the_link(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        bob = await v.settle("bob")
        for lie in ({"ack": {"seqs": [1 << 40]}}, {"resume": Resume(last=1 << 40, window=1)}):
            device = await v.login(bob.devices[0])
            device.say(**lie)
            assert await device.closed() == (4400, "frame.malformed")


async def test_another_persons_rows_cannot_be_acknowledged(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        await send(v, await sender(v, alice), bob, 1, 1)
        row = v.house.database.first("SELECT seq FROM mailbox")
        assert row is not None
        eve = await v.login(alice.devices[0], resume=True)
        eve.ack(row[0])
        await eve.quiet()
        assert v.rows() == 1


async def test_a_silent_submit_link_is_closed(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(submit_idle=0.1)) as v:
        client = await sender(v, await v.settle("alice"))
        async with asyncio.timeout(5):
            assert await client.closed() == (1000, "")


async def test_h12_checkpoints_go_on_beside_readers(tmp_path: Path) -> None:
    async with village(tmp_path, QUICK) as v:
        bob = await v.settle("bob")
        device, now, house = bob.devices[0].id, v.clock(), v.house
        for _ in range(25):
            raws = [house.delivery.check_envelope(v.mail(bob, body=16_400)) for _ in range(100)]

            def store(execute: Execute, envelopes: list[Envelope] = raws) -> None:
                with house.delivery.storing(execute) as arrived:
                    for envelope in envelopes:
                        house.delivery.deliver(execute, envelope, accepted_at=int(now), from_domain="a.example", now=now, arrived=arrived)

            writing = house.writer.submit(store)
            while not writing.done():
                page(house.database.read, device, 0, 64)
                await asyncio.sleep(0)
        assert v.rows() == 2_500
        wal = tmp_path / "server.db-wal"
        assert wal.stat().st_size < 30_000_000 < (tmp_path / "server.db").stat().st_size
