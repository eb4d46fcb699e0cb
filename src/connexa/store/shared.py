"""A PostgreSQL database that several processes of one homeserver write, one transaction at a time.

Whoever writes holds an advisory lock from the beginning of its transaction to the end. So whatever is right with the one writer of an
embedded database is right here, the order of commits is the order of beginnings, and at its beginning a transaction hears what the others
have changed since this process last wrote: a log that triggers write for what is watched, and what `Opening` asks (decision 0028).

Statements run on the loop's thread, a round trip each (30 µs on one machine); waiting for the lock, COMMIT and connecting run on the
writer's thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Final, Protocol, TypeVar

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import BytesBinaryDumper, StrBinaryDumper

from connexa.errors import ConnexaError, RefusedError
from connexa.store.contract import Execute, Row, Store
from connexa.store.dialect import in_postgres, tables_in_postgres

__all__ = ["BLOCK", "Opening", "SharedDatabase", "open_shared"]

T = TypeVar("T")
Connection = psycopg.Connection[Row]

CONNECT_SECONDS: Final = 5
LOOK_AGAIN_SECONDS: Final = 0.5  # between attempts to connect for reading, which hold the loop's thread
KEPT_CHANGES: Final = 100_000
BLOCK: Final = 1 << 20  # INCREMENT below; of numbers that are never given twice: what one transaction has
STATEMENTS: Final = 1_024  # prepared, of each connection
# A process that stands still in a transaction holds everybody up, so the database ends it; nobody waits for a turn for ever.
SESSION: Final = (
    "SET client_min_messages = notice",
    "SET synchronous_commit = on",
    "SET idle_in_transaction_session_timeout = '10s'",
    "SET lock_timeout = '20s'",
    "SET statement_timeout = '30s'",
)
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext(current_schema()))"
LOG: Final = """
CREATE TABLE store_version (version BIGINT NOT NULL);
CREATE TABLE store_change (
    id    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    by    BIGINT NOT NULL,
    watch TEXT NOT NULL,
    key   BYTEA NOT NULL
);
CREATE FUNCTION store_note(watch TEXT, key BYTEA) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO store_change (by, watch, key) VALUES (pg_backend_pid(), watch, key);
    RAISE NOTICE '% %', watch, encode(key, 'hex');
END $$;
CREATE FUNCTION store_note(watch TEXT, key TEXT) RETURNS void LANGUAGE SQL AS $$
    SELECT store_note(watch, convert_to(key, 'UTF8'))
$$;
CREATE SEQUENCE store_number INCREMENT 1048576;
INSERT INTO store_version VALUES (0);
"""


class Opening(Protocol):
    """What a program asks at the beginning of each transaction, behind the lock, in the same round trip."""

    def questions(self) -> Sequence[str]:
        """Queries without bindings, each of which has rows."""

    def answered(self, answers: Sequence[list[Row]], afresh: bool) -> None:
        """Their rows; `afresh` where the connection is new, so that anything may have changed."""


class _Rows:
    """The rows of a statement, all of them here."""

    __slots__ = ("_rest",)

    def __init__(self, rows: list[Row]) -> None:
        self._rest = iter(rows)

    def __iter__(self) -> Iterator[Row]:
        return self._rest

    def __next__(self) -> Row:
        return next(self._rest)

    def fetchall(self) -> list[Row]:
        return [*self._rest]

    def fetchone(self) -> Row | None:
        return next(self._rest, None)


class _WholeNumbers(Loader):
    """PostgreSQL's sums of integers are decimals."""

    def load(self, data: Buffer) -> int:
        return int(bytes(data))


