"""What a node may cost that means harm: strangers who hold places, accounts that flood; nobody else pays for it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from connexa.homeserver.mailbox import CHUNK, put
from connexa.store import Execute
from connexa.wire.v1.link_pb2 import Call, OutcomeAck, PushClass, Resume, WhereIs

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
        v.house.writer.submit = lambda operation: (submitted.append(operation), real(operation))[1]  # type: ignore[method-assign]
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
        first, second = bob.devices

        def fill(execute: Execute) -> None:
            for device in (first, second):
                for _ in range(600):
                    seqs = [v.house.sequence.take()]
                    put(execute, v.envelope(bob, devices=[device.id]), PushClass.PUSH_CONTACT, seqs, accepted_at=int(v.clock()))

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
