"""Whatever a remote sends: a refusal with a code, and nothing has changed."""

from __future__ import annotations

import re
from pathlib import Path

from connexa.errors import ConnexaError
from connexa.testing import SeededRandom
from connexa.wire import MAX_FRAME, parse
from connexa.wire.v1.groups_pb2 import GroupHint, GroupNews, GroupRequest, GroupStandby, GroupWelcome

from .kit import A, B, Band, C, house, region, until

TABLES = ("mls_group", "group_member", "group_entry", "group_record", "group_standby", "group_fallback", "group_news", "welcome")


def mutated(raw: bytes, rng: SeededRandom) -> bytes:
    """One byte changed, cut, doubled or put in."""
    place = int.from_bytes(rng(4), "big") % len(raw)
    match rng(1)[0] % 4:
        case 0:
            return raw[:place] + rng(1) + raw[place + 1 :]
        case 1:
            return raw[:place]
        case 2:
            return raw[:place] + raw[max(0, place - 16) :]
        case _:
            return raw[:place] + rng(3) + raw[place:]


async def test_mutated_requests_are_refused_with_a_code_and_change_nothing(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world, fallbacks=(C,))
        bob = band.seat(B)
        await band.commit(add=[bob])
        hub, rng = house(world, A), SeededRandom("hostile")
        stranger = band.seat(B)
        good = [
            GroupRequest(group=band.id, token=stranger.token, commit=band.bundle(add=[band.seat(C)])),
            GroupRequest(group=band.id, token=stranger.token, send=band.words()),
            GroupRequest(group=band.id, token=stranger.token, create=band.creation(stranger)),
            GroupRequest(group=band.id, take_over=band.take_over(C, signers=0)),
        ]
        await until(lambda: hub.database.first("SELECT 1 FROM group_news") is None)
        before = [list(hub.database.read(f"SELECT * FROM {table}")) for table in TABLES]
        refused = 0
        for number in range(1_000):
            try:
                request = parse(GroupRequest, mutated(good[number % 4].SerializeToString(), rng), MAX_FRAME)
            except ConnexaError:
                continue
            reply = await hub.group_from(B, request)
            assert reply.WhichOneof("reply") == "refused"
            assert re.fullmatch(r"[a-z_]+\.[a-z_0-9]+", reply.refused.code)
            refused += 1
        assert refused > 200
        assert [list(hub.database.read(f"SELECT * FROM {table}")) for table in TABLES] == before


async def test_news_that_do_not_hold_are_dropped_and_the_others_arrive(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        there = house(world, B)
        news = GroupNews(
            hints=[GroupHint(alias=b"x"), GroupHint(alias=band.rng(32), seq=3)],
            welcomes=[GroupWelcome(), GroupWelcome(alias=band.rng(32), ref=b"r", welcome=b"w")],
            standbys=[GroupStandby(group=band.id), GroupStandby()],
            moved=[band.take_over(B, signers=0), band.take_over(C)],
        )
        news.heartbeat.body = b"x"
        before = [list(there.database.read(f"SELECT * FROM {table}")) for table in TABLES]
        assert not (await there.news_from(A, news)).later
        assert [list(there.database.read(f"SELECT * FROM {table}")) for table in TABLES] == before
