"""The doctor: well where all is well, and each fault with its cause; nothing in it names anybody."""

from __future__ import annotations

from pathlib import Path

import msgspec

from connexa.node.doctor import examine
from connexa.node.schema import MIGRATIONS
from connexa.node.views import Verdict
from connexa.store import open_database
from connexa.testing import FakeClock, SeededRandom, World
from connexa.testing.world import STORE_KEY

from .correspondents import make_home


async def test_two_friends_are_well_and_named_nowhere(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        (bob,) = await world.person("bob@b.example")
        await world.befriend(alice, bob)
        found = await alice.node.doctor()
        unwell = {check.name: check.verdict for check in found.checks if check.name != "disk" and check.verdict is not Verdict.OK}
        assert unwell == {"backup": Verdict.WARNING}  # the recovery words are not confirmed yet
        text = msgspec.json.encode(found).decode()
        for secret in ("alice", "bob", ".example", alice.node.account().user, alice.node.account().device[:8]):
            assert secret not in text
        assert {check.account for check in found.checks} == {0, 1}


async def test_each_fault_is_found(tmp_path: Path) -> None:
    async with World.open(tmp_path) as world:
        (alice,) = await world.person("alice@a.example")
        await alice.node.send("", "nobody@nowhere.example", "this waits")
        now = world.clock()
        await alice.stop()
        database = open_database(world.directory / alice.name / "node.db", STORE_KEY, MIGRATIONS)
        execute = database.writer_connection.execute
        execute(
            "INSERT INTO ask (account, person, device, unopened, since, due, tries) VALUES (1, 7, x'00', 2, ?, ?, 4)", (now, now + 10**6)
        )
        execute("UPDATE outbox SET created = ?", (now - 7_200,))
        execute("UPDATE account SET dropped = 3, rolled_back = ?", (now,))
        database.close()
        await alice.start()
        await alice.until_up()
        found = {check.name: check for check in (await alice.node.doctor()).checks}
        assert found["messages"].verdict is Verdict.ERROR
        assert "2 messages did not open" in found["messages"].text
        assert found["outbox"].verdict is found["strangers"].verdict is found["store"].verdict is Verdict.WARNING
        assert (await alice.node.doctor()).verdict is Verdict.ERROR


async def test_a_damaged_database_is_an_error(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "node.db"
    home = make_home(path, clock, SeededRandom(1))
    assert {check.verdict for check in (await examine(home, [])).checks if check.name == "database"} == {Verdict.OK}
    home.database.writer_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(path.read_bytes())
    for page in range(4, len(raw) // 4096):
        raw[page * 4096 + 100] ^= 1
    path.write_bytes(raw)
    (found,) = (check for check in (await examine(home, [])).checks if check.name == "database")
    assert found.verdict is Verdict.ERROR
    assert "backup" in found.hint
    await home.writer.close()
    home.database.close()
