"""Group commit: order, durability before the answer, one failing operation alone, and a failing disk for all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from connexa.errors import ConnexaError
from connexa.store import Database, Execute, Writer, open_database
from connexa.store.writer import MAX_WAITING

SCHEMA = ("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT",)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = open_database(tmp_path / "a.db", bytes(32), SCHEMA)
    yield database
    database.close()


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    writer = Writer(database)
    yield writer
    await writer.close()


def insert(text: str) -> Callable[[Execute], str]:
    def operation(execute: Execute) -> str:
        execute("INSERT INTO note (text) VALUES (?)", (text,))
        return text

    return operation


async def test_the_result_comes_after_the_commit(database: Database, writer: Writer) -> None:
    assert await writer.run(insert("a")) == "a"
    assert database.read("SELECT text FROM note") == [("a",)]  # the reader sees only what is committed


async def test_order_is_kept_across_batches(database: Database, writer: Writer) -> None:
    futures = [writer.submit(insert(f"{n:05}")) for n in range(5000)]
    assert await asyncio.gather(*futures) == [f"{n:05}" for n in range(5000)]
    assert [text for (text,) in database.read("SELECT text FROM note ORDER BY id")] == [f"{n:05}" for n in range(5000)]


async def test_a_callers_error_undoes_its_operation_alone(database: Database, writer: Writer) -> None:
    def half_done(execute: Execute) -> None:
        execute("INSERT INTO note (text) VALUES ('half')")
        raise LookupError("no")

    before, failing, after = writer.submit(insert("before")), writer.submit(half_done), writer.submit(insert("after"))
    results = await asyncio.gather(before, failing, after, return_exceptions=True)
    assert isinstance(results[1], LookupError)
    assert database.read("SELECT text FROM note ORDER BY id") == [("before",), ("after",)]


async def test_an_operation_that_runs_out_of_rows_fails_alone(database: Database, writer: Writer) -> None:
    before, failing = writer.submit(insert("before")), writer.submit(lambda execute: next(execute("SELECT 1 WHERE 0")))
    async with asyncio.timeout(5):
        results = await asyncio.gather(before, failing, writer.submit(insert("after")), return_exceptions=True)
    assert (results[0], results[2]) == ("before", "after") and isinstance(results[1], RuntimeError)
    assert database.read("SELECT text FROM note ORDER BY id") == [("before",), ("after",)]


async def test_what_nobody_waits_for_any_more_is_not_begun(database: Database, writer: Writer) -> None:
    unwanted, wanted = writer.submit(insert("unwanted")), writer.submit(insert("wanted"))
    unwanted.cancel()
    assert await wanted == "wanted"
    assert database.read("SELECT text FROM note") == [("wanted",)]


async def test_more_than_may_wait_is_refused_and_what_waits_is_done(writer: Writer) -> None:
    waiting = [writer.submit(lambda _execute: None) for _ in range(MAX_WAITING)]
    refused = writer.submit(lambda _execute: None)
    with pytest.raises(ConnexaError) as refusal:
        await refused
    assert (refusal.value.code, refusal.value.retryable) == ("store.busy", True)
    await asyncio.gather(*waiting)


async def test_a_constraint_fails_its_operation_alone(database: Database, writer: Writer) -> None:
    results = await asyncio.gather(*(writer.submit(insert(t)) for t in ("x", "x", "y")), return_exceptions=True)
    assert isinstance(results[1], ConnexaError)
    assert database.read("SELECT text FROM note ORDER BY id") == [("x",), ("y",)]


async def test_a_full_disk_fails_the_batch_and_the_next_write_probes(database: Database, writer: Writer) -> None:
    await writer.run(insert("kept"))
    pages = database.first("PRAGMA page_count")
    assert pages is not None
    await writer.run(lambda execute: execute(f"PRAGMA max_page_count = {pages[0]}").fetchall())
    results = await asyncio.gather(writer.submit(insert("small")), writer.submit(insert("x" * 100_000)), return_exceptions=True)
    assert [isinstance(r, ConnexaError) and r.code == "store.full" and r.retryable for r in results] == [True, True]
    assert writer.failure is not None
    assert database.read("SELECT text FROM note") == [("kept",)]  # nothing of the batch happened
    await writer.run(lambda execute: execute("PRAGMA max_page_count = 100000").fetchall())
    assert await writer.run(insert("again")) == "again"
    assert writer.failure is None


@pytest.mark.parametrize("broken", [("ROLLBACK", "INSERT"), ("ROLLBACK", "COMMIT")])
async def test_a_disk_that_takes_no_rollback_either_hangs_nobody(database: Database, writer: Writer, broken: tuple[str, ...]) -> None:
    def trace(_cursor: object, sql: str, _bindings: object) -> bool:
        return not sql.startswith(broken)

    database.writer_connection.exec_trace = trace
    async with asyncio.timeout(5):
        with pytest.raises(ConnexaError):
            await writer.run(insert("lost"))
        database.writer_connection.exec_trace = None
        with pytest.raises(ConnexaError):
            await writer.run(insert("the probe"))  # the old transaction is still there, and ends here
        assert await writer.run(insert("again")) == "again"
    assert database.read("SELECT text FROM note") == [("again",)]


async def test_close_finishes_what_waits(tmp_path: Path) -> None:
    database = open_database(tmp_path / "b.db", bytes(32), SCHEMA)
    writer = Writer(database)
    futures = [writer.submit(insert(str(n))) for n in range(100)]
    await writer.close()
    assert all(f.done() for f in futures)
    assert database.first("SELECT count(*) FROM note") == (100,)
    refused = writer.submit(insert("late"))
    with pytest.raises(ConnexaError):
        await refused
    database.close()


async def test_p15_a_truncated_log_leaves_no_page_behind(database: Database, writer: Writer) -> None:
    log = database.path.with_name(database.path.name + "-wal")
    futures = [writer.submit(insert(f"{n}")) for n in range(100)]
    emptied = asyncio.ensure_future(writer.truncate_log())
    await asyncio.gather(*futures, emptied)
    await writer.truncate_log()
    assert log.stat().st_size == 0
    assert await writer.run(insert("after")) == "after"
    assert database.first("SELECT count(*) FROM note") == (101,)
