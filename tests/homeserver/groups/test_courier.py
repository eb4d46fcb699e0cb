"""What a hub carries to others: bounded, each Welcome kept once, and nobody waits behind those who do not answer (groups §5.4, §5.8)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import sha256
from connexa.homeserver.groups import courier, waiting
from connexa.homeserver.groups.ledger import Member
from connexa.mls.framing import MLSMessage
from connexa.mls.nodes import HPKECiphertext
from connexa.mls.registry import ContentType
from connexa.mls.welcome import EncryptedGroupSecrets, Welcome
from connexa.testing import World
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupReply, KeptWelcome

from .kit import A, B, Band, C, Seat, house, region, sealed_message, until
from .test_welcomes import know_alias

TABLES = ("group_news", "group_parcel", "group_news_load")


def refused(reply: GroupReply) -> str:
    assert reply.WhichOneof("reply") == "refused", reply
    return reply.refused.code


def large(band: Band, seats: list[Seat], size: int = 150_000, *, more: int = 0) -> GroupBundle:
    """A bundle with a Welcome that is mostly what all share; `more`: with entries for nobody."""
    bundle = band.bundle(add=seats)
    refs = [add.ref for add in bundle.adds] + [band.rng(32) for _ in range(more)]
    entries = tuple(EncryptedGroupSecrets(ref, HPKECiphertext(band.rng(32), band.rng(80))) for ref in refs)
    bundle.welcome = MLSMessage(Welcome(1, entries, bytes(size))).encode()
    return bundle


def rows(world: World, hub: str = A) -> list[int]:
    return [len(house(world, hub).database.read(f"SELECT 1 FROM {table}")) for table in TABLES]


async def test_a_welcome_is_kept_once_for_all_and_each_gets_its_part(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        seats = [band.seat(B) for _ in range(12)]
        for seat in seats:
            await know_alias(house(world, B), seat.alias)
        await world.houses[B].stop()
        assert (await band.ask(band.seats[0], commit=large(band, seats))).stored.epoch == 1
        read = house(world, A).database.read
        assert rows(world) == [12, 1, 2]
        stored = sum(len(cell) for row in (*read("SELECT news FROM group_news"), *read("SELECT welcome FROM group_parcel")) for cell in row)
        assert stored < 160_000
        loads: dict[str, int] = dict(read("SELECT domain, bytes FROM group_news_load"))
        assert loads[""] == loads[B]
        assert stored <= loads[B] < stored + 20
        await world.houses[B].start()
        house(world, A).heard_from(B)
        await until(lambda: rows(world) == [0, 0, 0])
        kept = [KeptWelcome.FromString(row[0]) for row in house(world, B).database.read("SELECT kept FROM welcome")]
        assert {one.ref for one in kept} == {sha256(b"ref", seat.alias) for seat in seats}
        for one in kept:
            welcome = MLSMessage.decode(one.welcome).body
            assert isinstance(welcome, Welcome)
            assert [entry.new_member for entry in welcome.secrets] == [one.ref]
            assert len(welcome.encrypted_group_info) == 150_000


async def test_a_welcome_has_one_entry_for_each_and_none_for_others(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, carol = band.seat(B), band.seat(C)
        assert refused(await band.ask(band.seats[0], commit=large(band, [bob], more=1))) == "mls.v19"
        twice = band.bundle(add=[bob, carol])
        twice.adds[1].ref = twice.adds[0].ref
        assert refused(await band.ask(band.seats[0], commit=twice)) == "mls.v19"
        none = band.bundle(add=[bob])
        none.welcome = sealed_message(band.rng, band.id, 0, ContentType.COMMIT)
        assert refused(await band.ask(band.seats[0], commit=none)) == "mls.malformed"
        assert rows(world) == [0, 0, 0]


async def test_what_waits_for_others_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with region(tmp_path, queue_bytes=400_000, queue_domain_bytes=200_000) as world:
        band = await Band.found(world)
        for domain in (B, C):
            await world.houses[domain].stop()
        assert (await band.ask(band.seats[0], commit=large(band, [band.seat(B)]))).stored.epoch == 1
        band.epoch = 1
        assert refused(await band.ask(band.seats[0], commit=large(band, [band.seat(B)]))) == "group.full"
        assert (await band.ask(band.seats[0], commit=large(band, [band.seat(C)]))).stored.epoch == 2
        band.epoch = 2
        assert refused(await band.ask(band.seats[0], commit=large(band, [band.seat("d.example")], 190_000))) == "group.full"
        assert (await band.ask(band.seats[0], commit=large(band, [band.seat(A)], 10_000))).stored.epoch == 3
        band.epoch = 3
        monkeypatch.setattr(waiting, "MAX_UNKNOWN", 4)  # two of them b and c, which it has not met either
        for name, code in (("d.example", ""), ("e.example", ""), ("f.example", "group.full"), ("d.example", "")):
            reply = await band.ask(band.seats[0], commit=band.bundle(add=[band.seat(name)]))
            assert (reply.refused.code or "") == code
            band.epoch = reply.stored.epoch or band.epoch


async def test_nobody_waits_behind_domains_that_do_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier, "SEND_SECONDS", 0.05)
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob, anna = band.seat(B), band.seat(A)
        for domain, seat in ((A, anna), (B, bob)):
            await know_alias(house(world, domain), seat.alias)
        hub = house(world, A).groups.courier
        send, tried = hub._send, set()

        async def hang(domain: Any, news: Any) -> Any:
            if domain in (A, B):
                return await send(domain, news)
            tried.add(domain)
            if len(tried) < 200:
                raise TimeoutError
            return await asyncio.Event().wait()

        hub._send = hang
        hub.hint([Member(f"d{n}.example", bytes(32), b"") for n in range(200)], 1)
        await until(lambda: len(tried) == 200)
        monkeypatch.setattr(courier, "SEND_SECONDS", 60.0)  # from now on whoever has a call keeps it
        await until(lambda: hub._retries.locked())
        await band.commit(add=[bob, anna])
        for domain in (A, B):
            await until(lambda: house(world, domain).database.first("SELECT 1 FROM welcome"))  # noqa: B023 - run at once


async def test_a_fault_with_one_domain_ends_nothing_and_is_tried_again(tmp_path: Path) -> None:
    async with region(tmp_path) as world:
        band = await Band.found(world)
        bob = band.seat(B)
        await know_alias(house(world, B), bob.alias)
        groups = house(world, A).groups
        send, failed = groups.courier._send, list[str]()

        async def fail_once(domain: Any, news: Any) -> Any:
            if not failed:
                failed.append(domain)
                raise KeyError(domain)
            return await send(domain, news)

        groups.courier._send = fail_once
        await band.commit(add=[bob])
        await until(lambda: failed and B not in groups.courier._heard)
        world.clock.advance(61)
        groups.tick()
        await until(lambda: house(world, B).database.first("SELECT 1 FROM welcome"))
