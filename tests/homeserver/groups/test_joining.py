"""Joining by an invitation link, and coming back after a lost state: external commits under a join key or a token (groups §5.9)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from connexa.crypto import sha256
from connexa.identity import issue_admins
from connexa.testing import World
from connexa.wire.v1.groups_pb2 import GetGroupInfo, GroupBundle, GroupLog, GroupReply, GroupRequest
from tests.mls.people import NOW, Person, package

from .kit import A, B, Band, C, Seat, house, region

KEY = b"k" * 32


def code(reply: GroupReply) -> str:
    return reply.refused.code if reply.WhichOneof("reply") == "refused" else reply.WhichOneof("reply") or ""


async def open_band(world: World) -> tuple[Band, Person]:
    """A blind group with a link, and the person who knows its state."""
    world.clock.set(NOW)
    band = await Band.found(world)
    band.join_key = KEY
    alice = Person("alice")
    alice.create(band.id)
    staged = alice.group.commit(now=NOW)
    await band.commit(commit=staged.commit)
    alice.group.merge(staged, now=NOW)
    return band, alice


def joining(band: Band, alice: Person, seat: Seat, **changes: Any) -> GroupBundle:
    """The bundle of somebody who joins from outside."""
    staged = Person("newcomer").external_join(alice.group.group_info())
    bundle = GroupBundle(epoch=band.epoch, commit=staged.commit, sealed=b"sealed", own=seat.place, join_hash=band.join_hash)
    for name, value in changes.items():
        setattr(bundle, name, value)
    return bundle


async def by_key(band: Band, seat: Seat, key: bytes = KEY, **request: Any) -> GroupReply:
    return await band.send_request(seat.domain, GroupRequest(join_key=key, **request))


async def test_who_has_the_link_reads_what_a_joiner_needs_and_joins(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band, alice = await open_band(world)
        seat = band.seat(C)
        assert (await by_key(band, seat, info=GetGroupInfo())).info.epoch == 1
        reply = await by_key(band, seat, commit=joining(band, alice, seat))
        assert (reply.stored.seq, reply.stored.epoch) == (2, 2)
        assert [entry.seq for entry in (await band.log(seat, after=1)).entries] == [2]
        assert len(house(world, A).database.read("SELECT 1 FROM group_member")) == 2


async def test_the_link_opens_nothing_else(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band, alice = await open_band(world)
        seat = band.seat(C)
        before = list(house(world, A).database.read("SELECT * FROM mls_group, group_member"))
        for request in ({"log": GroupLog()}, {"send": band.words()}):
            assert code(await by_key(band, seat, **request)) == "group.not_allowed"
        wrong = [
            band.bundle(own=seat.place),  # a member's commit
            joining(band, alice, band.seat(B)),  # a place at another homeserver
            joining(band, alice, seat, join_hash=b""),
            joining(band, alice, seat, join_hash=sha256(b"mine")),
        ]
        others = joining(band, alice, seat)
        others.removes.append(band.seats[0].alias)
        admin = joining(band, alice, seat)
        admin.admins.CopyFrom(issue_admins(band.admin_set(2), band.admins[0]))
        nobody = joining(band, alice, seat)
        nobody.ClearField("own")
        instead = joining(band, alice, replace(seat, alias=band.seats[0].alias))
        for bundle in (*wrong, others, admin, nobody, instead):
            assert code(await by_key(band, seat, commit=bundle)) == "group.not_allowed"
        late = (await by_key(band, seat, commit=joining(band, alice, seat, epoch=0))).refused  # the log is not for who has the link
        assert (late.code, late.epoch, len(late.entries.entries)) == ("group.wrong_epoch", 1, 0)
        assert code(await by_key(band, seat, b"x" * 32, commit=joining(band, alice, seat))) == "group.unknown"
        assert code(await by_key(band, seat, b"short", info=GetGroupInfo())) == "frame.malformed"
        assert list(house(world, A).database.read("SELECT * FROM mls_group, group_member")) == before


async def test_a_link_that_was_taken_back_opens_nothing(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band, alice = await open_band(world)
        seat = band.seat(C)
        await band.commit(join_hash=b"")
        assert code(await by_key(band, seat, info=GetGroupInfo())) == "group.unknown"
        assert code(await by_key(band, seat, b"\0" * 32, info=GetGroupInfo())) == "group.unknown"
        assert code(await by_key(band, seat, commit=joining(band, alice, seat, epoch=2))) == "group.unknown"


async def test_a_member_that_lost_its_state_comes_back_from_outside(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band, alice = await open_band(world)
        staged = alice.external_join(alice.group.group_info(), resync_leaf=0)
        bundle = band.bundle(commit=staged.commit, own=band.seat(A).place)
        assert (await band.ask(band.seats[0], commit=bundle)).stored.epoch == 2
        members = house(world, A).database.read("SELECT alias FROM group_member")
        assert members == [(bundle.own.alias,)]


async def test_in_a_blind_group_members_commit_in_private_alone(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band, alice = await open_band(world)
        public = alice.group.commit(add=[package(Person("bob").bundle())], now=NOW, wire="public")
        assert code(await band.ask(band.seats[0], commit=band.bundle(commit=public.commit))) == "group.not_allowed"
        proposal = band.words()
        proposal.message = alice.group.propose_update(now=NOW, wire="public")
        assert code(await band.ask(band.seats[0], send=proposal)) == "group.not_allowed"
