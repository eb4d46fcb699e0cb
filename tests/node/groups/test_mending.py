"""Commits that do not hold, by members and guests who break the rules: the group goes on without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.node.groups.test_groups import ALICE, BOB, CAROL, found, rosters, said, until_group, until_said

from connexa.content import GroupRole, RoomRecord, SharedChange
from connexa.errors import RefusedError
from connexa.mls.framing import MLSMessage, PrivateMessage
from connexa.mls.group import Group
from connexa.mls.registry import ContentType
from connexa.node.groups.book import AUTHENTICATION, RULES, GroupRow, Parts, find_group
from connexa.node.groups.sealing import change_key, seal_change, seal_record
from connexa.node.schema import MIGRATIONS
from connexa.store import open_database
from connexa.testing import SeededRandom, World
from connexa.testing.world import STORE_KEY, Device
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupCall, GroupReply, GroupRequest


@dataclass
class Rogue:
    """A member's device in the hands of somebody who keeps to no rules."""

    world: World
    device: Device
    row: GroupRow
    mls: Group
    rng: SeededRandom

    @classmethod
    async def take(cls, world: World, device: Device, name: str) -> Rogue:
        await device.stop()
        database = open_database(world.directory / device.name / "node.db", STORE_KEY, MIGRATIONS)
        row = find_group(database.read, 1, name)
        assert row is not None
        execute = database.writer_connection.execute
        mls = Group.open(row.public, auth=AUTHENTICATION, store=Parts(execute, row.account), rules=RULES)
        return cls(world, device, row, mls, SeededRandom("rogue"))

    def commit(self, change: SharedChange) -> bytes:
        """A commit that is sound as MLS goes."""
        aad = seal_change(change_key(self.mls), self.row.public, change, self.rng)
        return self.mls.commit(force_path=True, aad=aad, now=int(self.world.clock())).commit

    def garbage(self) -> bytes:
        """What a blind hub takes for a commit."""
        return MLSMessage(PrivateMessage(self.row.public, self.mls.epoch, ContentType.COMMIT, b"", self.rng(28), self.rng(200))).encode()

    async def send(self, commit: bytes, *, sealed: bytes = b"nothing", removes: list[bytes] | None = None) -> GroupReply:
        bundle = GroupBundle(epoch=self.mls.epoch, commit=commit, sealed=sealed, removes=removes or [])
        request = GroupRequest(group=self.row.public, term=self.row.term, token=self.row.token, commit=bundle)
        domain = self.device.address.partition("@")[2]
        reply: GroupReply = await self.world.houses[domain].server.groups.ask(b"p" * 16, GroupCall(hub=self.row.hub, request=request))
        assert reply.WhichOneof("reply") == "stored", reply
        return reply


async def three(world: World) -> tuple[Device, Device, Device]:
    """Alice's group, with bob and carol in it."""
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    (carol,) = await world.person(CAROL)
    await world.befriend(alice, bob)
    await world.befriend(alice, carol)
    await found(alice, "Garden", bob, carol)
    await bob.until(lambda: bob.node.groups().group("Garden").succession.fallbacks or None, what="the last commit that follows by itself")
    return alice, bob, carol


async def test_a_member_who_breaks_the_rules_goes_and_the_group_goes_on(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        rogue = await Rogue.take(world, bob, "Garden")
        await rogue.send(rogue.commit(SharedChange(name="Bob's")))
        await until_group(carol, "Garden", people=2, trouble="")
        await until_group(alice, "Garden", people=2, trouble="")
        await carol.node.send("", "Garden", "where were we?")
        await until_said(alice, "Garden", "where were we?")
        assert len(rosters("Garden", alice, carol)) == 1


async def test_places_that_a_bad_commit_took_away_are_given_back(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        rogue = await Rogue.take(world, bob, "Garden")
        others = [row[0] for device in (alice, carol) for row in device.read("SELECT alias FROM mls_group")]
        await rogue.send(rogue.commit(SharedChange(name="Bob's")), removes=others)
        for one in (alice, carol):
            await until_group(one, "Garden", people=2, trouble="")
        await carol.node.send("", "Garden", "still here")
        await until_said(alice, "Garden", "still here")


async def test_what_nobody_can_read_waits_for_a_person(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        with pytest.raises(RefusedError) as refused:
            await alice.node.groups().begin_anew("Garden", BOB)
        assert refused.value.code == "group.goes_on"
        rogue = await Rogue.take(world, bob, "Garden")
        await rogue.send(rogue.garbage())
        await until_group(carol, "Garden", trouble="mls.crypto")
        await until_group(alice, "Garden", trouble="mls.crypto", people=3)
        with pytest.raises(RefusedError) as refused:
            await carol.node.groups().begin_anew("Garden", BOB)
        assert refused.value.code == "group.not_allowed"
        await alice.node.groups().begin_anew("Garden", BOB)
        for one in (alice, carol):
            await until_group(one, "Garden", people=2, trouble="")
        await alice.node.send("", "Garden", "on we go")
        await until_said(carol, "Garden", "on we go")
        assert said(alice, "Garden") == said(carol, "Garden")


async def test_nobody_becomes_owner_by_what_stands_beside_a_bad_commit(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        rogue = await Rogue.take(world, bob, "Garden")
        before = rogue.row.shared
        turned = {ALICE: GroupRole.MEMBER, BOB: GroupRole.OWNER, CAROL: GroupRole.MEMBER}
        people = tuple(replace(person, role=turned[str(person.address)]) for person in before.people)
        staged = rogue.mls.commit(force_path=True, now=int(world.clock()))
        record = RoomRecord(staged.group_info, replace(before, people=people))
        await rogue.send(rogue.garbage(), sealed=seal_record(before.room_key, rogue.row.public, record, rogue.rng))
        for one in (alice, carol):
            await one.until(
                lambda device=one: device.read("SELECT 1 FROM mls_group WHERE waits = 'group.bad_record'") or None,  # type: ignore[misc]
                what="the refusal",
            )
        assert alice.node.groups().group("Garden").role == "owner"
