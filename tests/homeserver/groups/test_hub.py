"""The hub of a blind group: one winner for each epoch, one log without gaps, the same answer to the same commit (groups §5, §9.7)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from connexa.crypto import sha256
from connexa.errors import RefusedError
from connexa.homeserver.groups import ledger
from connexa.identity import Domain
from connexa.mls.registry import ContentType
from connexa.testing import SeededRandom
from connexa.wire.v1.groups_pb2 import GroupEntryKind as K
from connexa.wire.v1.groups_pb2 import GroupInfoPiece, GroupNews, GroupReply, GroupRequest

from .kit import DAY, A, B, Band, C, house, region, sealed_message, until


def refused(reply: GroupReply) -> str:
    assert reply.WhichOneof("reply") == "refused", reply
    return reply.refused.code


async def test_of_two_bundles_for_one_epoch_exactly_one_wins_and_the_loser_gets_what_it_missed(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        begun = await band.commit(add=[bob, carol])
        said = await band.say(bob)
        bundles = [band.bundle(after=begun) for _ in range(2)]
        replies = await asyncio.gather(band.ask(bob, commit=bundles[0]), band.ask(carol, commit=bundles[1]))
        won = [reply.stored for reply in replies if reply.WhichOneof("reply") == "stored"]
        lost = [reply.refused for reply in replies if reply.WhichOneof("reply") == "refused"]
        assert [(one.seq, one.epoch) for one in won] == [(said + 1, 2)]
        assert [(one.code, one.epoch) for one in lost] == [("group.wrong_epoch", 2)]
        assert lost[0].retryable
        assert [entry.seq for entry in lost[0].entries.entries] == [said, said + 1]
        winner = bundles[0] if replies[0].WhichOneof("reply") == "stored" else bundles[1]
        assert lost[0].entries.entries[1].message == winner.commit
        # The loser takes the winner's commit, makes its own anew, and is next.
        band.epoch = 2
        again = await band.ask(carol, commit=band.bundle(after=won[0].seq))
        assert (again.stored.seq, again.stored.epoch) == (said + 2, 3)


async def test_many_at_once_leave_a_log_without_gaps_in_one_order_for_all(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        await band.commit(add=[bob, carol])
        seats = [band.seats[0], bob, carol]
        said = [band.ask(seats[n % 3], send=band.words()) for n in range(40)]
        await asyncio.gather(*said, *(band.ask(seat, commit=band.bundle()) for seat in seats))
        logs = [await band.log(seat) for seat in seats]
        assert [entry.seq for entry in logs[0].entries] == list(range(1, 43))
        assert logs[0].entries == logs[1].entries == logs[2].entries
        assert [entry.kind for entry in logs[0].entries].count(K.GROUP_ENTRY_COMMIT) == 2


async def test_the_same_commit_and_the_same_message_again_have_the_same_answer(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        bundle, words = band.bundle(add=[bob]), band.words(epoch=1)
        first = await band.ask(band.seats[0], commit=bundle)
        band.epoch = 1
        said = await band.ask(band.seats[0], send=words)
        await band.commit()
        assert await band.ask(band.seats[0], commit=bundle) == first
        assert (await band.ask(band.seats[0], send=words)).stored.seq == said.stored.seq == 2
        assert [entry.seq for entry in (await band.log()).entries] == [1, 2, 3]
        await until(lambda: house(world, B).database.first("SELECT 1 FROM group_news") is None)
        assert (await band.ask(band.seats[0], create=band.creation(band.seats[0]))).refused.code == "group.exists"


async def test_a_hub_that_dies_between_commit_and_answer_has_lost_nothing(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        bundle = band.bundle(add=[bob])
        hub = house(world, A)
        original = hub.writer.run

        async def run_and_die(operation):
            await original(operation)
            raise asyncio.CancelledError

        hub.writer.run = run_and_die  # type: ignore[method-assign]  # committed, and nobody is told
        with pytest.raises(asyncio.CancelledError):
            await band.ask(band.seats[0], commit=bundle)
        await world.houses[A].stop()
        await world.houses[A].start()
        assert house(world, B).database.first("SELECT 1 FROM welcome") is None
        again = await band.ask(band.seats[0], commit=bundle)
        assert (again.stored.seq, again.stored.epoch) == (1, 1)
        assert len((await band.log(bob)).entries) == 1


async def test_a_commit_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        read = house(world, A).database.read
        tables = ("mls_group", "group_member", "group_entry", "group_record", "group_news")
        before = [list(read(f"SELECT * FROM {table}")) for table in tables]
        bad = band.bundle(add=[bob])
        bad.adds[0].ref = b"of nobody"
        wrong_kind = band.bundle(commit=sealed_message(band.rng, band.id, 0, ContentType.APPLICATION))
        wrong_group = band.bundle(commit=sealed_message(band.rng, b"g" * 32, 0, ContentType.COMMIT))
        wrong_epoch = band.bundle(commit=sealed_message(band.rng, band.id, 7, ContentType.COMMIT))
        cases = {
            "mls.v19": bad,
            "group.invalid_commit": wrong_kind,
            "mls.malformed": band.bundle(commit=b"\0\1\0\2nothing"),
            "frame.malformed": band.bundle(sealed=b""),
            "group.too_large": band.bundle(sealed=bytes(140_000)),
            "group.not_allowed": band.bundle(own=bob.place),
        }
        for code, bundle in cases.items():
            assert refused(await band.ask(band.seats[0], commit=bundle)) == code
        for bundle in (wrong_group, wrong_epoch):
            assert refused(await band.ask(band.seats[0], commit=bundle)) == "group.invalid_commit"
        assert refused(await band.ask(bob, commit=band.bundle())) == "group.unknown"
        assert [list(read(f"SELECT * FROM {table}")) for table in tables] == before


async def test_a_token_opens_nothing_through_another_homeserver_or_after_a_removal(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        await band.commit(add=[bob, carol])
        stolen = GroupRequest(token=bob.token, send=band.words())
        assert refused(await band.send_request(C, stolen)) == "group.unknown"
        await band.commit(remove=[bob])
        for request in ({"send": band.words()}, {"commit": band.bundle()}):
            assert refused(await band.ask(bob, **request)) == "group.unknown"
        assert (await band.info(bob)).code == "group.unknown"
        await band.ask(carol, send=band.words())
        await band.commit(carol)
        ended = await band.log(bob)  # up to its own removal, which it learns so, and nothing of what is later
        assert ([entry.seq for entry in ended.entries], ended.newest, ended.epoch) == ([1, 2], 2, 2)
        assert len((await band.log(carol)).entries) == 4


async def test_messages_of_the_epoch_before_are_taken_for_two_minutes_and_proposals_never(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        await band.commit()
        await band.commit()
        assert refused(await band.ask(band.seats[0], send=band.words(epoch=0))) == "group.epoch_too_old"
        assert (await band.ask(band.seats[0], send=band.words(epoch=1))).stored.seq == 3
        proposal = band.words(epoch=1, kind=ContentType.PROPOSAL)
        assert refused(await band.ask(band.seats[0], send=proposal)) == "group.epoch_too_old"
        assert (await band.ask(band.seats[0], send=band.words(kind=ContentType.PROPOSAL))).stored.seq == 4
        world.clock.advance(121)
        late = await band.ask(band.seats[0], send=band.words(epoch=1))
        assert (refused(late), late.refused.epoch) == ("group.epoch_too_old", 2)
        assert refused(await band.ask(band.seats[0], send=band.words(kind=ContentType.COMMIT))) == "group.invalid_message"


async def test_a_member_takes_another_alias_and_token_with_its_own_commit(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        await band.commit(add=[bob])
        renewed = band.seat(B)
        await band.commit(bob, own=renewed.place)
        assert (await band.log(bob)).code == "group.unknown"
        assert len((await band.log(renewed)).entries) == 2
        members = house(world, A).database.read("SELECT alias FROM group_member ORDER BY alias")
        assert [row[0] for row in members] == sorted([band.seats[0].alias, renewed.alias])


async def test_a_follower_that_lost_every_push_reads_the_log_in_pages(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        begun = await band.commit(add=[bob])
        for _ in range(30):
            await band.ask(band.seats[0], send=band.words(size=20_000))
        entries, after = [], begun
        while (page := await band.log(bob, after=after, limit=10)).entries:
            assert sum(len(entry.message) for entry in page.entries) <= 165_000
            entries += page.entries
            after = entries[-1].seq
        assert [entry.seq for entry in entries] == list(range(2, 32))
        assert (page.newest, page.oldest, page.epoch) == (31, 1, 1)


async def test_old_entries_go_and_a_follower_sees_that_they_are_gone(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        await band.say()
        world.clock.advance(31 * DAY)
        await band.say()
        await house(world, A).upkeep.sweep(world.clock())
        page = await band.log()
        assert ([entry.seq for entry in page.entries], page.oldest, page.newest) == ([2], 2, 2)


async def test_what_joiners_are_given_comes_in_pieces_of_one_epoch(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        await band.commit(sealed=b"s" * 100_000)
        piece = await band.info()
        assert (piece.epoch, piece.seq, piece.total, len(piece.piece)) == (1, 1, 100_004, 100_004)
        assert (await band.info(offset=100_000, epoch=1)).piece == b"ssss"
        await band.commit()
        assert (await band.info(offset=100_000, epoch=1)).code == "group.wrong_epoch"


async def test_the_last_to_leave_takes_the_group_along(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        await band.commit(add=[bob])
        assert (await band.leave(bob)).HasField("done")
        assert (await band.log(bob)).code == "group.unknown"
        assert (await band.leave(band.seats[0])).HasField("done")
        read = house(world, A).database.read
        assert [list(read(f"SELECT 1 FROM {table}")) for table in ("mls_group", "group_entry", "group_record", "group_load")] == [[]] * 4


async def test_who_was_removed_reads_up_to_there_even_when_the_others_are_gone(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        await band.commit(add=[bob, carol])
        await band.say()
        await band.commit(remove=[bob])
        await band.leave(carol)
        await band.leave(band.seats[0])
        assert [entry.seq for entry in (await band.log(bob)).entries] == [1, 2, 3]
        assert (await band.log()).code == "group.unknown"
        world.clock.advance(31 * DAY)
        await house(world, A).upkeep.sweep(world.clock())
        for table in ("mls_group", "group_member", "group_entry", "group_record"):
            assert house(world, A).database.first(f"SELECT 1 FROM {table}") is None


async def test_a_long_log_goes_a_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "ENTRIES_AT_ONCE", 5)
    async with region(tmp_path) as world:
        band = await Band.found(world)
        for _ in range(12):
            await band.say()
        await band.leave(band.seats[0])
        read = house(world, A).database.read
        assert len(read("SELECT 1 FROM group_entry")) == 7
        assert (await band.log()).code == "group.unknown"
        assert refused(await band.ask(band.seats[0], create=band.creation(band.seats[0]))) == "group.exists"
        await house(world, A).upkeep.sweep(world.clock())
        for table in ("group_entry", "group_gone", "group_load"):
            assert not read(f"SELECT 1 FROM {table}")
        assert (await band.ask(band.seats[0], create=band.creation(band.seats[0]))).HasField("stored")


async def test_a_group_takes_so_many_new_devices_in_a_day(tmp_path: Path) -> None:
    async with region(tmp_path, group_adds_per_day=3) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        await band.commit(add=[bob, carol])
        await band.commit(remove=[carol])
        assert refused(await band.ask(bob, commit=band.bundle(add=[band.seat(C), band.seat(C)]))) == "rate.limited"
        await band.commit(add=[band.seat(C)])
        assert refused(await band.ask(bob, commit=band.bundle(add=[band.seat(C)]))) == "rate.limited"
        await band.commit()


async def test_of_those_who_were_removed_the_newest_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "MAX_GONE", 2)
    async with region(tmp_path) as world:
        band = await Band.found(world)
        gone = [band.seat(B) for _ in range(4)]
        await band.commit(add=list(gone))
        for seat in gone:
            await band.commit(remove=[seat])
        assert [(await band.log(seat)).DESCRIPTOR.name for seat in gone] == ["GroupRefused"] * 2 + ["GroupPage"] * 2


async def test_nobody_takes_anothers_place_and_who_commits_keeps_one(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        founder, bob, carol = band.seats[0], band.seat(B), band.seat(C)
        await band.commit(add=[bob, carol])
        before = house(world, A).database.read("SELECT * FROM group_member")
        for thief in (replace(band.seat(B), alias=founder.alias), replace(band.seat(B), token=carol.token)):
            assert refused(await band.ask(bob, commit=band.bundle(own=thief.place))) == "group.not_allowed"
            assert refused(await band.ask(bob, commit=band.bundle(add=[thief]))) == "group.not_allowed"
        assert refused(await band.ask(bob, commit=band.bundle(remove=[founder, bob, carol]))) == "group.not_allowed"
        assert house(world, A).database.read("SELECT * FROM group_member") == before
        # A device that is taken out and comes in again may do so by the same alias.
        back = replace(band.seat(C), alias=carol.alias)
        await band.commit(bob, add=[back], remove=[carol])
        assert (await band.log(carol)).code == "group.unknown"
        assert len((await band.log(back)).entries) == 2


async def test_numbers_at_their_limits_are_refused(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        most = 2**63 - 1
        assert (await band.info(offset=most)).code == "frame.malformed"
        assert not (await band.log(after=most)).entries
        assert refused(await band.ask(band.seats[0], commit=band.bundle(epoch=most))) == "frame.malformed"
        assert refused(await band.ask(band.seats[0], send=band.words(epoch=most))) == "group.epoch_too_old"
        band.term = most
        assert (await band.log()).code == "group.wrong_term"


async def test_limits_refuse_with_codes(tmp_path: Path) -> None:
    async with region(tmp_path, blind_group_members=2, group_bytes=3_000, groups_per_day=1) as world:
        band = await Band.found(world)
        await band.commit(add=[band.seat(B)])
        assert refused(await band.ask(band.seats[0], commit=band.bundle(add=[band.seat(C)]))) == "group.full"
        assert refused(await band.ask(band.seats[0], send=band.words(size=3_000))) == "group.full"
        assert refused(await band.ask(band.seats[0], send=band.words(size=70_000))) == "group.too_large"
        other = Band(world, A, band.rng(32), band.rng, admins=band.admins)
        assert refused(await other.ask(band.seats[0], create=other.creation(band.seats[0]))) == "rate.limited"
        away = Band(world, A, band.rng(32), band.rng, admins=band.admins)
        assert refused(await away.ask(away.seat(B), create=away.creation(away.seat(B)))) == "group.not_allowed"


async def test_a_group_that_is_larger_than_its_hub_allows_goes_on_and_shrinks(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        await band.commit(add=[bob, carol])
        settings = world.houses[A].settings
        limits = msgspec.structs.replace(settings.limits, blind_group_members=2)
        world.houses[A].settings = msgspec.structs.replace(settings, limits=limits)
        await world.houses[A].stop()
        await world.houses[A].start()
        await band.commit()
        assert refused(await band.ask(bob, commit=band.bundle(add=[band.seat(B)]))) == "group.full"
        await band.commit(add=[band.seat(B)], remove=[carol])
        await band.commit(remove=[bob])


async def test_the_logs_of_all_groups_are_bounded_and_room_comes_back(tmp_path: Path) -> None:
    async with region(tmp_path, groups_bytes=3_000) as world:
        one, other = await Band.found(world), await Band.found(world, seed="other")
        for _ in range(2):
            assert (await one.ask(one.seats[0], send=one.words(size=1_000))).HasField("stored")
        assert refused(await other.ask(other.seats[0], send=other.words(size=1_000))) == "group.full"
        await one.leave(one.seats[0])
        assert (await other.ask(other.seats[0], send=other.words(size=1_000))).HasField("stored")


async def test_what_joiners_are_given_counts_as_what_groups_hold(tmp_path: Path) -> None:
    async with region(tmp_path, groups_bytes=250_000) as world:
        one, other = await Band.found(world), Band(world, A, bytes(32), SeededRandom("other"))
        await one.commit(sealed=bytes(100_000))
        await one.commit(sealed=bytes(120_000))  # instead of the one before
        other.admins = one.admins
        founder = other.seat(A)
        creation = other.creation(founder)
        creation.first.sealed = bytes(130_000)
        assert refused(await other.ask(founder, create=creation)) == "group.full"
        await one.commit(sealed=bytes(10))
        assert (await other.ask(founder, create=creation)).HasField("stored")
        for band, seat in ((one, one.seats[0]), (other, founder)):
            await band.leave(seat)
        assert house(world, A).database.read("SELECT * FROM group_load") == []


async def test_an_answer_of_another_hub_that_fits_no_frame_reaches_no_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        await band.commit(add=[bob])
        huge = GroupReply(info=GroupInfoPiece(piece=bytes(262_000)))

        async def group_from(domain: Domain, request: GroupRequest) -> GroupReply:
            return huge

        monkeypatch.setattr(house(world, A), "group_from", group_from)
        assert (await band.info(bob)).code == "frame.malformed"


async def test_places_that_nobody_has_make_no_room(tmp_path: Path) -> None:
    async with region(tmp_path, blind_group_members=2) as world:
        band = await Band.found(world)
        bundle = band.bundle(add=[band.seat(B), band.seat(C)])
        bundle.removes.extend(band.rng(32) for _ in range(5))
        assert refused(await band.ask(band.seats[0], commit=bundle)) == "group.full"


async def test_nothing_is_taken_from_or_sent_to_a_blocked_domain(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        await band.commit(add=[bob])
        await until(lambda: house(world, A).database.first("SELECT 1 FROM group_news") is None)
        for domain, other in ((A, B), (B, A)):
            settings = world.houses[domain].settings
            world.houses[domain].settings = msgspec.structs.replace(settings, blocked_domains=(other,))
            await world.houses[domain].stop()
            await world.houses[domain].start()
        request = GroupRequest(group=band.id, token=bob.token, send=band.words())
        assert refused(await house(world, A).group_from(B, request)) == "domain.blocked"
        assert refused(await band.ask(bob, send=band.words())) == "domain.blocked"
        with pytest.raises(RefusedError):
            await house(world, B).news_from(A, GroupNews())
        await band.commit(add=[band.seat(B)])
        await until(lambda: house(world, A).database.first("SELECT 1 FROM group_news") is None)


async def test_a_member_may_not_ask_without_end_and_holds_nobody_else_up(tmp_path: Path) -> None:
    async with region(tmp_path, group_requests_per_second=1, group_requests_burst=5) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        await band.commit(add=[bob])
        codes = [(await band.log()).DESCRIPTOR.name for _ in range(8)]
        assert codes[0] == "GroupPage"
        assert codes[-1] == "GroupRefused"
        assert (await band.log(bob)).DESCRIPTOR.name == "GroupPage"


async def test_a_blind_hubs_database_names_nobody(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        await band.commit(add=[bob])
        await band.say(bob)
        columns = {
            row[0]: [column[1] for column in house(world, A).database.read(f"PRAGMA table_info({row[0]})")]
            for row in house(world, A).database.read("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '*group*'")
        }
        assert columns["group_member"] == ["mls", "alias", "domain", "token_hash", "until", "gone"]
        everything = b"".join(
            cell if isinstance(cell, bytes) else str(cell).encode()
            for table in columns
            for row in house(world, A).database.read(f"SELECT * FROM {table}")
            for cell in row
        )
        assert bob.alias in everything
        assert sha256(bob.token) in everything
        assert bob.token not in everything
