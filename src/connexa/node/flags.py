"""How a conversation is kept: silent, put away, above the others, among the favourites; one register for all of it (protocol §15)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connexa.content import Flags
from connexa.node.home import Query, rows
from connexa.store import Execute

__all__ = ["FLAGS", "clear_flags", "flags_of", "keep_flags"]

FLAGS: Final = ("muted", "archived", "pinned", "favourite")


def keep_flags(execute: Execute, number: int, flags: Mapping[str, bool]) -> None:
    """Store some of `FLAGS` of a conversation."""
    for flag in FLAGS:
        if flag in flags:
            execute(f"UPDATE conversation SET {flag} = ? WHERE id = ?", (flags[flag], number))  # noqa: S608 - one of four names


def clear_flags(execute: Execute, number: int) -> None:
    """Keep a conversation as a new one is kept."""
    keep_flags(execute, number, dict.fromkeys(FLAGS, False))


def flags_of(query: Query, number: int, of: bytes, *, group: bool) -> Flags:
    """How a conversation is kept; `of` names it to the own devices."""
    muted, archived, pinned, favourite = rows(query, "SELECT muted, archived, pinned, favourite FROM conversation WHERE id = ?", (number,))[
        0
    ]
    return Flags(of, bool(muted), bool(archived), group, bool(pinned), bool(favourite))
