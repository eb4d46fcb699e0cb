"""Which files belong together: a base and its increments, without a gap, each naming the one before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from connexa.backup._head import Head
from connexa.crypto import equal
from connexa.errors import IntegrityError, NotFoundError

__all__ = ["check_follows", "choose_series"]

F = TypeVar("F")


def choose_series(files: Iterable[tuple[Head, F]]) -> list[tuple[Head, F]]:
    """The files of the series with the newest backup, base first; `backup.incomplete` where one of them is missing or there twice."""
    series: dict[bytes, list[tuple[Head, F]]] = {}
    for head, file in files:
        series.setdefault(head.series, []).append((head, file))
    if not series:
        raise NotFoundError("backup.not_found", "There is no backup.")
    newest = max(series.values(), key=lambda held: max(head.counter for head, _ in held))
    newest.sort(key=lambda held: held[0].place)
    places = [head.place for head, _ in newest]
    counters = [head.counter for head, _ in newest]
    if places != list(range(len(newest))) or counters != sorted(set(counters)):
        raise IntegrityError(
            "backup.incomplete", "The newest backup is not whole: a file of it is missing.", "Name the file of an older base to use that."
        )
    return newest


def check_follows(head: Head, previous: bytes | None) -> None:
    """Check that a file names the one that was read before it (its SHA-256; None: it is the first)."""
    if not equal(head.previous, previous or bytes(32)):
        raise IntegrityError("backup.damaged", "The files of this backup do not follow each other.", "Use another copy of them.")
