"""Devices whose state is not what it was: an old copy put back, a place that is gone, an end that nobody could read."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.homeserver.groups.kit import until
from tests.node.groups.test_groups import ALICE, BOB, found, rosters, said, until_group, until_said
from tests.node.groups.test_mending import Rogue, ask_hub, three

from connexa.content import RoomRecord
from connexa.node.groups.book import find_group
from connexa.node.groups.sealing import seal_record
from connexa.node.schema import MIGRATIONS
from connexa.store import open_database
from connexa.testing import World
from connexa.testing.world import STORE_KEY, Device
from connexa.wire.v1.groups_pb2 import GroupLeave, GroupRequest


async def two(world: World) -> tuple[Device, Device]:
    (alice,) = await world.person(ALICE)
    (bob,) = await world.person(BOB)
    await world.befriend(alice, bob)
    await found(alice, "Garden", bob)
    return alice, bob


def copy_of(device: Device) -> Path:
    kept = device.world.directory / f"{device.name}.kept"
    shutil.copytree(device.world.directory / device.name, kept)
    return kept


def put_back(device: Device, kept: Path) -> None:
    shutil.rmtree(device.world.directory / device.name)
    shutil.copytree(kept, device.world.directory / device.name)


async def test_an_old_copy_says_nothing_with_keys_that_were_used(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob = await two(world)
        await bob.stop()
        kept = copy_of(bob)
        await bob.start()
        for text in ("one", "two"):
            await bob.node.send("", "Garden", text)
            await until_said(alice, "Garden", text)
        await bob.stop()
        put_back(bob, kept)
        await bob.start()
        await bob.node.send("", "Garden", "three")
        await until_said(alice, "Garden", "three")
        assert said(alice, "Garden") == [(BOB, "one"), (BOB, "two"), (BOB, "three")]
        await until_group(bob, "Garden", trouble="")
        assert len(rosters("Garden", alice, bob)) == 1


async def test_an_old_copy_that_has_changed_the_group_since_comes_in_again(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob = await two(world)
        await alice.stop()
        kept = copy_of(alice)
        await alice.start()
        await alice.node.groups().rename("Garden", "Orchard")
        await until_group(bob, "Orchard")
        await alice.stop()
        put_back(alice, kept)
        await alice.start()
        await until_group(alice, "Orchard", trouble="")
        await alice.node.send("", "Orchard", "again")
        await until_said(bob, "Orchard", "again")


async def test_key_packages_whose_private_halves_are_gone_are_replaced(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        pool = world.houses["b.example"].read
        await until(lambda: pool("SELECT 1 FROM key_package WHERE last_resort = 0"))
        before = {row[0] for row in pool("SELECT ref FROM key_package")}
        await bob.stop()
        database = open_database(tmp_path / bob.name / "node.db", STORE_KEY, MIGRATIONS)
        database.writer_connection.execute("DELETE FROM key_package")
        database.close()
        await bob.start()
        await bob.until_up()
        await alice.node.groups().create("Garden")
        await until_group(alice, "Garden")
        await until(lambda: before.isdisjoint(row[0] for row in pool("SELECT ref FROM key_package")))
        await alice.node.groups().invite("Garden", BOB)
        await until_group(bob, "Garden", state="invited")


async def test_a_welcome_that_comes_late_finds_what_it_was_sealed_to(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob = await two(world)
        await alice.node.groups().create("Orchard")
        await until_group(alice, "Orchard")
        await bob.stop()
        await alice.node.groups().invite("Orchard", BOB)
        await until_group(alice, "Orchard", people=2)
        database = open_database(tmp_path / bob.name / "node.db", STORE_KEY, MIGRATIONS)
        sql = "UPDATE key_package SET expires = ?"  # as if it had been away for so long
        database.writer_connection.execute(sql, (int(world.clock()) - 29 * 86_400,))
        database.close()
        await bob.start()
        await until_group(bob, "Orchard", state="invited")


async def test_who_cannot_follow_is_removed_and_brought_in_again(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await three(world)
        rogue = await Rogue.take(world, bob, "Garden")
        victim = carol.read("SELECT alias FROM mls_group")[0][0]
        staged = rogue.mls.commit(force_path=True, now=int(world.clock()))
        record = seal_record(rogue.row.shared.room_key, rogue.row.public, RoomRecord(staged.group_info, rogue.row.shared), rogue.rng)
        await rogue.send(staged.commit, sealed=record, removes=[victim])  # sound, but that the hub forgets somebody by it
        for one in (alice, carol):
            await until_group(one, "Garden", people=3, epoch=rogue.mls.epoch + 1)
        await carol.node.send("", "Garden", "does anybody hear me?")
        await until_group(carol, "Garden", trouble="group.unknown")
        await alice.node.groups().remove("Garden", carol.address)
        await until_group(alice, "Garden", people=2)
        await alice.node.groups().invite("Garden", carol.address)
        await until_group(carol, "Garden", people=3, trouble="")
        await until_said(alice, "Garden", "does anybody hear me?")


async def test_who_has_no_place_any_more_can_give_the_group_up(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        _, bob = await two(world)
        row = find_group(bob.read, 1, "Garden")
        assert row is not None
        await ask_hub(world, BOB, row, GroupRequest(token=row.token, leave=GroupLeave()))  # as a homeserver can that sees it pass
        await bob.node.send("", "Garden", "anybody?")
        await until_group(bob, "Garden", trouble="group.unknown")
        await bob.node.groups().leave("Garden")
        await until_group(bob, "Garden", state="left")
