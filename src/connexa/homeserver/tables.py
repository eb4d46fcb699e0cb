"""Reading rows, inside an operation of the writer or on what is committed, by the same functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from connexa.store import Execute, Row

__all__ = ["Query", "first", "marks", "put_setting"]

Query = Callable[[str, Sequence[Any]], Iterable[Row]]
"""`Database.read`, or an operation's `execute`."""


def first(query: Query, sql: str, bindings: Sequence[Any] = ()) -> Row | None:
    """The first row, or None."""
    return next(iter(query(sql, bindings)), None)


def marks(count: int) -> str:
    """Placeholders for a list in SQL."""
    return ",".join("?" * count)


def put_setting(execute: Execute, name: str, value: bytes) -> None:
    """Keep a setting of the homeserver's own, instead of what it was."""
    sql = "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    execute(sql, (name, value))
