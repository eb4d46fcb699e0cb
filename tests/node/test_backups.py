"""Backups as a node makes them: increments that lose nothing, a schedule that shows its failures, words that are checked and replaced."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from connexa.errors import ConnexaError, UsageError
from connexa.node.account import newest_backup, own_device_list
from connexa.node.backup_files import NewFile, list_files
from connexa.node.settings import BackupSettings
from connexa.node.views import MessageView, Verdict
from connexa.store import Execute
from connexa.testing import Device, World

ALICE, BOB = "alice@a.example", "bob@b.example"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.open(tmp_path / "world") as opened:
        yield opened


async def _confirmed(device: Device) -> str:
    words = await device.node.show_recovery()
    await device.node.verify_recovery("", {3: words[2], 11: words[10].upper(), 20: f" {words[19]} "})
    return " ".join(words)


def _files(device: Device) -> list[tuple[str, bool]]:
    return [(one.series, one.whole) for one in device.node.backup_files()]


async def _with(device: Device, settings: BackupSettings) -> None:
    await device.stop()
    device.settings = msgspec.structs.replace(device.settings, backup=settings)
    await device.start()
    await device.until_up()


async def test_increments_bring_what_is_new_what_has_changed_and_what_was_deleted(world: World) -> None:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    words = await _confirmed(alice)
    first = await alice.node.send("", BOB, "first")
    await alice.until_state(first.id, "delivered")
    second = await alice.node.send("", BOB, "second")
    await alice.until_state(second.id, "delivered")
    base = await alice.node.create_backup()
    assert base.whole and Path(base.path).parent == Path(alice.node.backup_schedule().directory)
    await bob.node.mark_read("", ALICE)
    await alice.until_state(first.id, "read")
    await alice.node.delete_message("", second.id)
    third = await alice.node.send("", BOB, "third")
    await alice.until_state(third.id, "delivered")
    await alice.node.rename_contact("", BOB, "Bobby")
    await alice.node.mark_read("", BOB)
    increment = await alice.node.create_backup()
    assert not increment.whole and increment.counter == base.counter + 1
    nothing_new = await alice.node.create_backup()
    assert nothing_new.bytes <= increment.bytes

    checked = await alice.node.verify_backup()
    before = alice.log(BOB)
    assert (checked.files, checked.messages, checked.contacts) == (3, len(before), 1)
    await alice.stop()
    fresh = await world.device("fresh", ALICE)
    await fresh.node.restore_backup(str(Path(base.path).parent), words)
    assert [_shown(one) for one in fresh.log(BOB)] == [_shown(one) for one in before]
    assert "second" not in [one.text for one in fresh.log(BOB)]
    assert [(one.name, one.address) for one in fresh.node.contacts()] == [("Bobby", BOB)]
    assert [one.unread for one in fresh.node.conversations()] == [0]


def _shown(message: MessageView) -> tuple[object, ...]:
    return message.id, message.cursor, message.text, message.sender, message.sent, message.received, message.state


async def test_a_backup_that_fails_loses_nothing_of_the_next_one(world: World, tmp_path: Path) -> None:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    words = await _confirmed(alice)
    base = await alice.node.create_backup()
    sent = await alice.node.send("", BOB, "after the base")
    await alice.until_state(sent.id, "delivered")
    directory, away = Path(base.path).parent, tmp_path / "away"
    directory.rename(away)
    directory.write_bytes(b"in the way")
    with pytest.raises(ConnexaError) as refused:
        await alice.node.create_backup()
    assert refused.value.code == "store.failed"
    assert newest_backup(alice.node._home.database.read, 1) == base.counter  # the next list names none that is nowhere
    await alice.node.delete_message("", sent.id)  # it changes between the two attempts
    await alice.node.send("", BOB, "later")
    directory.unlink()
    away.rename(directory)
    assert not (await alice.node.create_backup()).whole
    assert sorted(path.suffix for path in directory.iterdir()) == [".connexa", ".connexa"]  # no half files
    texts = [one.text for one in alice.log(BOB)]
    await alice.stop()
    fresh = await world.device("fresh", ALICE)
    await fresh.node.restore_backup(str(directory), words)
    assert [one.text for one in fresh.log(BOB)] == texts


async def test_a_node_that_was_killed_before_it_noted_a_backup_makes_the_next_one(world: World) -> None:
    (alice,) = await world.person(ALICE)
    words = await _confirmed(alice)
    home = alice.node._home
    await alice.node.create_backup()
    before = home.database.read("SELECT counter, series, place, previous, up_to, made FROM backup")
    increment = await alice.node.create_backup()
    await alice.node.add_contact("", BOB)
    # As it stands where the file got its name and the process ended before the store was told.
    sql = "UPDATE backup SET counter = ? + 1, series = ?, place = ?, previous = ?, up_to = ?, made = ?"
    await home.change(lambda execute: execute(sql, next(iter(before))))
    whole = await alice.node.create_backup()
    assert not increment.whole and whole.whole and whole.counter > increment.counter
    await alice.node.create_backup()
    checked = await alice.node.verify_backup()
    assert (checked.files, checked.conversations) == (2, 1)
    await alice.stop()
    fresh = await world.device("fresh", ALICE)
    assert (await fresh.node.restore_backup(str(Path(whole.path).parent), words)).conversations == 1


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    file = NewFile(tmp_path / "one.connexa")
    file.write(b"a small piece that is still in the buffer")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))
    try:
        with pytest.raises(ConnexaError) as refused:
            file.commit()
        file.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (refused.value.code, list(tmp_path.iterdir())) == ("store.full", [])


async def test_backups_after_an_old_one_was_restored_count_behind_the_newest(world: World, tmp_path: Path) -> None:
    (alice,) = await world.person(ALICE)
    words = await _confirmed(alice)
    old = await alice.node.create_backup(path=str(tmp_path / "old.connexa"))
    await alice.node.create_backup()
    lost = await alice.node.create_backup()
    await world.linked(alice, "phone")  # the list tells the number of the newest backup
    await alice.stop()
    fresh = await world.device("fresh", ALICE)
    shown = await fresh.node.restore_backup(old.path, words)
    assert (shown.counter, shown.newest) == (old.counter, lost.counter)
    await fresh.until_up()
    await world.linked(fresh, "tablet")  # before a backup was made here
    home = fresh.node._home
    known = own_device_list(home.database.read, fresh.node._account(""))
    assert known is not None and known[1].backup == lost.counter
    assert (await fresh.node.create_backup()).counter > lost.counter


def test_a_pipe_is_no_backup_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match=r"backup\.unreadable"):
        list_files(tmp_path / "pipe")


async def test_what_changes_while_a_backup_is_made_is_in_the_next_one(world: World) -> None:
    (alice,) = await world.person(ALICE)
    await alice.node.add_contact("", BOB)
    words = await _confirmed(alice)
    home = alice.node._home

    def fill(execute: Execute) -> None:
        for number in range(3_000):
            execute(
                "INSERT INTO message (cursor, account, conversation, message, sender, device, counter, mine, kind, text, content, sent,"
                " received, state) VALUES (?, 1, 1, ?, x'', x'', 0, 0, 'text', ?, x'00', 1, 1, 'received')",
                (number + 1, number.to_bytes(16, "big"), f"number {number}"),
            )

    await home.change(fill)
    async with alice.node.subscribe() as events:
        making = asyncio.create_task(alice.node.create_backup())
        async for event in events:
            if event.kind == "backup.progress" and event.fields["done"]:
                break  # the first page is written, others are not
        await alice.node.delete_message("", bytes(16).hex())
        await home.change(lambda execute: execute("UPDATE message SET state = 'read' WHERE cursor = 3000"))
        base = await making
    assert base.whole
    assert [row[0] for row in home.database.read("SELECT cursor FROM backup_changed WHERE taken = 0 ORDER BY cursor")] == [1, 3000]
    await alice.node.create_backup()
    assert home.database.read("SELECT count(*) FROM backup_changed") == [(0,)]
    await alice.stop()
    fresh = await world.device("fresh", ALICE)
    await fresh.node.restore_backup(str(Path(base.path).parent), words)
    read = fresh.node._home.database.read
    assert read("SELECT cursor, text FROM message WHERE hidden = 1") == [(1, "")]
    assert read("SELECT cursor FROM message WHERE state = 'read'") == [(3000,)]
    assert read("SELECT count(*) FROM message") == [(3_000,)]


async def test_backups_are_made_when_due_and_old_ones_go(world: World) -> None:
    (alice,) = await world.person(ALICE)
    await _with(alice, BackupSettings(every=3_600.0, increments=1, kept=2))
    await alice.node.make_due_backups()
    assert _files(alice) == [] and "recovery.unconfirmed" in alice.node.status().warnings
    await _confirmed(alice)
    assert alice.node.backup_schedule().active
    for _ in range(7):
        await alice.node.make_due_backups()
        await alice.node.make_due_backups()  # not due again
        world.clock.advance(3_601.0)
    files = _files(alice)
    assert [whole for _, whole in files] == [True, False, True] and len({series for series, _ in files}) == 2
    schedule = alice.node.backup_schedule()
    assert (schedule.counter, schedule.failure) == (7, "")
    assert (await alice.node.verify_backup()).counter == 7


async def test_a_failure_shows_until_a_backup_succeeds(world: World, tmp_path: Path) -> None:
    (alice,) = await world.person(ALICE)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a directory should be")
    await _with(alice, BackupSettings(every=3_600.0, directory=str(blocked)))
    await _confirmed(alice)
    await alice.node.make_due_backups()
    schedule = alice.node.backup_schedule()
    assert schedule.failed and schedule.failure == "store.failed" and not schedule.made
    assert [event.kind for event in alice.node.replay()].count("backup.failed") == 1
    assert "backup.failed" in alice.node.status().warnings
    checks = {check.name: check for check in (await alice.node.doctor()).checks}
    assert checks["backup"].verdict == "error"
    blocked.unlink()
    world.clock.advance(3_601.0)
    await alice.node.make_due_backups()
    assert alice.node.backup_schedule().failure == "" and "backup.failed" not in alice.node.status().warnings
    checks = {check.name: check for check in (await alice.node.doctor()).checks}
    assert checks["backup"].verdict == "ok"


async def test_rotated_words_open_every_backup_that_follows_and_none_before(world: World) -> None:
    (alice,) = await world.person(ALICE)
    old = await _confirmed(alice)
    first = await alice.node.create_backup()
    new = " ".join(await alice.node.show_recovery("", rotate=True))
    assert new != old and not alice.node.recovery().confirmed
    assert new == " ".join(await alice.node.show_recovery())
    second = await alice.node.create_backup()
    assert second.whole
    for words, opened, locked in ((old, first, second), (new, second, first)):
        assert (await alice.node.verify_backup("", opened.path, words)).counter == opened.counter
        with pytest.raises(ConnexaError) as refused:
            await alice.node.verify_backup("", locked.path, words)
        assert refused.value.code == "backup.locked"


async def test_words_are_checked_by_their_places(world: World) -> None:
    (alice,) = await world.person(ALICE)
    with pytest.raises(ConnexaError) as refused:
        await alice.node.verify_recovery("", {1: "a", 2: "b", 3: "c"})
    assert refused.value.code == "recovery.none"
    words = await alice.node.show_recovery()
    wrong = next(word for word in ("zebra", "abandon") if word != words[6])
    for answers, code in (
        ({1: words[0], 2: words[1]}, "words.count"),
        ({0: words[0], 1: words[0], 2: words[1]}, "words.count"),
        ({1: words[0], 2: words[1], 25: "x"}, "words.count"),
        ({1: words[0], 2: words[1], 7: wrong}, "words.wrong"),
    ):
        with pytest.raises(ConnexaError) as refused:
            await alice.node.verify_recovery("", answers)
        assert refused.value.code == code
        assert not set(words) & set(f"{refused.value.message} {refused.value.hint}".lower().replace(".", "").split()) - {"is", "one"}
    assert not alice.node.recovery().confirmed
    assert (await alice.node.verify_recovery("", dict(enumerate(words, 1)))).confirmed


async def test_a_single_file_is_a_whole_backup_and_is_never_written_over(world: World, tmp_path: Path) -> None:
    (alice,) = await world.person(ALICE)
    words = await _confirmed(alice)
    target = tmp_path / "usb" / "alice.connexa"
    made = await alice.node.create_backup("", str(target))
    assert made.whole and target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConnexaError) as refused:
        await alice.node.create_backup("", str(target))
    assert refused.value.code == "file.exists"
    assert list(target.parent.iterdir()) == [target]
    assert (await alice.node.verify_backup("", str(target), words)).files == 1
    assert (await alice.node.create_backup()).whole  # the series in the usual directory is another matter


async def test_an_account_that_is_here_is_not_restored_over(world: World) -> None:
    (alice,) = await world.person(ALICE)
    words = await _confirmed(alice)
    made = await alice.node.create_backup()
    with pytest.raises(ConnexaError) as refused:
        await alice.node.restore_backup(made.path, words)
    assert refused.value.code == "account.exists"


async def test_a_restore_without_its_homeserver_goes_on_later_with_the_same_device(world: World) -> None:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    words = await _confirmed(alice)
    made = await alice.node.create_backup()
    await alice.stop()
    await world.houses["a.example"].stop()
    fresh = await world.device("fresh", ALICE)
    with pytest.raises(ConnexaError) as refused:
        await fresh.node.restore_backup(made.path, words)
    assert refused.value.retryable
    waiting = fresh.node.account()
    assert (waiting.state, [one.address for one in fresh.node.contacts()]) == ("restoring", [BOB])
    await world.houses["a.example"].start()
    await fresh.stop()  # the node may end in between
    await fresh.start()
    assert fresh.node.status().links == []  # it does not try to log in: the refusal of who is not let in yet would look like a revocation
    assert "account.restoring" in fresh.node.status().warnings
    (check,) = [one for one in (await fresh.node.doctor()).checks if one.name == "accounts"]
    assert (check.verdict, "backup restore" in check.hint) == (Verdict.ERROR, True)
    await fresh.node.restore_backup(made.path, words)
    await fresh.until_up()
    assert fresh.node.account().device == waiting.device and fresh.node.account().state == "active"
    await fresh.node.send("", BOB, "back at last")
    await bob.until_text(ALICE, "back at last")


async def _until_listed(device: Device, listed: set[str]) -> None:
    await device.until(lambda: True if {one.id for one in device.node.devices() if one.listed} == listed else None, what="the list")


async def test_what_had_not_left_says_so_and_is_not_sent_by_itself(world: World) -> None:
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    words = await _confirmed(alice)
    await world.houses["a.example"].stop()
    await alice.node.send("", BOB, "did this leave?")
    made = await alice.node.create_backup()
    await alice.stop()
    await world.houses["a.example"].start()
    fresh = await world.device("fresh", ALICE)
    await fresh.node.restore_backup(made.path, words)
    await fresh.until_up()
    assert [(one.state, one.reason) for one in fresh.log(BOB) if one.text == "did this leave?"] == [("refused", "device.lost")]


async def test_a_homeserver_that_shows_an_old_list_takes_nobody_back(world: World) -> None:
    alice, phone = await world.person(ALICE, devices=2)
    words = await _confirmed(alice)
    made = await alice.node.create_backup()
    await alice.stop()
    server = world.houses["a.example"].server
    await server.writer.run(lambda execute: execute("DELETE FROM device_list WHERE version = 2"))
    fresh = await world.device("fresh", ALICE)
    with pytest.raises(ConnexaError) as refused:
        await fresh.node.restore_backup(made.path, words)
    assert refused.value.code == "devices.rollback"
    assert fresh.node.account().state == "restoring"
    assert phone.node.account().devices == 2


async def test_other_own_devices_stay_and_follow(world: World) -> None:
    alice, phone = await world.person(ALICE, devices=2)
    (bob,) = await world.person(BOB)
    await world.befriend(alice, bob)
    await phone.until_contact(BOB)
    words = await _confirmed(alice)
    made = await alice.node.create_backup()
    lost = alice.node.account().device
    tablet = await world.linked(alice, "alice-tablet")  # the backup does not know it
    await alice.stop()
    fresh = await world.device("fresh", ALICE)
    await fresh.node.restore_backup(made.path, words)
    await fresh.until_up()
    listed = {one.id for one in fresh.node.devices() if one.listed}
    assert listed == {one.node.account().device for one in (fresh, phone, tablet)} and lost not in listed
    assert fresh.node.devices()[0].id and fresh.node.account().primary
    mine = bytes.fromhex(fresh.node.account().device)
    assert fresh.node._home.database.read("SELECT 1 FROM register WHERE key = ?", (mine,)) == [(1,)]  # its name is told like any decision
    for device in (phone, tablet):
        await _until_listed(device, listed)
    sent = await fresh.node.send("", BOB, "from the new one")
    await phone.until_text(BOB, "from the new one", mine=True)
    await fresh.until_state(sent.id, "delivered")
    await fresh.node.revoke_device("", tablet.node.account().device)  # it signs lists as the lost one did
