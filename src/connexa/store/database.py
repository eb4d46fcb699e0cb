"""Open one encrypted database file: ChaCha20-Poly1305 pages, WAL, FULL, numbered migrations.

`synchronous=FULL` because a ratchet step must be durable before its ciphertext leaves (pairwise P33) and because an acknowledged
message survives a crash. Nothing here knows what is stored.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import apsw

from connexa.errors import ConflictError, ConnexaError, IntegrityError, RefusedError
from connexa.store.contract import Execute, Row, Store

__all__ = ["Database", "open_as_it_is", "open_database"]

T = TypeVar("T")

# WAL pages before a checkpoint; larger transactions than the default thousand pages are normal here.
AUTO_CHECKPOINT_PAGES = 4000
# Prepared statements that are kept: a node has more different ones than the hundred that are kept by default.
STATEMENTS = 512
# Pages that a copy takes between two reports of how far it is.
COPIED_AT_ONCE = 2_000


class Database(Store):
    """One file, two connections: `writer_connection` belongs to the `Writer` alone, `read` uses the other."""

    waits_to_begin: ClassVar[bool] = False
    failures: ClassVar[type[Exception]] = apsw.Error

    def __init__(self, path: Path, connect: Callable[[], apsw.Connection]) -> None:
        self.path = path
        self._connect = connect
        self.writer_connection = connect()
        self.execute = self.writer_connection.execute
        self._reader = connect()

    def read(self, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """Run a query on what is committed and return all its rows; keep pages small (a long read holds up checkpoints)."""
        try:
            return self._reader.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise store_error(error) from error

    def once(self, operation: Callable[[Execute], T]) -> T:
        """Run one operation in a transaction of its own: for a database that has no `Writer`, such as one for a trial."""
        try:
            with self.writer_connection:
                result = operation(self.writer_connection.execute)
        except apsw.Error as error:
            raise store_error(error) from error
        return result

    def watch(self, table: str, column: str, changed: Callable[[Any], None], events: Sequence[str], *, where: str = "") -> None:
        """By a trigger of the writer's connection: nobody else writes."""
        heard = f"watch_{table}"

        def hear(value: Any) -> None:
            changed(value)

        self.writer_connection.create_scalar_function(heard, hear, 1)  # type: ignore[arg-type]  # any value that SQL has
        for event in events:
            kind = event.split()[0]
            for row in {"INSERT": ("new",), "DELETE": ("old",)}.get(kind, ("old", "new")):
                when = f"WHEN {row}.{where}" if where else ""
                self.writer_connection.execute(
                    f"CREATE TEMP TRIGGER {heard}_{kind}_{row} AFTER {event} ON main.{table} {when}"
                    f" BEGIN SELECT {heard}({row}.{column}); END"
                )

    def watch_others(self, table: str, column: str, changed: Callable[[bytes], None], events: Sequence[str]) -> None:
        """Nobody else writes."""

    def size(self) -> int:
        """Bytes on disk, WAL included."""
        wal = self.path.with_name(self.path.name + "-wal")
        return self.path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)

    def aside(self, work: Callable[[Callable[..., Iterable[Row]]], T]) -> T:
        """Run long reads on a connection of their own, on whatever thread this is called; they see one state of the database."""
        try:
            connection = self._connect()
            try:
                connection.execute("BEGIN")
                return work(connection.execute)
            finally:
                connection.close()
        except apsw.Error as error:
            raise store_error(error) from error

    def faults(self) -> list[str]:
        """Read the whole file and name what is damaged, at most a hundred places; runs on any thread, and takes as long as reading does."""
        try:
            connection = self._connect()
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA quick_check")]
            finally:
                connection.close()
        except apsw.Error as error:
            raise store_error(error) from error
        return [] if found == ["ok"] else found

    def transaction_wait(self) -> None:
        """Nobody else writes."""

    def transaction_begin(self) -> None:
        """Take the write lock: whoever has it is in the wrong, and is not waited for (homeserver §3.3 item 2)."""
        self.execute("BEGIN IMMEDIATE")

    def transaction_commit(self) -> None:
        """Write the WAL and wait for the disk, during which the binding releases the interpreter lock."""
        self.execute("COMMIT").fetchall()

    def transaction_abandon(self) -> None:
        """Roll back; if even this fails, the next BEGIN fails as well."""
        with contextlib.suppress(apsw.Error):
            if self.writer_connection.in_transaction:
                self.execute("ROLLBACK")

    def truncate_log(self) -> None:
        """Fold the WAL into the file and empty it."""
        self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def spares_others(self, error: Exception) -> bool:
        """A constraint; with a full disk or an error of reading and writing all is in doubt (homeserver §3.3 item 3)."""
        return isinstance(error, apsw.ConstraintError)

    def error_of(self, error: Exception) -> ConnexaError:
        """What a person can do about it."""
        return store_error(error)

    @property
    def version(self) -> int:
        """How many migrations have been applied."""
        return int(self.writer_connection.pragma("user_version"))

    def copy_to(self, path: Path, key: bytes, told: Callable[[float], object], stamp: Callable[[Execute], None] | None = None) -> None:
        """Copy what is committed now into a new file under another key, beside everything else; `told` hears the share that is done.

        `stamp` writes into the copy. The file is whole, read once more, or not there. Raises `store.exists` where there is one of that
        name, `store.corrupt`, and what the disk says.
        """
        part = path.with_name(f"{path.name}.part")
        try:
            os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            raise ConflictError("store.exists", f"{part} is there: another copy is being made, or one has broken off.") from None
        try:
            self._copy_pages(part, key, told, stamp)
            _name(part, path)
        except apsw.Error as error:
            raise store_error(error) from error
        finally:
            for rest in ("", "-wal", "-shm", "-journal"):
                part.with_name(part.name + rest).unlink(missing_ok=True)

    def _copy_pages(self, part: Path, key: bytes, told: Callable[[float], object], stamp: Callable[[Execute], None] | None) -> None:
        source, target = self._connect(), _connect(part, key)
        try:
            source.execute("BEGIN")  # one state, whatever others write meanwhile
            source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            with target.backup("main", source, "main") as copying:
                while not copying.done:
                    copying.step(COPIED_AT_ONCE)
                    told(1.0 - copying.remaining / max(1, copying.page_count))
            if stamp is not None:
                stamp(target.execute)
            if target.pragma("quick_check") != "ok":
                raise apsw.CorruptError
            target.pragma("journal_mode", "delete")  # nothing beside the file
        finally:
            target.close()
            source.close()

    def close(self) -> None:
        """Close both connections; the last one folds the WAL into the file."""
        self._reader.close()
        self.writer_connection.close()


