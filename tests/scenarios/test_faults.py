"""A disk that is full, a database that cannot be written, a clock that is wrong: it is said, it ends, and nothing accepted is lost."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connexa.node.views import MessageState
from connexa.testing import FakeClock, Program, ProgramWorld, World, run_program

ALICE, BOB = "alice@a.example", "bob@b.example"
SKEW = 600.0

needs_prlimit = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits the files of another process")


@contextmanager
def full_disk(program: Program) -> Iterator[None]:
    """No file of this running program may grow: what a full disk does, to it alone."""
    _, most = resource.prlimit(program.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """A file that even its owner cannot write; root needs the file system's word for it."""
    if os.geteuid() != 0:
        path.chmod(0o400)
        yield
        path.chmod(0o600)
        return
    chattr = shutil.which("chattr")
    if chattr is None or subprocess.run([chattr, "+i", path], capture_output=True, check=False).returncode:
        pytest.skip("root writes everywhere here")
    try:
        yield
    finally:
        subprocess.run([chattr, "-i", path], check=True)


@needs_prlimit
async def test_a_homeserver_with_a_full_disk_says_not_now_and_loses_nothing(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        ids = [f"{number:032x}" for number in range(1, 21)]
        with full_disk(world.servers["a.example"].program):
            for identity in ids:
                await alice.client.send(BOB, f"text {identity}", identity)
            health = await world.servers["a.example"].ask("GET", "/v1/status")
            assert world.servers["a.example"].program.running
            info = await alice.client.get(f"/api/message/{ids[0]}")
            assert info["message"]["state"] == "queued"
            assert health
        for identity in ids:
            await bob.client.until_text(ALICE, f"text {identity}")
        texts = await bob.client.texts(ALICE)
        assert [text for text in texts if text.startswith("text ")] == [f"text {identity}" for identity in ids]


@needs_prlimit
async def test_a_node_with_a_full_disk_refuses_to_promise_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path) as world:
        (alice,) = await world.person(ALICE)
        (bob,) = await world.person(BOB)
        await world.befriend(alice, bob)
        with full_disk(bob.program):
            await alice.client.send(BOB, "into a full disk", "a" * 32)
            refused = await run_program(["--json", "send", ALICE, "no room for this"], home=bob.program.home, env=bob.program.env)
            assert (refused.code, refused.error["code"]) == (1, "store.full"), bob.program.output
            assert bob.program.running
        await bob.client.until_text(ALICE, "into a full disk")
        await bob.client.send(ALICE, "room again", "b" * 32)
        await alice.client.until_text(BOB, "room again")
        assert "no room for this" not in await alice.client.texts(BOB)


async def test_a_database_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    async with ProgramWorld.open(tmp_path, domains=("a.example",)) as world:
        (alice,) = await world.person(ALICE)
        server = world.servers["a.example"]
        await alice.program.stop()
        await server.program.stop()
        for program, found in ((alice.program, "node.db"), (server.program, "server.db")):
            (database,) = program.home.rglob(found)
            with unwritable(database):
                ended = await run_program(program.argv, home=program.home, env=program.env)
            assert (ended.code, ended.error["code"]) == (5, "store.read_only"), ended
            assert len(ended.stderr.strip().splitlines()) == 1
        await server.program.start()
        await alice.program.start()
        await world.until_up(alice)


@pytest.mark.parametrize("seconds", [SKEW, -SKEW])
async def test_a_node_whose_clock_is_ten_minutes_wrong_is_told_and_loses_nothing(tmp_path: Path, seconds: float) -> None:
    async with World.open(tmp_path) as world:
        (bob,) = await world.person(BOB)
        right = world.clock
        world.clock = FakeClock(right() + seconds, runs=True)
        (alice,) = await world.person(ALICE)
        world.clock = right
        await world.befriend(alice, bob)
        sent = await alice.node.send("", BOB, "what time is it?")
        await bob.until_text(ALICE, "what time is it?")
        await alice.until_state(sent.id, MessageState.DELIVERED)
        await bob.node.send("", ALICE, "noon")
        await alice.until_text(BOB, "noon")
        assert "clock.skewed" in alice.node.status().warnings
        assert "clock.skewed" not in bob.node.status().warnings
