"""A fallback takes a silent hub's place; the old hub is fenced, and everybody is told where the group is (groups §5.12)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connexa.crypto import Ed25519Secret
from connexa.errors import ConnexaError
from connexa.identity import Domain, GroupAdmins, issue_admins, issue_heartbeat, read_take_over, sign_take_over, verify_take_over
from connexa.testing import World
from connexa.wire.v1.groups_pb2 import (
    AdminSignature,
    GroupLog,
    GroupNews,
    GroupReply,
    GroupRequest,
    GroupStandby,
    GroupTakeOver,
    SignedAdmins,
)

from .kit import DAY, A, B, Band, C, house, region, until


def code(reply: GroupReply) -> str:
    return reply.refused.code if reply.WhichOneof("reply") == "refused" else reply.WhichOneof("reply") or ""


async def trio(world: World, *, admins: int = 3) -> Band:
    """A group at a.example with a member at each homeserver, b and c being its fallbacks and knowing it."""
    band = await Band.found(world, fallbacks=(B, C), admins=admins)
    await band.commit(add=[band.seat(B), band.seat(C)])
    await until(lambda: all(house(world, fallback).database.first("SELECT 1 FROM group_standby") for fallback in (B, C)))
    return band


async def test_a_fallback_takes_over_after_the_silence_with_half_of_the_admins(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        said = await band.say()
        await world.houses[A].stop()
        record = band.take_over(B, signers=2, seq=said)
        early = (await band.show(B, record)).offered
        assert (early.signed, early.needed) == (2, 2) and 500 < early.wait <= 600
        world.clock.advance(700)
        second = (await band.show(C, band.take_over(C, signers=2, seq=said))).offered  # the second waits longer
        assert 400 < second.wait <= 600
        assert code(await band.show(B, band.take_over(B, signers=2, seq=said, term=2))) == "group.wrong_term"
        assert code(await band.show(B, record)) == "done"
        assert code(await band.show(B, record)) == "done"  # the answer was lost
        # Members find it there, with the proof, and go on from the same place in the log.
        moved = await band.send_request(C, GroupRequest(token=band.seats[2].token, commit=band.bundle()), B)
        assert (moved.refused.code, moved.refused.hub, moved.refused.term) == ("group.moved", B, 1)
        verify_take_over(moved.refused.moved, band.admin_set())
        band.hub, band.term = B, 1
        assert await band.commit(band.seats[2]) == said + 1
        assert (await band.info(band.seats[1])).term == 1
        # The other fallback stands by for the new hub now.
        await until(lambda: house(world, C).database.read("SELECT hub, term FROM group_standby") == [(B, 1)])


async def test_the_old_hub_is_fenced_as_soon_as_it_is_back(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        await world.houses[A].stop()
        world.clock.advance(700)
        assert code(await band.show(B, band.take_over(B, seq=1))) == "done"
        await world.houses[A].start()
        late = await band.ask(band.seats[0], commit=band.bundle())  # before it has heard: this branch is void
        assert late.stored.epoch == 2
        house(world, B).heard_from(A)
        await until(lambda: house(world, A).database.first("SELECT 1 FROM mls_group WHERE moved != x''"))
        for request in ({"commit": band.bundle()}, {"send": band.words()}):
            answer = await band.ask(band.seats[0], **request)
            assert (answer.refused.code, answer.refused.hub, answer.refused.term) == ("group.moved", B, 1)
        assert (await band.log()).code == "group.moved"
        assert house(world, A).database.first("SELECT 1 FROM group_entry") is None
        # Whoever shows the new hub a commit of the old branch's term is told as well.
        assert code(await band.ask(band.seats[0], hub=B, commit=band.bundle())) == "group.moved"
        band.hub, band.term = B, 1
        assert (await band.ask(band.seats[0], commit=band.bundle())).stored.epoch == 2


async def test_a_member_may_bring_the_record_to_the_old_hub_itself(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        record = GroupTakeOver(body=(full := band.take_over(B)).body, signatures=full.signatures)
        forged = GroupTakeOver(body=full.body, signatures=list(full.signatures)[:1])
        assert code(await band.show(A, forged, through=A)) == "group.bad_take_over"
        assert code(await band.show(A, record, through=A)) == "done"
        assert (await band.log()).code == "group.moved"
        other = GroupTakeOver(body=band.take_over(C, tag=b"\xff" * 32).body)
        assert read_take_over(other).term == 1
        assert code(await band.show(A, other, through=A)) == "group.bad_take_over"
        assert (await band.log()).hub == B


BRANCHES = [((5, 4), (b"\xff", b"\0"), B), ((4, 4), (b"\0", b"\xff"), B), ((4, 5), (b"\0", b"\0"), C)]


@pytest.mark.parametrize(("epochs", "tags", "winner"), BRANCHES)
async def test_of_two_branches_of_one_term_the_longer_wins_and_then_the_smaller_tag(
    tmp_path: Path, epochs: tuple[int, int], tags: tuple[bytes, bytes], winner: str
) -> None:
    for order in ((0, 1), (1, 0)):
        async with region(tmp_path / str(order)) as world:
            band = await trio(world)
            made = [band.take_over(hub, epoch=epochs[n], tag=tags[n] * 32) for n, hub in enumerate((B, C))]
            records = [GroupTakeOver(body=one.body, signatures=one.signatures) for one in made]
            for number in order:
                assert code(await band.show(A, records[number], through=A)) == "done"
            assert (await band.log()).hub == winner


async def test_heartbeats_of_the_hub_hold_a_take_over_back(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        for _ in range(3):
            world.clock.advance(590)
            house(world, A).groups.tick()
            await until(lambda: (house(world, B).database.first("SELECT at FROM hub_seen") or (0,))[0] >= int(world.clock()) - 60)
        assert (await band.show(B, band.take_over(B))).offered.wait > 0
        # A heartbeat counts only under the hub's key, for this fallback, and for its own domain.
        before = house(world, B).database.read("SELECT * FROM hub_seen")
        world.clock.advance(700)
        now, key = world.clock(), house(world, A).domain_key
        for bad in (
            issue_heartbeat(A, B, now, Ed25519Secret.from_seed(bytes(32)), band.rng),
            issue_heartbeat(A, C, now, key, band.rng),
            issue_heartbeat(A, B, now + 7_200, key, band.rng),
        ):
            await house(world, B).news_from(A, GroupNews(heartbeat=bad))
        assert house(world, B).database.read("SELECT * FROM hub_seen") == before


async def test_only_the_hub_it_was_enrolled_by_may_change_who_is_admin_and_only_by_their_own_hand(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        stranger = Ed25519Secret.generate(band.rng)
        usurped = issue_admins(GroupAdmins(band.id, 2, (stranger.public.raw,), (B,)), stranger)
        refused = await band.ask(band.seats[0], commit=band.bundle(admins=usurped))
        assert code(refused) == "group.bad_admins"
        next_set = issue_admins(GroupAdmins(band.id, 2, (stranger.public.raw,), (B,)), band.admins[1])
        await band.commit(admins=next_set)
        stored = "SELECT admins FROM group_standby"
        await until(lambda: [SignedAdmins.FromString(row[0]) for row in house(world, B).database.read(stored)] == [next_set])
        await until(lambda: house(world, C).database.first(stored) is None)  # no fallback any more
        await world.houses[A].stop()
        world.clock.advance(700)
        assert code(await band.show(B, band.take_over(B))) == "group.bad_take_over"
        band.admins = [stranger]
        assert code(await band.show(B, band.take_over(B, seq=2))) == "done"


async def test_records_that_are_malformed_or_tampered_with_are_refused(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        await world.houses[A].stop()
        world.clock.advance(700)
        good = band.take_over(B)
        other_state = GroupTakeOver(body=good.body, signatures=good.signatures, state=good.state + good.state, sealed=good.sealed)
        no_state = GroupTakeOver(body=good.body, signatures=good.signatures, sealed=good.sealed)
        unsealed = GroupTakeOver(body=good.body, signatures=good.signatures, state=good.state)
        nobody = GroupTakeOver(body=good.body, state=good.state, sealed=good.sealed)
        twice = GroupTakeOver(body=good.body, signatures=[good.signatures[0]] * 3, state=good.state, sealed=good.sealed)
        assert (await band.show(B, twice)).offered.signed == 1
        cases = {
            "group.bad_take_over": [other_state, nobody],
            "frame.malformed": [
                no_state,
                unsealed,
                GroupTakeOver(body=b"x"),
                band.take_over(B, old_hub=B),
                band.take_over(B, group=b"g"),
                band.take_over(B, epoch=2**62),
            ],
            "group.unknown": [],
        }
        for expected, records in cases.items():
            for record in records:
                assert code(await band.show(B, record)) == expected
        elsewhere = Band(world, A, band.rng(32), band.rng, admins=band.admins, seats=band.seats)
        assert code(await elsewhere.show(B, elsewhere.take_over(B))) == "group.unknown"
        assert house(world, B).database.first("SELECT 1 FROM mls_group") is None
        assert code(await band.show(B, good)) == "done"


async def test_take_overs_at_once_make_one_group(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        await world.houses[A].stop()
        world.clock.advance(1_300)
        record, rival = band.take_over(B), band.take_over(B, epoch=2)
        answers = await asyncio.gather(band.show(B, record), band.show(B, rival))
        assert sorted(map(code, answers)) == ["done", "group.moved"]


def part(record: GroupTakeOver, *numbers: int) -> GroupTakeOver:
    """What some of the admins bring of it."""
    return GroupTakeOver(body=record.body, signatures=[record.signatures[n] for n in numbers], state=record.state, sealed=record.sealed)


async def test_admins_bring_their_signatures_one_by_one(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        await world.houses[A].stop()
        record = band.take_over(B, seq=1)
        early = (await band.show(B, part(record, 2))).offered
        assert (early.signed, early.needed, early.wait > 0) == (1, 2, True)
        world.clock.advance(3_700)
        assert (
            await band.show(B, part(record, 0, 1, 2))
        ).offered.signed == 0  # what was signed an hour ago counts no more, whoever brings it
        again, other = band.take_over(B, seq=1), band.take_over(B, seq=1, epoch=9)
        assert (await band.show(B, part(again, 0))).offered.signed == 1
        assert (await band.show(B, part(other, 1))).offered.signed == 1  # another epoch: those two do not add up
        assert (await band.show(B, part(record, 2))).offered.signed == 1
        ahead = GroupTakeOver.FromString(again.SerializeToString())
        ahead.signatures[2].CopyFrom(sign_take_over(ahead.body, band.admins[2], world.clock() + 3_600))
        assert (await band.show(B, part(ahead, 2))).offered.signed == 1
        moved_on = GroupTakeOver.FromString(again.SerializeToString())
        moved_on.signatures[2].at -= 60  # another time than was signed
        assert code(await band.show(B, part(moved_on, 2))) == "group.bad_take_over"
        assert code(await band.show(B, part(again, 2))) == "done"
        assert code(await band.show(B, part(record, 1))) == "done"  # and who comes late hears the same
        verify_take_over((await band.ask(band.seats[1], hub=B, log=GroupLog())).refused.moved, band.admin_set())
        assert house(world, B).database.first("SELECT 1 FROM group_offer") is None


async def test_a_move_that_the_admins_plan_waits_for_nobody(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        assert code(await band.show(B, band.take_over(B, signers=2, planned=True))) == "done"
        await until(lambda: house(world, A).database.first("SELECT 1 FROM mls_group WHERE moved != x''"))
        assert (await band.log()).hub == B


async def squat(world: World, band: Band, at: str, by: str = C) -> None:
    """A domain that has heard the group's id says that it is the hub, and names its own admin."""
    own = Ed25519Secret.generate(band.rng)
    admins = issue_admins(GroupAdmins(band.id, 1, (own.public.raw,), (Domain(at),)), own)
    await house(world, at).news_from(Domain(by), GroupNews(standbys=[GroupStandby(group=band.id, admins=admins)]))


