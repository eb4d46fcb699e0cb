"""What administrators did: when, who on this machine, which act, and on what (an address of an account, a domain); never of messages.

A row is written in the transaction of the act itself. No statement of the homeserver changes or deletes one (a test reads them all).
"""

from __future__ import annotations

from typing import Final

import msgspec

from connexa.homeserver.tables import Query
from connexa.store import Execute

__all__ = ["PROGRAM", "Entry", "note", "page"]

PROGRAM: Final = "connexa"
"""Who acted, where it was the program by itself: a start, a signal."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One act."""

    id: int
    at: int
    who: str
    act: str
    about: str


def note(execute: Execute, now: float, who: str, act: str, about: str = "") -> None:
    """Write an act down inside the caller's transaction."""
    execute("INSERT INTO audit (at, who, act, about) VALUES (?, ?, ?, ?)", (int(now), who, act, about))


def page(query: Query, before: int, limit: int) -> list[Entry]:
    """Return the newest acts before one, the newest first; `before` 0 begins with the last."""
    sql = "SELECT id, at, who, act, about FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?"
    return [Entry(id=id, at=at, who=who, act=act, about=about) for id, at, who, act, about in query(sql, (before or 1 << 62, limit))]
