"""What has had its time goes by itself; what is still of use stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from connexa.pairwise import week_of
from connexa.wire import WEEK_SECONDS
from connexa.wire.v1.link_pb2 import PutInvite, Status

from .village import commit_by, settings_with, village

DAY = 86_400


async def test_nothing_that_is_of_no_use_stays_for_ever(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob", devices=2)
        device = await v.login(bob.devices[0])
        secret, invite = v.rng(32), v.rng(16)
        await device.call(put_invite=PutInvite(id=invite, secret=secret, uses=2, expires=int(v.clock()) + DAY))
        await v.house.create_account_invite(1, 1)
        client = await v.submit((await v.passes(alice, 1))[0])
        client.send((1, v.with_invite(v.envelope(bob), invite, secret)), (2, v.with_token(v.envelope(bob), alice.profile)))
        await client.committed(2)
        client.close()
        tables = ["used_right", "outcome", "spent_pass", "contact_invite", "account_invite", "mailbox", "body", "pass_issue"]
        assert all(v.rows(table) for table in tables)
        v.clock.advance(100 * DAY)
        await v.house.tick()
        assert {table: v.rows(table) for table in tables} == dict.fromkeys(tables, 0)
        assert v.house.database.read("SELECT id FROM pass_key") == [(week_of(v.clock()),)]
        assert v.rows("prekey") == v.rows("token_key") == 0


async def test_what_mail_on_its_way_may_need_stays(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        await v.settle("bob")
        week = week_of(v.clock())
        v.clock.advance(3 * WEEK_SECONDS)
        await v.house.tick()
        assert (week,) in v.house.database.read("SELECT id FROM prekey WHERE type = 'sek'")
        assert (week,) in v.house.database.read("SELECT week FROM token_key")


async def test_h5_a_full_disk_at_upkeep_ends_nothing_and_later_all_that_expired_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connexa.homeserver.federation.queue.SWEEP_SECONDS", 0.01)
    async with village(tmp_path, settings_with(send_burst=1_000)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        remote = v.envelope(bob, domain="c.example", ttl=DAY)
        for number in range(1, 601):
            client.send((number, v.with_token(remote, bob.profile)))
        await client.committed(600)
        failed = asyncio.Event()

        def full() -> None:
            loop.call_soon_threadsafe(failed.set)
            raise apsw.FullError("disk full")

        loop = asyncio.get_running_loop()
        commit_by(v.house.database, full)
        v.clock.advance(2 * DAY)
        async with asyncio.timeout(10):
            await failed.wait()
            failed.clear()
            await failed.wait()  # it went on after the first
        commit_by(v.house.database)
        told: set[int] = set()
        while len(told) < 600:
            outcome = await client.expect("outcome")
            told |= {refused.number for refused in outcome.refused if refused.status == Status.STATUS_EXPIRED}
        assert v.rows("queue") == 0
