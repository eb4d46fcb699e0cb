"""Everything is lost but the backup and 24 words: the person comes back, the device does not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connexa.crypto import sha256
from connexa.errors import ConnexaError
from connexa.node.settings import RepairSettings
from connexa.testing import Device, ProgramDevice, ProgramWorld, World, run_program

ALICE, BOB = "alice@a.example", "bob@b.example"


async def _fresh(world: World) -> Device:
    """A node that has nothing yet, and asks for what is missing without much delay."""
    fresh = await world.device("alice-again", ALICE)
    await fresh.stop()
    fresh.settings = msgspec.structs.replace(fresh.settings, repair=RepairSettings(ask_after=0.3))
    await fresh.start()
    return fresh


async def _backed_up(world: World) -> tuple[Device, Device, str]:
    """Alice and Bob have talked; Alice has a backup and her words."""
    (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
    await world.befriend(alice, bob)
    await alice.node.send("", BOB, "before")
    await bob.until_text(ALICE, "before")
    await bob.node.send("", ALICE, "and back")
    await alice.until_text(BOB, "and back")
    words = await alice.node.show_recovery()
    await alice.node.verify_recovery("", dict(enumerate(words[:3], 1)))
    await alice.node.create_backup()
    return alice, bob, " ".join(words)


async def test_a_person_comes_back_with_everything_and_talk_goes_on_both_ways(world: World) -> None:
    alice, bob, words = await _backed_up(world)
    before = alice.node.account()
    old_sessions = {row[0] for row in alice.node._home.database.read("SELECT sessions FROM session")}
    backups = Path(alice.node.backup_schedule().directory)
    log = [(m.id, m.text, m.mine, m.sent, m.received) for m in alice.log(BOB)]
    await alice.stop()
    shutil.rmtree(world.directory / alice.name)
    await bob.node.send("", ALICE, "while you were away")

    world.clock.advance(120.0)  # what was sent a moment ago may simply be under way, and is not sent again

    fresh = await _fresh(world)
    restored = await fresh.node.restore_backup(str(backups), words)
    assert restored.messages == len(log)
    after = fresh.node.account()
    assert (after.user, after.fingerprint) == (before.user, before.fingerprint)
    assert after.device != before.device and after.primary and after.devices == 1
    assert [one.address for one in fresh.node.contacts()] == [BOB]
    assert [(m.id, m.text, m.mine, m.sent, m.received) for m in fresh.log(BOB)][: len(log)] == log
    await fresh.until_up()
    await fresh.until_text(BOB, "while you were away")
    await fresh.node.send("", BOB, "I am back")
    await bob.until_text(ALICE, "I am back")
    await bob.node.send("", ALICE, "welcome")
    await fresh.until_text(BOB, "welcome")
    assert [one.text for one in bob.log(ALICE)].count("before") == 1
    new_sessions = {row[0] for row in fresh.node._home.database.read("SELECT sessions FROM session")}
    assert new_sessions and not old_sessions & new_sessions


async def test_wrong_words_restore_nothing(world: World) -> None:
    alice, bob, _ = await _backed_up(world)
    words = " ".join(await bob.node.show_recovery())
    fresh = await world.device("alice-again", ALICE)
    with pytest.raises(ConnexaError) as refused:
        await fresh.node.restore_backup(alice.node.backup_schedule().directory, words)
    assert refused.value.code == "backup.locked"
    assert fresh.node.accounts() == []


async def _said(sender: ProgramDevice, to: str, text: str) -> None:
    """Say something, and wait until it has arrived."""
    message = sha256(text.encode()).hex()[:32]
    await sender.client.send(to, text, message)
    await sender.client.until_state(message, "delivered", "read")


async def test_real_programs_come_back_after_rm_rf_of_the_profile(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path, node={"REPAIR__ASK_AFTER": "0.3"}) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        await _said(alice, BOB, "before")
        await _said(bob, ALICE, "and back")

        async def connexa(*words: str, stdin: str = "") -> Any:
            ended = await run_program(["--json", *words], home=alice.program.home, env=alice.program.env, stdin=stdin)
            assert ended.code == 0, ended.stdout + ended.stderr
            return ended

        before = (await connexa("account", "show")).data
        refused = await run_program(["--json", "account", "recovery", "show"], home=alice.program.home, env=alice.program.env)
        assert (refused.code, refused.error["code"]) == (5, "words.no_terminal")
        words = (await connexa("account", "recovery", "show", "--output", "-")).stdout
        assert (await connexa("account", "recovery", "verify", "-", stdin=words)).data["confirmed"]
        made = (await connexa("backup", "create")).data
        checked = (await connexa("backup", "verify", "--words", "-", stdin=words)).data
        assert (checked["contacts"], checked["fingerprint"]) == (1, before["fingerprint"])

        await alice.program.kill()
        shutil.rmtree(alice.program.home / "data" / "default")
        restored = (await connexa("backup", "restore", str(Path(made["path"]).parent), "--words", "-", stdin=words)).data
        assert (restored["messages"], restored["fingerprint"]) == (checked["messages"], before["fingerprint"])
        try:
            after = (await connexa("account", "show")).data
            assert after["device"] != before["device"] and after["primary"] and after["devices"] == 1
            assert [one["address"] for one in (await connexa("contact", "list")).data["items"]] == [BOB]
            await _said(bob, ALICE, "welcome")
            sent = (await connexa("send", BOB, "I am back", "--wait", "delivered", "--timeout", "30")).data
            assert sent["text"] == "I am back"
        finally:
            await connexa("down")
