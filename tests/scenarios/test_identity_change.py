"""Bob loses everything and begins anew at his address, with real programs and the command line, as the two people would do it (P26)."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from connexa.testing import ProgramDevice, ProgramWorld, run_program
from connexa.testing.program import environment

pytestmark = pytest.mark.xdist_group("processes")

ALICE, BOB = "alice@a.example", "bob@b.example"


async def begin_anew(world: ProgramWorld) -> ProgramDevice:
    server = world.servers["b.example"]
    reset = await run_program(["--json", "server", "user", "reset", "bob", "--yes"], home=server.home, env=server.env)
    assert reset.code == 0, reset.stderr
    device = await world.device("bob-anew", BOB)
    await device.client.create_account(BOB, reset.data["invite"])
    await world.until_up(device)
    return device


async def on(device: ProgramDevice, *words: str, stdin: str = "") -> tuple[int, str, str]:
    ended = await run_program([*words], home=device.program.home, env=device.program.env, stdin=stdin)
    return ended.code, ended.stdout, ended.stderr


def at_a_terminal(device: ProgramDevice, *words: str, typed: str) -> tuple[int, str]:
    """Call the command line with a terminal in front of it, where somebody answers its question."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "connexa.cli", *words]
    env = {**environment(device.program.home, device.program.env), "TERM": "xterm"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, close_fds=True) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            shown += part
        code = process.wait(30)
    os.close(ours)
    return code, shown.decode()


async def test_a_verified_contacts_new_key_blocks_until_it_was_compared(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        code, shown = at_a_terminal(alice, "contact", "verify", BOB, typed="y\n")
        assert code == 0, shown
        number = re.findall(r"\b\d{5}\b", shown)
        assert len(number) == 12 and "▄" in shown  # twelve groups of five, and the code to scan
        theirs = await bob.client.get(f"/api/contacts/{ALICE}/safety-number")
        assert "".join(number) == theirs["digits"]
        assert "verified" in shown

        await bob.program.kill()
        anew = await begin_anew(world)
        await alice.client.send(BOB, "for the Bob whom I verified", "a" * 32)

        async def changed() -> bool | None:
            return True if (await alice.client.get(f"/api/contacts/{BOB}"))["trust"] == "changed" else None

        await alice.client.until(changed, what="the new key")
        code, _, err = await on(alice, "send", BOB, "another")
        assert (code, "identity.changed" in err or "Another key" in err) == (5, True)
        code, out, err = await on(alice, "contact", "show", BOB)
        assert code == 0
        for words in ("changed", "new key", "contact verify", "contact trust", "contact keep", "contact remove"):
            assert words in out + err
        code, shown = at_a_terminal(alice, "contact", "verify", BOB, typed="n\n")
        assert code == 8, shown
        code, _, _ = await on(alice, "contact", "verify", BOB, "--digits", "-", stdin=theirs["digits"])
        assert code == 8  # the number of the key that is gone
        assert (await alice.client.get("/api/message/" + "a" * 32))["message"]["state"] == "queued"
        theirs = await anew.client.get("/api/requests")
        assert theirs["items"] == []

        await anew.client.send(ALICE, "it is me", "b" * 32)
        request = await alice.client.until_request()
        assert request["warning"] == "identity.changed"
        digits = (await anew.client.get(f"/api/contacts/{ALICE}/safety-number"))["digits"]
        code, out, err = await on(alice, "contact", "verify", BOB, "--digits", "-", stdin=digits)
        assert code == 0, err
        await anew.client.until_text(ALICE, "for the Bob whom I verified")
        await alice.client.until_text(BOB, "it is me")
        code, out, _ = await on(alice, "read", BOB)
        assert code == 0
        assert "another key answers" in out and "you verified this contact" in out and "may I?" in out
