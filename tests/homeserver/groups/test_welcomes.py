"""Welcomes and hints: over links and federation, kept until the device has joined (groups §5.4, §5.8, I88)."""

from __future__ import annotations

from pathlib import Path

import pytest

from connexa.crypto import Ed25519Secret, sha256
from connexa.errors import RefusedError
from connexa.homeserver import Homeserver
from connexa.homeserver.groups.aliases import put_alias
from connexa.identity import DeviceId, Domain
from connexa.wire.v1.groups_pb2 import (
    GetWelcomes,
    GroupCall,
    GroupHint,
    GroupLog,
    GroupNews,
    GroupRequest,
    GroupStandby,
    GroupWelcome,
    PutAliases,
    WelcomesDone,
)
from tests.homeserver.village import DOMAIN, settings_with, village

from .kit import DAY, A, B, Band, C, house, region, sealed_welcome, until

HUB = Domain("a.example")
SMALL = 200


async def know_alias(server: Homeserver, alias: bytes) -> None:
    """Give a homeserver a device that has this alias."""
    await server.writer.run(lambda execute: put_alias(execute, DeviceId(sha256(alias)), alias, 2_000_000_000))


def news(alias: bytes, rng, *, size: int = SMALL) -> GroupNews:
    ref = rng(32)
    welcome = sealed_welcome(rng, [ref]) if size == SMALL else rng(size)
    return GroupNews(welcomes=[GroupWelcome(alias=alias, ref=ref, welcome=welcome, extra=b"extra")])


