"""P29: claims are limited by requester's token and by target; the last resort goes out only when the pool is empty, and then the device
is told and refills; a signed prekey is at most 7 days in use, an old one opens for 30 days."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.crypto import Kind
from connexa.errors import IntegrityError
from connexa.pairwise import KEEP_OLD, ONE_TIME_POOL, PREKEY_LIFE, ROTATE_AFTER, is_last_resort, read_prekey
from connexa.testing import World
from connexa.wire import parse
from connexa.wire.v1.keys_pb2 import Prekey
from connexa.wire.v1.link_pb2 import Right, Status
from tests.homeserver.test_directory import claim, look, step, with_token
from tests.homeserver.village import settings_with, village
from tests.pairwise.world import NOW, Device

BOB = Device.make("b", 2)
DAY = 86_400


def test_p29_prekeys_age() -> None:
    assert (ROTATE_AFTER, PREKEY_LIFE, KEEP_OLD) == (7 * DAY, 30 * DAY, 30 * DAY)
    read_prekey(Kind.SPK, BOB.spk[0], BOB.certificate, NOW + PREKEY_LIFE)
    with pytest.raises(IntegrityError, match="expired"):
        read_prekey(Kind.SPK, BOB.spk[0], BOB.certificate, NOW + PREKEY_LIFE + DAY)


async def test_p29_a_claim_takes_each_one_time_key_once_then_the_last_resort_and_says_so(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        device = await v.login(bob.devices[0])
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        ids = []
        for _ in range(5):
            reply = await client.call(claim=with_token(v, claim(v, Right(), user=bob.user.id), bob))
            ids.append(parse(Prekey, reply.bundles[0].one_time.body, 65_536).id)
        assert len(set(ids[:3])) == 3
        assert [is_last_resort(number) for number in ids] == [False] * 3 + [True] * 2
        await device.quiet()
        low = [frame.notice.number for frame in device.seen if frame.notice.code == "prekeys.low"]
        assert low == [3, 2, 1, 0, 0, 0]


async def test_p29_claims_are_limited_by_pass(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(lookups_per_minute=4)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        (token,) = await v.passes(alice, 1)
        client = await v.submit(token)
        replies = [await client.call(claim=with_token(v, claim(v, Right(), user=bob.user.id), bob)) for _ in range(6)]
        assert [getattr(reply, "code", "") for reply in replies[4:]] == ["rate.limited"] * 2  # one pass, however good its right


async def test_p29_claims_of_strangers_are_limited_by_target(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(strangers_per_hour=4)) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        found, pools = [], []
        for _ in range(3):  # a new pass each time: the target's own limit stands, and no key goes
            client, right, _ = await step(v, alice)
            found.append((await client.call(lookup=look(v, right, localpart="bob"))).status)
            await client.call(claim=claim(v, right, user=bob.user.id))
            pools.append(v.house.database.first("SELECT count(*) FROM prekey WHERE type = 'otp'"))
        assert found == [Status.STATUS_ACCEPTED, Status.STATUS_ACCEPTED, Status.STATUS_UNAVAILABLE]
        assert pools[0] != pools[1] == pools[2]  # a claim counts as a look-up does


async def test_p29_a_drained_device_is_told_and_refills(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (bob,) = await world.person("bob@b.example")
        house = world.houses["b.example"].server
        await house.writer.run(lambda execute: execute("DELETE FROM prekey WHERE type = 'otp' AND id > 2"))
        (alice,), (carol,), (dave,) = [await world.person(f"{name}@a.example") for name in ("alice", "carol", "dave")]
        for person in (alice, carol, dave):
            await world.befriend(person, bob)  # each claims one of the keys; there are not enough
        count = "SELECT count(*) FROM prekey WHERE type = 'otp'"

        def full() -> bool | None:
            row = house.database.first(count)
            return True if row is not None and row[0] >= ONE_TIME_POOL // 2 else None

        await bob.until(full, what="the refill")
