"""The encrypted file: what is on disk, what opens it, what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connexa.errors import ConnexaError
from connexa.store import open_database

KEY = bytes(range(32))
SCHEMA = ("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",)
CANARY = "the heron stands in the reeds"


def test_reopen_finds_what_was_written(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db", KEY, SCHEMA)
    database.writer_connection.execute("INSERT INTO note (text) VALUES (?)", (CANARY,))
    database.close()
    again = open_database(tmp_path / "a.db", KEY, SCHEMA)
    assert again.read("SELECT text FROM note") == [(CANARY,)]
    again.close()


def test_neither_file_nor_wal_holds_plaintext(tmp_path: Path) -> None:
    database = open_database(tmp_path / "a.db", KEY, SCHEMA)
    for _ in range(100):
        database.writer_connection.execute("INSERT INTO note (text) VALUES (?)", (CANARY,))
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(on_disk) > 100 * len(CANARY)
    assert CANARY.encode() not in on_disk and b"SQLite format" not in on_disk
    assert database.size() >= 4096
    database.close()


def test_another_key_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    open_database(tmp_path / "a.db", KEY, SCHEMA).close()
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(ConnexaError) as refusal:
        open_database(tmp_path / "a.db", bytes(32), SCHEMA)
    assert (refusal.value.code, refusal.value.exit_code) == ("store.locked", 5)
    assert (tmp_path / "a.db").read_bytes() == before


def test_a_flipped_byte_is_an_integrity_error(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    database = open_database(path, KEY, SCHEMA)
    for _ in range(1000):
        database.writer_connection.execute("INSERT INTO note (text) VALUES (?)", (CANARY,))
    database.close()
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) - 2000] ^= 1
    path.write_bytes(damaged)
    database = open_database(path, KEY, SCHEMA)
    with pytest.raises(ConnexaError) as refusal:
        database.read("SELECT text FROM note")
    assert (refusal.value.code, refusal.value.exit_code) == ("store.corrupt", 8)


def test_migrations_run_once_and_in_order(tmp_path: Path) -> None:
    open_database(tmp_path / "a.db", KEY, SCHEMA).close()
    longer = (*SCHEMA, "ALTER TABLE note ADD COLUMN at INTEGER NOT NULL DEFAULT 7")
    database = open_database(tmp_path / "a.db", KEY, longer)
    database.writer_connection.execute("INSERT INTO note (text) VALUES ('x')")
    assert database.first("SELECT at FROM note") == (7,)
    database.close()
    with pytest.raises(ConnexaError) as refusal:
        open_database(tmp_path / "a.db", KEY, SCHEMA)
    assert refusal.value.code == "store.newer"


def test_a_failed_migration_leaves_the_version(tmp_path: Path) -> None:
    open_database(tmp_path / "a.db", KEY, SCHEMA).close()
    with pytest.raises(ConnexaError):
        open_database(tmp_path / "a.db", KEY, (*SCHEMA, "CREATE TABLE other (x ANY) STRICT; CREATE TABLE note (x ANY) STRICT"))
    database = open_database(tmp_path / "a.db", KEY, SCHEMA)
    assert database.read("SELECT name FROM sqlite_schema WHERE name = 'other'") == []
    database.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_database(tmp_path / "a.db", KEY, SCHEMA).close()
    assert (tmp_path / "a.db").stat().st_mode & 0o077 == 0


def test_a_deleted_secret_leaves_the_file(tmp_path: Path) -> None:
    """The encryption hides it from others; secure_delete hides it from whoever gets the key later."""
    database = open_database(tmp_path / "a.db", KEY, SCHEMA)
    assert database.writer_connection.pragma("secure_delete") == 1
    assert database.writer_connection.pragma("synchronous") == 2
    assert database.writer_connection.pragma("journal_mode") == "wal"
    database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConnexaError) as refusal:
        open_database(tmp_path / "a.db", KEY, SCHEMA)
    assert refusal.value.code == "store.read_only"
