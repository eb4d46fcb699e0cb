"""Commits that do not hold, by members and guests who break the rules: the group goes on without them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.homeserver.groups.kit import until
from tests.node.groups.test_groups import ALICE, BOB, CAROL, acquainted, found, rosters, said, until_group, until_said

from connexa.content import GroupRole, RoomRecord, SharedChange
from connexa.crypto import aead_seal
from connexa.errors import RefusedError
from connexa.mls.credential import Credential
from connexa.mls.framing import MLSMessage, PrivateMessage
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage
from connexa.mls.nodes import Capabilities, Lifetime
from connexa.mls.registry import ContentType, CredentialType
from connexa.node.groups.book import AUTHENTICATION, RULES, GroupRow, Parts, find_group
from connexa.node.groups.commits import join_hash
from connexa.node.groups.mending import reject
from connexa.node.groups.pool import SUITE
from connexa.node.groups.sealing import change_key, open_record, outside_key, seal_change, seal_record
from connexa.node.schema import MIGRATIONS
from connexa.store import open_database
from connexa.testing import SeededRandom, World
from connexa.testing.world import STORE_KEY, Device
from connexa.wire.v1.groups_pb2 import GetGroupInfo, GroupBundle, GroupCall, GroupPlace, GroupRecord, GroupReply, GroupRequest, GroupSend


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

    def garbage(self, kind: ContentType = ContentType.COMMIT) -> bytes:
        """What a blind hub takes for a commit, or for a message."""
        return MLSMessage(PrivateMessage(self.row.public, self.mls.epoch, kind, b"", self.rng(28), self.rng(200))).encode()

    async def send(self, commit: bytes, *, sealed: bytes = b"nothing", removes: list[bytes] | None = None) -> GroupReply:
        bundle = GroupBundle(epoch=self.mls.epoch, commit=commit, sealed=sealed, removes=removes or [])
        return await ask_hub(self.world, self.device.address, self.row, GroupRequest(token=self.row.token, commit=bundle))


async def ask_hub(world: World, address: str, row: GroupRow, request: GroupRequest) -> GroupReply:
    """Ask a group's hub through a person's homeserver; it is not to refuse."""
    request.group, request.term = row.public, row.term
    server = world.houses[address.partition("@")[2]].server
    reply: GroupReply = await server.groups.ask(b"p" * 16, GroupCall(hub=row.hub, request=request))
    assert reply.WhichOneof("reply") != "refused", reply
    return reply


async def three(world: World) -> tuple[Device, Device, Device]:
    """Alice's group, with bob and carol in it."""
    alice, bob, carol = await acquainted(world)
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
        assert "1 groups cannot go on here." in [one.text for one in (await alice.node.doctor()).checks]
        with pytest.raises(RefusedError) as refused:
            await carol.node.groups().begin_anew("Garden", BOB)
        assert refused.value.code == "group.not_allowed"
        await alice.node.groups().begin_anew("Garden", BOB)
        for one in (alice, carol):
            await until_group(one, "Garden", people=2, trouble="")
        await alice.node.send("", "Garden", "on we go")
        await until_said(carol, "Garden", "on we go")
        assert said(alice, "Garden") == said(carol, "Garden")