def open_database(path: Path, key: bytes, migrations: Sequence[str]) -> Database:
    """Open or create the file with a 32-byte key and bring its schema up to date.

    `migrations[i]` is the SQL that leads from schema version i to i + 1; a file from a newer program is refused.
    Raises `store.locked` (wrong key), `store.corrupt`, `store.newer`, `store.read_only`, `store.full`.
    """
    if len(key) != 32:
        raise RefusedError("store.locked", "The database key has the wrong length.")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        database = Database(path, lambda: _connect(path, key))
        _migrate(database.writer_connection, migrations)
        return database
    except apsw.Error as error:
        raise store_error(error) from error


def open_as_it_is(path: Path, key: bytes) -> Database:
    """Open a file that is there, of whatever schema version, and change nothing."""
    try:
        return Database(path, lambda: _connect(path, key))
    except apsw.Error as error:
        raise store_error(error) from error


def _name(part: Path, path: Path) -> None:
    """Give a file its name once it is durable, and never over another one."""
    _sync(part)
    try:
        os.link(part, path)
    except FileExistsError:
        raise ConflictError("store.exists", f"{path} is there already.", "Take another name.") from None
    _sync(part.parent)


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, key: bytes) -> apsw.Connection:
    connection = apsw.Connection(str(path), statementcachesize=STATEMENTS)
    for pragma in _pragmas(key):
        connection.pragma(*pragma)
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # a wrong key shows here, not later
    if connection.readonly("main"):  # SQLite falls back to reading where it may not write
        raise apsw.ReadOnlyError
    return connection


def _pragmas(key: bytes) -> Iterator[tuple[str, str | int]]:
    yield "cipher", "chacha20"
    yield "key", f"raw:{key.hex()}"  # raw: no key stretching on open; must come before any other statement
    yield "journal_mode", "wal"
    yield "synchronous", "full"
    yield "secure_delete", "on"
    yield "cache_size", -65536
    yield "temp_store", "memory"
    yield "foreign_keys", "on"
    yield "wal_autocheckpoint", AUTO_CHECKPOINT_PAGES


def _migrate(connection: apsw.Connection, migrations: Sequence[str]) -> None:
    version = int(connection.pragma("user_version"))
    if version > len(migrations):
        raise RefusedError("store.newer", "This database was written by a newer Connexa.", "Upgrade Connexa, then start again.")
    for number in range(version, len(migrations)):
        with connection:  # the schema and its number change together
            connection.execute(migrations[number])
            connection.pragma("user_version", number + 1)


def store_error(error: Exception) -> ConnexaError:
    """Turn the binding's error into ours, with what a person can do about it."""
    if isinstance(error, apsw.NotADBError):
        return RefusedError("store.locked", "The database does not open with this key.", "Check the password or the key file.")
    if isinstance(error, apsw.CorruptError):
        return IntegrityError("store.corrupt", "The database file is damaged.", "Restore it from a backup.")
    if isinstance(error, apsw.FullError):
        return ConnexaError("store.full", "The disk is full.", "Free some space; nothing that was accepted is lost.", retryable=True)
    if isinstance(error, apsw.IOError):
        return ConnexaError("store.full", "The disk does not take writes.", "Check the disk and its free space.", retryable=True)
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        return RefusedError("store.read_only", "The database cannot be written.", "Check the file's owner and permissions.")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return RefusedError("store.busy", "Another program has this database open.", "Stop it first.")
    return ConnexaError("store.failed", "The database refused a statement.")
