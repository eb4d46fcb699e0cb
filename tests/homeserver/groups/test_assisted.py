"""A hub that assists: it follows real groups, hands out their tree, and refuses handshakes that do not hold (groups §5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import Ed25519Secret
from connexa.homeserver.groups import assisted
from connexa.mls.public_group import PublicGroup
from connexa.testing import World
from connexa.wire.v1.groups_pb2 import GroupAdd, GroupBundle, GroupMode, GroupRecord, GroupReply, GroupRequest
from tests.mls.people import AUTH, NOW, Person, deliver, package

from .kit import A, B, Band, C, Seat, house, region, until

ASSISTED = GroupMode.GROUP_MODE_ASSISTED


def code(reply: GroupReply) -> str:
    return reply.refused.code if reply.WhichOneof("reply") == "refused" else reply.WhichOneof("reply") or ""


def bent(message: bytes) -> bytes:
    """The same with one bit turned, before its tags."""
    place = len(message) // 2
    return message[:place] + bytes([message[place] ^ 1]) + message[place + 1 :]


@dataclass
class Choir:
    """A real group and its hub."""

    band: Band
    people: dict[str, Person]
    seats: dict[str, Seat]

    @classmethod
    async def found(cls, world: World, **options: Any) -> Choir:
        world.clock.set(NOW)
        band = Band(world, A, bytes(range(32)), world.rng.fork("choir"), **options)
        band.admins = [Ed25519Secret.generate(band.rng)]
        alice, seat = Person("alice"), band.seat(A)
        alice.create(band.id)
        creation = band.creation(seat, ASSISTED)
        creation.first.group_info = alice.group.group_info()
        assert code(await band.ask(seat, create=creation)) == "stored"
        band.seats.append(seat)
        return cls(band, {"alice": alice}, {"alice": seat})

    def bundle(self, author: str, staged: Any, newcomers: dict[str, Any] | None = None, **changes: Any) -> GroupBundle:
        """A commit of somebody as the hub is told of it."""
        bundle = GroupBundle(
            epoch=self.people[author].group.epoch, commit=staged.commit, sealed=b"sealed", group_info=staged.group_info, **changes
        )
        for name, key_package in (newcomers or {}).items():
            self.seats[name] = self.seats.get(name) or self.band.seat(B)
            ref = key_package.key_package.ref(self.people[author].suite)
            bundle.adds.append(GroupAdd(place=self.seats[name].place, ref=ref))
        if staged.welcome:
            bundle.welcome = staged.welcome
        return bundle

    async def add(self, author: str, *names: str) -> None:
        """Somebody adds newcomers, and everybody follows."""
        newcomers = {name: Person(name) for name in names}
        bundles = {name: person.bundle() for name, person in newcomers.items()}
        staged = self.people[author].group.commit(add=[package(one) for one in bundles.values()], now=NOW, wire="public")
        assert code(await self.commit(author, self.bundle(author, staged, bundles))) == "stored"
        deliver(self.people[author], staged, [person for name, person in self.people.items() if name != author])
        for name, person in newcomers.items():
            person.join(staged.welcome, bundles[name])
        self.people |= newcomers

    async def commit(self, author: str, bundle: GroupBundle) -> GroupReply:
        return await self.band.ask(self.seats[author], commit=bundle)

    async def record(self, name: str = "alice") -> GroupRecord:
        return GroupRecord.FromString((await self.band.info(self.seats[name])).piece)


async def test_the_hub_follows_commits_and_hands_out_the_tree(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        choir = await Choir.found(world)
        await choir.add("alice", "bob", "carol")
        record = await choir.record("bob")
        assert record.tree == choir.people["bob"].group.ratchet_tree()
        outside = PublicGroup.begin(record.group_info, auth=AUTH, now=NOW, ratchet_tree=record.tree)
        assert outside.epoch == 1
        # A proposal by reference, a restart of the hub, the commit that refers to it.
        proposal = choir.people["bob"].group.propose_update(now=NOW, wire="public")
        for name in ("alice", "carol"):
            choir.people[name].group.process(proposal, now=NOW)
        sent = choir.band.words(epoch=1)
        sent.message = proposal
        assert code(await choir.band.ask(choir.seats["bob"], send=sent)) == "stored"
        await world.houses[A].stop()
        await world.houses[A].start()
        staged = choir.people["alice"].group.commit(now=NOW, wire="public")
        assert code(await choir.commit("alice", choir.bundle("alice", staged))) == "stored"
        deliver(choir.people["alice"], staged, [choir.people["bob"], choir.people["carol"]])
        assert (await choir.record()).tree == choir.people["carol"].group.ratchet_tree()


async def test_commits_that_do_not_hold_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        choir = await Choir.found(world)
        await choir.add("alice", "bob")
        alice, bob = choir.people["alice"], choir.people["bob"]
        before = list(house(world, A).database.read("SELECT * FROM group_public, mls_group, group_record"))
        good = alice.group.commit(now=NOW, wire="public")
        forged = choir.bundle("alice", good)
        forged.commit = bent(good.commit)
        old_info = choir.bundle("alice", good)
        old_info.group_info = alice.group.group_info()
        carol = Person("carol").bundle()
        adding = alice.group.commit(add=[package(carol)], now=NOW, wire="public")
        untold = choir.bundle("alice", adding)
        untold.ClearField("welcome")
        other = choir.bundle("alice", adding, {"dave": Person("dave").bundle()})
        for bundle in (forged, old_info, untold, other):
            assert code(await choir.commit("alice", bundle)) == "group.invalid_commit"
        private = alice.group.commit(now=NOW, wire="private")
        assert code(await choir.commit("alice", choir.bundle("alice", private))) == "group.not_allowed"
        unseen = bob.group.propose_update(now=NOW, wire="public")
        alice.group.process(unseen, now=NOW)
        referring = alice.group.commit(now=NOW, wire="public")
        refused = (await choir.commit("alice", choir.bundle("alice", referring))).refused
        assert (refused.code, refused.retryable, len(refused.refs)) == ("group.missing_references", True, 1)
        assert list(house(world, A).database.read("SELECT * FROM group_public, mls_group, group_record")) == before
        sent = choir.band.words(epoch=1)
        sent.message = bent(unseen)
        assert code(await choir.band.ask(choir.seats["bob"], send=sent)) == "group.invalid_proposal"
        assert code(await choir.commit("alice", choir.bundle("alice", good))) == "stored"
        late = (await choir.commit("bob", choir.bundle("bob", bob.group.commit(now=NOW, wire="public")))).refused
        assert (late.code, late.epoch, len(late.entries.entries)) == ("group.wrong_epoch", 2, 2)


async def test_what_a_hub_follows_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with region(tmp_path) as world:
        choir = await Choir.found(world)
        await choir.add("alice", "bob")
        kept = house(world, A).database.read("SELECT state FROM group_public")
        monkeypatch.setattr(assisted, "MAX_STATE", len(kept[0][0]) + 100)
        sent = choir.band.words(epoch=1)
        sent.message = choir.people["bob"].group.propose_update(now=NOW, wire="public")
        assert code(await choir.band.ask(choir.seats["bob"], send=sent)) == "group.full"
        assert house(world, A).database.read("SELECT state FROM group_public") == kept
        sent.message = choir.people["bob"].group.propose_remove(0, now=NOW, wire="public")
        assert code(await choir.band.ask(choir.seats["bob"], send=sent)) == "stored"


async def test_somebody_joins_by_a_link_from_what_the_hub_hands_out(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        choir = await Choir.found(world, join_key=b"k" * 32)
        record = GroupRecord.FromString((await choir.band.info()).piece)
        dave, seat = Person("dave"), choir.band.seat(C)
        staged = dave.external_join(record.group_info, ratchet_tree=record.tree)
        bundle = GroupBundle(
            epoch=0, commit=staged.commit, sealed=b"sealed", group_info=staged.group_info, own=seat.place, join_hash=choir.band.join_hash
        )
        reply = await choir.band.send_request(C, GroupRequest(join_key=b"x" * 32, commit=bundle))
        assert code(reply) == "group.unknown"
        reply = await choir.band.send_request(C, GroupRequest(join_key=b"k" * 32, commit=bundle))
        assert reply.stored.epoch == 1
        dave.group.merge(staged, now=NOW)
        deliver_to = choir.people["alice"].group
        deliver_to.merge(deliver_to.process(staged.commit, now=NOW).commit, now=NOW)
        assert (await choir.record()).tree == dave.group.ratchet_tree()
        assert len((await choir.band.log(seat)).entries) == 1


async def test_a_fallback_follows_the_group_that_it_takes_over(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        choir = await Choir.found(world, fallbacks=(B,))
        await choir.add("alice", "bob")
        band = choir.band
        band.seats, band.epoch = list(choir.seats.values()), 1
        await until(lambda: house(world, B).database.first("SELECT 1 FROM group_standby"))
        await world.houses[A].stop()
        world.clock.advance(700)
        info = choir.people["alice"].group.group_info()
        assert code(await band.show(B, band.take_over(B, mode=ASSISTED, seq=1))) == "group.invalid_commit"
        assert code(await band.show(B, band.take_over(B, mode=ASSISTED, seq=1, group_info=info))) == "done"
        band.hub, band.term = B, 1
        staged = choir.people["bob"].group.commit(now=NOW, wire="public")
        assert (await choir.commit("bob", choir.bundle("bob", staged))).stored.seq == 2