async def test_what_does_not_open_is_counted_and_what_was_thrown_in_changes_nothing(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        rogue = await Rogue.take(world, bob, "Garden")
        noise = rogue.garbage(ContentType.APPLICATION)
        send = GroupSend(epoch=rogue.mls.epoch, id=rogue.rng(16), message=noise)
        await ask_hub(world, BOB, rogue.row, GroupRequest(token=rogue.row.token, send=send))
        await carol.node.send("", "Garden", "did you hear that?")
        await until_said(alice, "Garden", "did you hear that?")
        assert alice.node.groups().group("Garden").unopened == 1
        await alice.node.groups().rename("Garden", "Orchard")
        await until_group(carol, "Orchard", unopened=0)


async def test_proposals_that_nobody_will_commit_are_not_kept(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        rogue = await Rogue.take(world, bob, "Garden")
        own = rogue.mls.own_leaf
        others = [member.leaf for member in rogue.mls.members() if member.leaf != own]

        async def propose(leaf: int) -> int:
            proposal = rogue.mls.propose_remove(leaf, now=int(world.clock()))
            send = GroupSend(epoch=rogue.mls.epoch, id=rogue.rng(16), message=proposal)
            reply = await ask_hub(world, BOB, rogue.row, GroupRequest(token=rogue.row.token, send=send))
            return reply.stored.seq

        newest = [await propose(leaf) for leaf in others * 3][-1]
        await until(lambda: alice.read("SELECT 1 FROM mls_group WHERE seq >= ?", (newest,)))
        assert alice.read("SELECT name FROM group_part WHERE name LIKE 'proposal%'") == []
        await propose(own)
        for one in (alice, carol):
            await until_group(one, "Garden", people=2)  # for he has asked to go


async def test_nobody_is_blamed_for_a_newer_program(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, _ = await three(world)
        rogue = await Rogue.take(world, bob, "Garden")
        nonce, group = rogue.rng(12), rogue.row.public
        aad = nonce + aead_seal(change_key(rogue.mls), nonce, b"\x08\x02\xf8\x07\x01", group)
        await rogue.send(rogue.mls.commit(force_path=True, aad=aad, now=int(world.clock())).commit)
        await until_group(alice, "Garden", people=3, trouble="mls.newer")


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


async def test_of_two_admins_who_go_on_at_once_one_does_and_an_admin_may_be_who_goes(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        (dora,) = await world.person("dora@b.example")
        await world.befriend(alice, dora)
        await alice.node.groups().invite("Garden", dora.address)
        await until_group(dora, "Garden", state="invited")
        await dora.node.groups().accept("Garden")
        for admin in (bob, carol):
            await alice.node.groups().set_role("Garden", admin.address, GroupRole.ADMIN)
        for one in (alice, carol, dora):
            await until_group(one, "Garden", people=4)
            await one.until(
                lambda device=one: device.node.groups().group("Garden").succession.signers == 3 or None,  # type: ignore[misc]
                what="the admins' keys",
            )
        rogue = await Rogue.take(world, bob, "Garden")
        await rogue.send(rogue.commit(SharedChange(roles=((rogue.row.shared.people[1].user, GroupRole.OWNER),))))
        for one in (alice, carol, dora):
            await until_group(one, "Garden", people=3, trouble="")
        await dora.node.send("", "Garden", "which of you was it?")
        for one in (alice, carol):
            await until_said(one, "Garden", "which of you was it?")
        assert len(rosters("Garden", alice, carol, dora)) == 1
        assert alice.node.groups().group("Garden").succession.signers == 2


async def test_a_guest_who_breaks_the_rules_ends_the_link_and_nothing_else(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        await alice.node.groups().make_link("Garden")
        for one in (alice, carol):
            await until_group(one, "Garden", link=True)
        row = find_group(alice.read, 1, "Garden")
        assert row is not None
        rng, now = SeededRandom("guest"), int(world.clock())
        reply = await ask_hub(world, BOB, row, GroupRequest(info=GetGroupInfo(), join_key=row.shared.join_key))
        record = open_record(row.shared.room_key, row.public, GroupRecord.FromString(reply.info.piece).sealed)
        package = KeyPackage.generate(
            SUITE,
            Credential.basic(rng(32)),
            SUITE.generate_signature_key(rng),
            capabilities=Capabilities(cipher_suites=(SUITE.number,), credentials=(CredentialType.BASIC,)),
            lifetime=Lifetime(now - 60, now + 60),
            rng=rng,
        )
        aad = seal_change(outside_key(row.shared.room_key), row.public, SharedChange(name="Mine"), rng)
        _, staged = Group.external_join(
            record.group_info, package, auth=AUTHENTICATION, store=Parts(alice.read, 1), aad=aad, rules=RULES, now=now
        )
        place = GroupPlace(domain="b.example", alias=rng(32), token_hash=rng(32))
        bundle = GroupBundle(epoch=reply.info.epoch, commit=staged.commit, sealed=b"x", own=place, join_hash=join_hash(row.shared))
        await ask_hub(world, BOB, row, GroupRequest(commit=bundle, join_key=row.shared.join_key))
        for one in (alice, bob, carol):
            await until_group(one, "Garden", people=3, link=False, trouble="")
        await bob.node.send("", "Garden", "nobody came")
        await until_said(alice, "Garden", "nobody came")


async def test_an_admin_who_takes_the_group_back_is_taken_out_by_another(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        await alice.node.groups().set_role("Garden", BOB, GroupRole.ADMIN)
        await bob.until(lambda: bob.node.groups().group("Garden").succession.signers == 2 or None, what="its key among the admins'")
        rogue = await Rogue.take(world, bob, "Garden")
        for name in ("Orchard", "Meadow"):
            await alice.node.groups().rename(alice.node.groups().groups()[0].id, name)
            for one in (alice, carol):
                await until_group(one, name, waiting=0)
        ((newest,),) = alice.read("SELECT began FROM mls_group")
        commit = rogue.commit(SharedChange())
        bundle = GroupBundle(epoch=rogue.mls.epoch, commit=commit, sealed=b"nothing")
        bundle.reject.CopyFrom(reject(replace(rogue.row, disputed=newest), commit, rogue.row.shared))
        await ask_hub(world, BOB, rogue.row, GroupRequest(token=rogue.row.token, commit=bundle))
        for one in (alice, carol):
            await until_group(one, "Meadow", people=3, trouble="group.superseded")
        await alice.node.groups().begin_anew("Meadow", BOB)
        for one in (alice, carol):
            await until_group(one, "Meadow", people=2, trouble="")
        await carol.node.send("", "Meadow", "and on")
        await until_said(alice, "Meadow", "and on")
