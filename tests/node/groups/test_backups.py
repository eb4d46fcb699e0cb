"""Groups in backups: what was said comes back, and the restored device comes in again by itself, as a new leaf."""

from __future__ import annotations

from pathlib import Path

from connexa.node.groups.book import group_named, group_of, open_group
from connexa.node.groups.cards import device_of
from connexa.node.groups.rules import person_in
from connexa.node.groups.wishes import plan
from connexa.testing import World
from connexa.testing.world import Device

from .test_groups import ALICE, BOB, CAROL, acquainted, found, rosters, said, until_group, until_said


async def backed_up(device: Device) -> tuple[str, str]:
    """Make a backup; returns its directory and the words."""
    words = await device.node.show_recovery()
    made = await device.node.create_backup()
    return str(Path(made.path).parent), " ".join(words)


def secrets_of(device: Device, name: str) -> set[bytes]:
    """What the device's own leaf is made of, and all that is stored of its MLS state."""
    home, account = device.node._home, device.node._account("")
    row = group_named(home.database.read, account.id, bytes.fromhex(device.node.groups().group(name).id))
    assert row is not None
    group = open_group(home.database.read, home, row)
    own = group.member(group.own_leaf)
    assert own is not None
    parts = {bytes(content) for (content,) in device.read("SELECT content FROM group_part WHERE name != 'group'")}
    return {own.signature_key, row.shared.room_key, *parts}


async def test_a_person_with_one_device_is_back_in_the_group(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await found(bob, "Left", alice)
        await alice.node.send("", "Garden", "hello")
        await until_said(bob, "Garden", "hello")
        await bob.node.send("", "Garden", "hello back")
        await bob.node.send("", "Left", "you will go")
        await until_said(alice, "Garden", "hello back")
        await until_said(alice, "Left", "you will go")
        gone = next(one for one in alice.node.messages("", "Garden") if one.text == "hello back")
        await alice.node.mute_conversation("", "Garden")
        await alice.node.set_draft("", "Garden", "not finished")
        await alice.node.groups().leave("Left")
        await until_group(alice, "Left", state="left")
        directory, words = await backed_up(alice)
        await bob.node.send("", "Garden", "after the backup")
        await until_said(alice, "Garden", "after the backup")
        sent = await alice.node.send("", "Garden", "said and backed up")
        await alice.until_state(sent.id, "accepted")
        await alice.node.delete_message("", gone.id)
        await alice.node.create_backup()  # an increment
        before, secrets = said(alice, "Garden"), secrets_of(alice, "Garden")
        checked = await alice.node.verify_backup()
        assert checked.messages == len(alice.read("SELECT 1 FROM message WHERE hidden = 0"))
        await alice.stop()
        await bob.node.send("", "Garden", "while you were away")

        fresh = await world.device("fresh", ALICE)
        await fresh.node.restore_backup(directory, words)
        assert [one for one in said(fresh, "Garden") if one in before] == before
        assert said(fresh, "Left") == [(BOB, "you will go")]
        kept = fresh.node.conversation("", "Garden")
        assert (kept.muted, kept.draft) == (True, "not finished")
        await until_group(fresh, "Garden", people=2, devices=2, role="owner")
        assert not secrets & secrets_of(fresh, "Garden")
        await until_group(bob, "Garden", devices=2, epoch=fresh.node.groups().group("Garden").epoch)
        await fresh.node.send("", "Garden", "back again")
        await until_said(bob, "Garden", "back again")
        await bob.node.send("", "Garden", "welcome back")
        await until_said(fresh, "Garden", "welcome back")
        await until_said(fresh, "Garden", "while you were away")  # its author says it again
        assert len(rosters("Garden", fresh, bob)) == 1
        await until_group(fresh, "Left", state="left")


async def test_where_the_key_is_old_an_admin_brings_the_person_in(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, bob, carol = await acquainted(world)
        await found(alice, "Garden", bob, carol)
        directory, words = await backed_up(bob)
        await alice.node.groups().remove("Garden", CAROL)
        await until_group(bob, "Garden", people=2)
        await bob.stop()
        await alice.stop()

        fresh = await world.device("fresh", BOB)
        await fresh.node.restore_backup(directory, words)
        waits = await until_group(fresh, "Garden", state="waiting", trouble="group.not_in")
        assert len(waits.people) == 3  # as the backup knew it
        await alice.start()  # who hears that her contact has another device now
        await until_group(fresh, "Garden", people=2, devices=2)
        await until_group(alice, "Garden", people=2, devices=2)
        await fresh.node.send("", "Garden", "here I am")
        await until_said(alice, "Garden", "here I am")
        assert len(rosters("Garden", fresh, alice)) == 1


async def test_where_the_key_is_old_an_own_device_brings_the_new_one_in(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        alice, tablet = await world.person(ALICE, devices=2)
        (bob,) = await world.person(BOB)
        (carol,) = await world.person(CAROL)
        await world.befriend(alice, bob)
        await world.befriend(alice, carol)
        await found(bob, "Garden", alice)
        await until_group(tablet, "Garden", devices=3)
        directory, words = await backed_up(alice)
        await bob.node.send("", "Garden", "after the backup")
        await until_said(tablet, "Garden", "after the backup")
        await alice.stop()
        await bob.node.groups().make_link("Garden")
        await until_group(tablet, "Garden", link=True)
        await carol.node.groups().join(bob.node.groups().link("Garden").text)
        for one in (bob, tablet):
            await until_group(one, "Garden", people=3)
        await bob.node.groups().remove("Garden", CAROL)
        await until_group(tablet, "Garden", people=2)
        await bob.stop()

        fresh = await world.device("fresh", ALICE)
        await fresh.node.restore_backup(directory, words)
        await until_group(fresh, "Garden", people=2, devices=3)
        await until_group(tablet, "Garden", people=2, devices=3)
        assert len(rosters("Garden", fresh, tablet)) == 1
        await tablet.node.send("", "Garden", "both are here")
        await until_said(fresh, "Garden", "both are here")


async def test_who_is_in_no_group_any_more_is_told_so_and_can_be_invited(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await alice.node.send("", "Garden", "remember this")
        await until_said(bob, "Garden", "remember this")
        directory, words = await backed_up(bob)
        await alice.node.groups().remove("Garden", BOB)
        await until_group(bob, "Garden", state="removed")
        await bob.stop()
        fresh = await world.device("fresh", BOB)
        await fresh.node.restore_backup(directory, words)
        await until_group(fresh, "Garden", state="waiting", trouble="group.not_in")
        assert said(fresh, "Garden") == [(ALICE, "remember this")]
        await fresh.until_contact(ALICE)
        await alice.node.groups().invite("Garden", BOB)
        await until_group(fresh, "Garden", people=2)
        assert said(fresh, "Garden") == [(ALICE, "remember this")]


async def test_nobody_is_removed_whose_new_device_cannot_come_in_yet(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        await found(alice, "Garden", bob)
        await bob.stop()
        home, account = alice.node._home, alice.node._account("")
        row = group_of(home.database.read, 1)
        (card,) = (one for one in row.shared.cards if one.user != account.user_id)
        person = person_in(row.shared, card.user)
        assert person is not None
        sql = "INSERT INTO gone_device (account, user, device) VALUES (?, ?, ?)"
        await home.change(lambda execute: execute(sql, (account.id, card.user, device_of(card))))
        waits = await home.change(lambda execute: plan(execute, home, account, row, [], []))
        assert waits.is_empty
        comes = await home.change(lambda execute: plan(execute, home, account, row, [(person, ())], []))
        assert comes.removes == [card]
