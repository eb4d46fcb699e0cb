"""A homeserver's backup, the way back from it, and an upgrade; what nodes make of a homeserver that came back is a scenario."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from connexa.crypto import system_random
from connexa.errors import ConflictError, ConnexaError
from connexa.homeserver import backups
from connexa.homeserver.audit import page
from connexa.homeserver.backups import backup_key, make_backup, restore_backup, upgrade
from connexa.homeserver.init import Founded, found, write_settings
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.schema import MIGRATIONS
from connexa.identity import Domain
from connexa.settings import paths
from connexa.store import Database, load_key, open_as_it_is

DOMAIN = Domain("b.example")


def premises(home: Path) -> ServerPremises:
    return ServerPremises(paths("default", {"CONNEXA_HOME": str(home)}))


def founded(home: Path) -> tuple[ServerPremises, Founded, bytes]:
    place = premises(home)
    made = found(place, DOMAIN, password=None, use_keyring=False, clock=time.time, rng=system_random)
    write_settings(place.where, DOMAIN, {"link": 9443}, {"link": "host.example:9443"})
    return place, made, load_key(place.data, system_random)[0]


def opened(place: ServerPremises) -> Database:
    return open_as_it_is(place.database, load_key(place.data, system_random)[0])


def restored(home: Path, file: Path, key: bytes, password: str | None = None) -> backups.Restored:
    return restore_backup(
        premises(home),
        file,
        backup_key(key),
        password=password,
        use_keyring=False,
        clock=time.time,
        rng=system_random,
        told=lambda what, share: None,
    )


def test_a_backup_beside_a_writer_comes_back_whole_with_key_and_settings(tmp_path: Path) -> None:
    place, made, key = founded(tmp_path / "old")
    running = opened(place)
    running.writer_connection.execute("INSERT INTO outcome VALUES (x'01', 1, 1, 1, 0, 5)")
    shares: list[float] = []

    def told(what: str, share: float) -> None:
        shares.append(share)
        running.writer_connection.execute("INSERT INTO outcome VALUES (x'02', ?, 1, 1, 0, 5)", (len(shares),))

    file = make_backup(place, key, tmp_path, told)
    assert shares[-1] == 1.0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [other.name for other in tmp_path.iterdir() if other.name.startswith("homeserver-")] == [file.name]
    raw = file.read_bytes()
    assert b"CREATE TABLE" not in raw and b"b.example" not in raw and b"host.example" not in raw
    running.close()
    file.chmod(0o400)
    came = restored(tmp_path / "new", file, key, password="correct horse")
    assert (came.domain, came.custody.value, came.settings_written) == (DOMAIN, "password", True)
    new = premises(tmp_path / "new")
    assert new.where.profile_file.read_text() == place.where.profile_file.read_text()
    assert sorted(one.name for one in new.data.iterdir()) == ["server.db", "server.lock", "store.key"]
    again, _ = load_key(new.data, system_random, password="correct horse")
    assert again != key
    database = open_as_it_is(new.database, again)
    try:
        assert database.read("SELECT stream FROM outcome") == [(b"\x01",)]
        assert page(database.read, 0, 1)[0].act == "server.restored"
        assert database.read("SELECT count(*) FROM setting WHERE name = 'settings'") == [(0,)]
    finally:
        database.close()
    same = found(new, DOMAIN, password="correct horse", use_keyring=False, clock=time.time, rng=system_random)
    assert (same.keys.published, same.invite) == (made.keys.published, "")


def test_what_comes_back_uses_no_number_and_no_one_time_key_twice(tmp_path: Path) -> None:
    place, _, key = founded(tmp_path / "old")
    database = opened(place)
    write = database.writer_connection.execute
    write("INSERT INTO setting VALUES ('sequence', ?)", ((5_000).to_bytes(8, "big"),))
    write("INSERT INTO queue_stream VALUES ('c.example', x'00112233445566778899aabbccddeeff', 9, 7)")
    for number in (8, -2, 7):
        write("INSERT INTO queue VALUES (?, 'c.example', ?, x'01', 1, 1, 1, 0, x'02')", (abs(number), number))
    for kind in ("otp", "spk", "kem-lr", "sek"):
        write("INSERT INTO prekey VALUES (x'03', ?, 1, 0, 5, x'04')", (kind,))
    for last_resort in (0, 1):
        write("INSERT INTO key_package VALUES (?, x'03', ?, ?, 5, x'05', x'06')", (last_resort + 1, bytes([last_resort]), last_resort))
    database.close()
    file = make_backup(place, key, tmp_path / "file.backup", lambda what, share: None)
    restored(tmp_path / "new", file, key)
    database = opened(premises(tmp_path / "new"))
    try:
        assert int.from_bytes(database.read("SELECT value FROM setting WHERE name = 'sequence'")[0][0], "big") > 1 << 40
        ((stream, following, confirmed),) = database.read("SELECT stream, next_number, confirmed FROM queue_stream")
        assert (stream.hex()[:12] != "001122334455", following, confirmed) == (True, 3, 0)
        assert database.read("SELECT id, number FROM queue ORDER BY id") == [(2, -2), (7, 1), (8, 2)]
        assert [kind for (kind,) in database.read("SELECT type FROM prekey ORDER BY type")] == ["kem-lr", "sek", "spk"]
        assert database.read("SELECT last_resort FROM key_package") == [(1,)]
    finally:
        database.close()


@pytest.mark.parametrize("harm", ["words", "noise", "cut", "changed"])
def test_a_backup_that_does_not_hold_leaves_nothing_behind(tmp_path: Path, harm: str) -> None:
    place, _, key = founded(tmp_path / "old")
    file = make_backup(place, key, tmp_path / "file.backup", lambda what, share: None)
    raw = bytearray(file.read_bytes())
    if harm == "noise":
        raw = bytearray(b"x" * 5_000)
    elif harm == "cut":
        raw = raw[: len(raw) // 2]
    elif harm == "changed":
        raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    with pytest.raises(ConnexaError) as refused:
        restored(tmp_path / "new", file, bytes(32) if harm == "words" else key)
    assert refused.value.code in ("backup.locked", "store.corrupt", "store.full"), refused.value
    new = premises(tmp_path / "new")
    assert sorted(one.name for one in new.data.iterdir()) == ["server.lock"]
    assert not new.where.profile_file.exists()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    place, _, key = founded(tmp_path / "old")
    file = make_backup(place, key, tmp_path / "file.backup", lambda what, share: None)
    before = file.read_bytes()
    with pytest.raises(ConflictError) as twice:
        make_backup(place, key, file, lambda what, share: None)
    assert twice.value.code == "store.exists" and file.read_bytes() == before
    with pytest.raises(ConflictError) as inhabited:
        restored(tmp_path / "old", file, key)
    assert inhabited.value.code == "server.exists"


def test_an_upgrade_makes_a_backup_first_and_a_failing_one_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, _, key = founded(tmp_path)
    nothing = upgrade(place, key, time.time, lambda what, share: None)
    assert (nothing.before, nothing.now, nothing.backup) == (len(MIGRATIONS), len(MIGRATIONS), None)
    monkeypatch.setattr(backups, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE later (id INTEGER) STRICT; NONSENSE"))
    with pytest.raises(ConnexaError):
        upgrade(place, key, time.time, lambda what, share: None)
    database = opened(place)
    assert database.version == len(MIGRATIONS)
    assert database.read("SELECT name FROM sqlite_schema WHERE name = 'later'") == []
    database.close()
    (kept,) = place.data.glob("*.backup")
    kept.unlink()  # the next one may be made in the same second
    monkeypatch.setattr(backups, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE later (id INTEGER) STRICT"))
    done = upgrade(place, key, time.time, lambda what, share: None)
    assert done.backup is not None and (done.before, done.now) == (len(MIGRATIONS), len(MIGRATIONS) + 1)
    database = open_as_it_is(done.backup, backup_key(key).raw)
    assert database.version == len(MIGRATIONS)
    database.close()
    database = opened(place)
    assert database.version == len(MIGRATIONS) + 1
    assert page(database.read, 0, 1)[0].act == "server.upgraded"
    database.close()