async def test_a_welcome_is_pushed_as_a_hint_and_waits_until_the_device_has_joined(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob = await v.settle("bob", devices=2)
        alias = v.rng(32)
        client, other = [await v.login(device) for device in bob.devices]
        await client.call(put_aliases=PutAliases(aliases=[alias]))
        told = news(alias, v.rng)
        await v.house.news_from(HUB, told)
        hints = await client.expect("hints")
        assert [(hint.alias, hint.seq, hint.hub) for hint in hints.hints] == [(alias, 0, HUB)]
        await v.house.news_from(HUB, told)  # a hub that did not hear our answer says it again
        await client.expect("hints")
        client.close()
        again = await v.login(bob.devices[0])
        (kept,) = (await again.call(welcomes=GetWelcomes())).welcomes
        assert (await again.call(welcomes=GetWelcomes())).welcomes == [kept]  # received is not joined
        assert (kept.alias, kept.hub, kept.ref, kept.extra) == (alias, HUB, told.welcomes[0].ref, b"extra")
        assert kept.welcome == told.welcomes[0].welcome
        await other.call(welcomes_done=WelcomesDone(ids=[kept.id]))
        assert v.rows("welcome") == 1  # another device's word is none
        await again.call(welcomes_done=WelcomesDone(ids=[kept.id]))
        assert v.rows("welcome") == 0
        assert not [frame for frame in other.seen if frame.WhichOneof("frame") == "hints"]


async def test_welcomes_come_in_pages_and_go_after_sixty_days(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        bob = await v.settle("bob")
        alias = v.rng(32)
        client = await v.login(bob.devices[0])
        await client.call(put_aliases=PutAliases(aliases=[alias]))
        for _ in range(3):
            assert not (await v.house.news_from(HUB, news(alias, v.rng, size=90_000))).later
        reply = await client.call(welcomes=GetWelcomes())
        assert (len(reply.welcomes), reply.more) == (2, True)
        v.clock.advance(61 * DAY)
        await v.house.upkeep.sweep(v.clock())
        assert v.rows("welcome") == 0


async def test_a_full_device_has_the_hub_come_again_and_one_for_nobody_is_done(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(welcomes=1, welcomes_bytes=100_000)) as v:
        bob = await v.settle("bob")
        alias = v.rng(32)
        client = await v.login(bob.devices[0])
        await client.call(put_aliases=PutAliases(aliases=[alias]))
        three = GroupNews()
        for one in (news(alias, v.rng), news(v.rng(32), v.rng), news(alias, v.rng)):
            three.MergeFrom(one)
        assert list((await v.house.news_from(HUB, three)).later) == [2]
        too_large = news(alias, v.rng, size=210_000)
        assert not (await v.house.news_from(HUB, too_large)).later
        assert v.rows("welcome") == 1


async def test_an_alias_is_one_devices_and_is_renewed_or_forgotten(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(aliases=2)) as v:
        bob, eve = await v.settle("bob"), await v.settle("eve")
        one, two, three = (v.rng(32) for _ in range(3))
        client, thief = await v.login(bob.devices[0]), await v.login(eve.devices[0])
        await client.call(put_aliases=PutAliases(aliases=[one, two]))
        assert (await thief.call(put_aliases=PutAliases(aliases=[one]))).code == "alias.taken"
        assert (await client.call(put_aliases=PutAliases(aliases=[three]))).code == "alias.too_many"
        assert (await client.call(put_aliases=PutAliases(aliases=[one], drop=[v.rng(32) for _ in range(3)]))).code == "alias.too_many"
        assert (await client.call(put_aliases=PutAliases(aliases=[b"short"]))).code == "frame.malformed"
        await thief.call(put_aliases=PutAliases(drop=[one]))
        v.clock.advance(80 * DAY)
        await client.call(put_aliases=PutAliases(aliases=[one]))
        v.clock.advance(20 * DAY)
        await v.house.upkeep.sweep(v.clock())
        await v.house.news_from(HUB, GroupNews(hints=[GroupHint(alias=one, seq=5), GroupHint(alias=two, seq=6)]))
        await client.quiet()
        hints = [frame.hints for frame in client.seen if frame.WhichOneof("frame") == "hints"]
        assert [[(hint.alias, hint.seq) for hint in said.hints] for said in hints] == [[(one, 5)]]
        assert v.rows("group_alias") == 1


async def test_a_hub_tells_the_newest_of_each_alias_and_not_without_end(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(domain_group_requests_burst=30, domain_group_requests_per_second=1)) as v:
        bob = await v.settle("bob")
        alias = v.rng(32)
        client = await v.login(bob.devices[0])
        await client.call(put_aliases=PutAliases(aliases=[alias]))
        said = GroupNews(hints=[GroupHint(alias=alias, seq=seq) for seq in (0, 3, 9, 4, 0)])
        for _ in range(5):
            await v.house.news_from(HUB, said)
        with pytest.raises(RefusedError, match="too much"):
            await v.house.news_from(HUB, said)
        await client.quiet()
        hints = [[hint.seq for hint in frame.hints.hints] for frame in client.seen if frame.WhichOneof("frame") == "hints"]
        assert hints == [[0, 9]] * 5
        many = GroupNews(standbys=[GroupStandby()])  # full of signatures, so it counts for more
        with pytest.raises(RefusedError, match="too much"):
            await v.house.news_from(Domain("b.example"), many)


async def test_a_group_is_made_and_asked_over_a_submit_link_that_names_nobody(tmp_path: Path) -> None:
    async with village(tmp_path) as v:
        alice, bob = await v.settle("alice"), await v.settle("bob")
        band = Band(None, DOMAIN, v.rng(32), v.rng)  # type: ignore[arg-type]  # its requests go by a link here
        band.admins = [Ed25519Secret.generate(v.rng)]
        founder, second = band.seat(DOMAIN), band.seat(DOMAIN)
        phone = await v.login(bob.devices[0])
        await phone.call(put_aliases=PutAliases(aliases=[second.alias]))
        submit = await v.submit((await v.passes(alice, 1))[0])

        async def ask(**request):
            return await submit.call(group=GroupCall(hub=DOMAIN, request=GroupRequest(group=band.id, token=founder.token, **request)))

        assert (await ask(create=band.creation(founder))).stored.epoch == 0
        assert (await ask(commit=band.bundle(add=[second]))).stored.epoch == 1
        assert [hint.seq for hint in (await phone.expect("hints")).hints] == [0]
        (kept,) = (await phone.call(welcomes=GetWelcomes())).welcomes
        assert (kept.alias, kept.hub, kept.ref) == (second.alias, DOMAIN, sha256(b"ref", second.alias))
        band.epoch = 1
        assert (await ask(send=band.words())).stored.seq == 2
        assert [(hint.alias, hint.seq) for hint in (await phone.expect("hints")).hints] == [(second.alias, 2)]
        assert (await ask(send=band.words(epoch=5))).refused.code == "group.epoch_too_old"
        mailbox = await phone.call(group=GroupCall(hub=DOMAIN))
        assert mailbox.code == "frame.unexpected"  # a device that is logged in asks no hub


async def test_a_pass_has_few_hubs_looked_up_that_nobody_here_knows(tmp_path: Path) -> None:
    async with village(tmp_path, settings_with(lookups_per_minute=2)) as v:
        alice = await v.settle("alice")
        submit = await v.submit((await v.passes(alice, 1))[0])
        ask = GroupRequest(group=v.rng(32), token=v.rng(32), log=GroupLog())
        replies = [await submit.call(group=GroupCall(hub=f"hub{n}.example", request=ask)) for n in range(3)]
        assert [reply.DESCRIPTOR.name for reply in replies] == ["GroupReply", "GroupReply", "Failure"]
        assert replies[2].code == "rate.limited"
        assert (await submit.call(group=GroupCall(hub=DOMAIN, request=ask))).refused.code == "group.unknown"


async def test_each_homeserver_gets_the_welcome_of_its_own_alone_even_when_it_was_away(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        await know_alias(house(world, B), bob.alias)
        await know_alias(house(world, C), carol.alias)
        await world.houses[C].stop()
        await band.commit(add=[bob, carol])
        await until(lambda: house(world, B).database.first("SELECT 1 FROM welcome"))
        kept = [row[0] for row in house(world, B).database.read("SELECT kept FROM welcome")]
        assert len(kept) == 1
        assert sha256(b"ref", bob.alias) in kept[0]
        assert sha256(b"ref", carol.alias) not in kept[0]
        await world.houses[A].stop()
        await world.houses[A].start()
        await world.houses[C].start()
        house(world, A).heard_from(C)
        await until(lambda: house(world, C).database.first("SELECT 1 FROM welcome"))
        await until(lambda: house(world, A).database.first("SELECT 1 FROM group_news") is None)