async def test_no_other_domain_keeps_a_hub_from_being_fenced_or_a_fallback_from_its_place(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world, fallbacks=(B,))
        await squat(world, band, A)
        assert house(world, A).database.first("SELECT 1 FROM group_standby") is None  # a hub stands by for none of its own
        await until(lambda: house(world, B).database.first("SELECT 1 FROM group_standby"))
        other = Band(world, A, band.rng(32), band.rng, fallbacks=(B,), admins=band.admins)
        await squat(world, other, B)
        founder = other.seat(A)
        assert code(await other.ask(founder, create=other.creation(founder))) == "stored"
        other.seats.append(founder)
        stored = "SELECT hub FROM group_standby WHERE mls = ? ORDER BY hub"
        await until(lambda: house(world, B).database.read(stored, (other.id,)) == [(A,), (C,)])
        record = GroupTakeOver(body=(full := band.take_over(B)).body, signatures=full.signatures)
        assert code(await band.show(A, record, through=A)) == "done"
        assert (await band.log()).code == "group.moved"
        await world.houses[A].stop()
        world.clock.advance(700)
        assert code(await other.show(B, other.take_over(B))) == "done"


async def test_what_is_put_beside_the_signatures_of_a_record_is_not_kept(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        full = band.take_over(B)
        junk = [AdminSignature(key=bytes([n]) * 32, signature=bytes(3_000)) for n in range(60)]
        swollen = GroupTakeOver(body=full.body, signatures=[*junk, *full.signatures, full.signatures[0]], state=full.state, sealed=b"s")
        assert code(await band.show(A, swollen, through=A)) == "done"
        shown = (await band.log()).moved
        assert verify_take_over(shown, band.admin_set())
        assert shown.ByteSize() < len(full.body) + 3 * 110
        world.clock.advance(700)
        assert code(await band.show(B, swollen)) == "done"
        assert code(await band.show(B, full)) == "done"  # the same record by other hands
        kept = house(world, B).database.read("SELECT took FROM mls_group")
        assert GroupTakeOver.FromString(kept[0][0]) == shown


async def test_admins_that_skip_a_version_or_sign_nothing_are_refused(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        for version in (1, 3):
            changed = GroupAdmins(band.id, version, (band.admins[0].public.raw,), (B, C))
            assert (
                code(await band.ask(band.seats[0], commit=band.bundle(admins=issue_admins(changed, band.admins[0])))) == "group.bad_admins"
            )
        # The set that is there already is no change, whoever is said to have signed it.
        unsigned = SignedAdmins(body=issue_admins(band.admin_set(), band.admins[0]).body, signature=bytes(100_000))
        await band.commit(admins=unsigned)
        assert [len(row[0]) < 1_000 for row in house(world, A).database.read("SELECT admins FROM mls_group")] == [True]
        there = house(world, B)
        before = there.database.read("SELECT * FROM group_standby")
        elsewhere = GroupAdmins(bytes(32), 7, (band.admins[0].public.raw,), (B,))
        forged = SignedAdmins(body=issue_admins(elsewhere, band.admins[0]).body, key=band.admins[0].public.raw, signature=bytes(64))
        await there.news_from(A, GroupNews(standbys=[GroupStandby(group=bytes(32), admins=forged)]))
        assert there.database.read("SELECT * FROM group_standby") == before


async def test_nobody_stands_by_for_a_group_that_is_no_more(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await trio(world)
        await squat(world, band, B)  # what another domain says ends with that domain's word alone
        for seat in reversed(band.seats):
            await band.leave(seat)
        world.clock.advance(61)
        house(world, A).groups.tick()
        for domain, left in ((B, [(C,)]), (C, [])):
            await until(lambda: house(world, domain).database.read("SELECT hub FROM group_standby") == left)  # noqa: B023 - run at once


async def test_a_fallback_forgets_the_groups_of_a_hub_that_is_silent_for_months(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        await trio(world)
        there = house(world, B)
        await world.houses[A].stop()
        for days, left in ((80, 1), (11, 0)):
            world.clock.advance(days * DAY)
            await there.upkeep.sweep(world.clock())
            assert len(there.database.read("SELECT 1 FROM group_standby")) == left
        assert there.database.first("SELECT 1 FROM hub_seen") is None


def test_a_take_over_needs_half_of_the_admins_rounded_up() -> None:
    needed = [GroupAdmins(b"g", 1, (b"",) * count, ()).needed for count in (1, 2, 3, 4, 5)]
    assert needed == [1, 1, 2, 2, 3]


def test_no_record_is_read_without_a_hub() -> None:
    with pytest.raises(ConnexaError, match="take-over"):
        read_take_over(GroupTakeOver())
