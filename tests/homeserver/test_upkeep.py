"""What has had its time goes by itself; what is still of use stays."""

from __future__ import annotations

from pathlib import Path

from connexa.pairwise import week_of
from connexa.wire import WEEK_SECONDS
from connexa.wire.v1.link_pb2 import PutInvite

from .village import village

DAY = 86_400


async def test_nothing_that_is_of_no_use_stays_for_ever(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
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