class SharedDatabase(Store):
    """One schema of one PostgreSQL database; `open_shared` makes it."""

    waits_to_begin: ClassVar[bool] = True
    failures: ClassVar[type[Exception]] = psycopg.Error

    def __init__(self, url: str) -> None:
        self._url = url
        self._reader = _connect(self._url)
        self._retry_at = 0.0
        self._opening: Opening | None = None
        self._watches: dict[str, Callable[[Any], None]] = {}
        self._watches_of_others: dict[str, Callable[[Any], None]] = {}
        self.block = 0  # the first of the numbers that are this transaction's: each is greater than all of those before
        self._heard = 0  # the newest change that this process knows of
        self._too_many = False
        self._afresh = True
        self._answers: list[list[Row]] = []
        self.execute = self._execute
        self._connect_writer()

    # ---- reading

    def read(self, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """Run a query on what is committed; one more attempt by a new connection where the old one was lost."""
        try:
            if self._reader.broken:
                self._connect_reader()
            try:
                return _run(self._reader, sql, bindings)
            except psycopg.OperationalError:
                if not self._reader.broken:
                    raise
                self._connect_reader()
                return _run(self._reader, sql, bindings)
        except psycopg.Error as error:
            raise self.error_of(error) from error

    def _connect_reader(self) -> None:
        now = time.monotonic()
        if now < self._retry_at:
            raise psycopg.OperationalError
        self._retry_at = now + LOOK_AGAIN_SECONDS
        self._reader = _connect(self._url)

    def once(self, operation: Callable[[Execute], T]) -> T:
        """Run one operation in a transaction of its own."""
        try:
            self.transaction_wait()
            self.transaction_begin()
            try:
                result = operation(self.execute)
            except BaseException:
                self.transaction_abandon()
                raise
            self.transaction_commit()
            return result
        except psycopg.Error as error:
            raise self.error_of(error) from error

    # ---- what changes

    def watch(self, table: str, column: str, changed: Callable[[Any], None], events: Sequence[str], *, where: str = "") -> None:
        """By triggers that stay: they log for the other processes, and tell this one by a notice."""
        for watch in self._make_watches(table, column, events, where):
            self._watches[watch] = self._watches_of_others[watch] = changed

    def watch_others(self, table: str, column: str, changed: Callable[[bytes], None], events: Sequence[str]) -> None:
        """By the same triggers, without hearing their notices."""
        for watch in self._make_watches(table, column, events):
            self._watches_of_others[watch] = changed

    def _make_watches(self, table: str, column: str, events: Sequence[str], where: str = "") -> Iterator[str]:
        """Make what triggers are not there yet; returns the names under which they tell."""
        there = {str(row[0]) for row in self.read("SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(?)", (table,))}
        for event in events:
            kind = event.split()[0]
            for row in {"INSERT": ("new",), "DELETE": ("old",)}.get(kind, ("old", "new")):
                watch = f"watch_{table}_{column}_{kind}_{row}".lower()
                if watch not in there:
                    self._make_trigger(watch, f"{event} ON {table}", f"{row}.{column}", f"WHEN ({row}.{where})" if where else "")
                yield watch

    def _make_trigger(self, name: str, event: str, value: str, when: str) -> None:
        body = f"BEGIN PERFORM store_note('{name}', {value}); RETURN NULL; END"
        with self._reader.transaction():
            _run(self._reader, f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
            _run(self._reader, f"CREATE OR REPLACE TRIGGER {name} AFTER {event} FOR EACH ROW {when} EXECUTE FUNCTION {name}()")

    def newest_number(self) -> int:
        """No transaction that has begun has a greater one."""
        return int(self.read("SELECT last_value FROM store_number")[0][0]) + BLOCK - 1

    def open_with(self, opening: Opening) -> None:
        """From now on each transaction begins with these questions."""
        self._opening = opening

    def _connect_writer(self) -> None:
        self._writer = _connect(self._url)
        self._writer.add_notice_handler(self._hear_notice)
        self._afresh = True

    def _hear_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        watch, _, key = (notice.message_primary or "").partition(" ")
        if (changed := self._watches.get(watch)) is not None:
            changed(bytes.fromhex(key))

    # ---- transactions

    def transaction_wait(self) -> None:
        """Take the lock, and read what the others did since."""
        if self._writer.broken or self._writer.closed:
            self._connect_writer()
        elif self._writer.info.transaction_status is not TransactionStatus.IDLE:
            self._writer.execute("ROLLBACK", prepare=False)
        asked = [
            "BEGIN",
            LOCK,
            f"SELECT id, watch, key FROM store_change WHERE id > {self._heard} AND by <> pg_backend_pid() ORDER BY id",  # noqa: S608 - a number
            "SELECT max(id), min(id), (SELECT nextval('store_number')) FROM store_change",
            *(self._opening.questions() if self._opening is not None else ()),
        ]
        cursor = self._writer.cursor(binary=False)
        cursor.execute(in_postgres("; ".join(asked)), prepare=False)
        self._answers = []
        for _ in asked:
            self._answers.append(cursor.fetchall() if cursor.description else [])
            cursor.nextset()

    def transaction_begin(self) -> None:
        """Take in what the others did."""
        _, _, changes, [(newest, oldest, self.block)], *answers = self._answers
        if (oldest or 0) > self._heard + 1:
            self._afresh = True  # others have changed more than is kept of it
        for _, watch, key in changes:
            if (changed := self._watches_of_others.get(watch)) is not None:
                changed(key)
        self._heard = max(self._heard, newest or 0)
        self._too_many = (newest or 0) - (oldest or 0) > KEPT_CHANGES
        afresh, self._afresh = self._afresh, False
        if self._opening is not None:
            self._opening.answered(answers, afresh)

    def transaction_commit(self) -> None:
        """Commit; the lock goes with it."""
        if self._too_many:
            self._writer.execute("DELETE FROM store_change WHERE id <= $1", (self._heard - KEPT_CHANGES // 2,))
        self._writer.execute("COMMIT", prepare=False)

    def transaction_abandon(self) -> None:
        """Roll back, or leave the connection, with which the database does."""
        try:
            if not self._writer.broken and self._writer.info.transaction_status is not TransactionStatus.IDLE:
                self._writer.execute("ROLLBACK", prepare=False)
        except psycopg.Error:
            self._writer.close()

    def _execute(self, sql: str, bindings: Sequence[Any] = ()) -> _Rows:
        return _Rows(_run(self._writer, sql, bindings))

    def spares_others(self, error: Exception) -> bool:
        """Whatever the database says of one statement; a lost connection, a full disk or its shutdown end the whole transaction."""
        return isinstance(error, psycopg.IntegrityError | psycopg.DataError | psycopg.ProgrammingError) and not self._writer.broken

    def error_of(self, error: Exception) -> ConnexaError:
        """No word of the database's own: it may hold what a person has sent."""
        if isinstance(error, psycopg.errors.DiskFull):
            return ConnexaError("store.full", "The disk is full.", "Free some space; nothing that was accepted is lost.", retryable=True)
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return ConnexaError("store.unavailable", "The database does not answer.", "It is tried again.", retryable=True)
        return ConnexaError("store.failed", "The database refused a statement.")

    # ---- the rest

    def size(self) -> int:
        """What the tables of the schema take, indexes included."""
        sql = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relnamespace = ?::regnamespace"
        (schema,) = self.read("SELECT current_schema()")[0]
        return int(self.read(sql, (schema,))[0][0])

    def truncate_log(self) -> None:
        """PostgreSQL keeps its own log, on its own terms."""

    def close(self) -> None:
        """Close both connections."""
        self._reader.close()
        self._writer.close()


def _connect(url: str) -> Connection:
    connection: Connection = psycopg.Connection.connect(
        url, autocommit=True, connect_timeout=CONNECT_SECONDS, cursor_factory=psycopg.RawCursor, application_name="connexa"
    )
    connection.prepare_threshold = 0
    connection.prepared_max = STATEMENTS
    for kind, dumper in ((int, Int8BinaryDumper), (bool, Int8BinaryDumper), (str, StrBinaryDumper), (bytes, BytesBinaryDumper)):
        connection.adapters.register_dumper(kind, dumper)
    connection.adapters.register_loader("numeric", _WholeNumbers)
    for setting in SESSION:
        connection.execute(setting, prepare=False)
    return connection


def _run(connection: Connection, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
    cursor = connection.cursor(binary=True)
    cursor.execute(in_postgres(sql), bindings)
    return cursor.fetchall() if cursor.description is not None else []


def open_shared(url: str, migrations: Sequence[str]) -> SharedDatabase:
    """Connect to `postgresql://…` and bring the schema up to date, one process at a time; errors never name the address or its password.

    Raises `store.unavailable`, `store.newer`.
    """
    try:
        connection = _connect(url)
        try:
            _migrate(connection, migrations)
        finally:
            connection.close()
        return SharedDatabase(url)
    except psycopg.Error as error:
        raise ConnexaError(
            "store.unavailable", "The database cannot be used.", "Check that it runs, and what `store` says.", retryable=True
        ) from (None if isinstance(error, psycopg.OperationalError) else error)


def _migrate(connection: Connection, migrations: Sequence[str]) -> None:
    with connection.transaction():
        connection.execute(LOCK)
        if connection.execute("SELECT to_regclass('store_version')").fetchall() == [(None,)]:
            connection.execute(LOG, prepare=False)
        version = int(connection.execute("SELECT version FROM store_version").fetchall()[0][0])
        if version > len(migrations):
            raise RefusedError("store.newer", "This database was written by a newer Connexa.", "Upgrade Connexa, then start again.")
        for migration in migrations[version:]:
            for statement in tables_in_postgres(migration):
                connection.execute(statement, prepare=False)
        connection.execute("UPDATE store_version SET version = $1", (len(migrations),))
