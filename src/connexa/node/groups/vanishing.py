"""Messages that disappear: each device deletes them by itself, so long after they were said as the group's timer was then."""

from __future__ import annotations

from connexa.node.account import Account
from connexa.node.acts import hide
from connexa.node.groups.book import changed
from connexa.node.home import Home, Query, first, rows
from connexa.store import Execute

__all__ = ["hide_vanished", "next_to_vanish"]

AT_ONCE = 500


def next_to_vanish(query: Query, account: int) -> float | None:
    """When the next message is over; None where none will be."""
    row = first(query, "SELECT min(vanishes) FROM message WHERE account = ? AND vanishes != 0", (account,))
    return float(row[0]) if row and row[0] is not None else None


def hide_vanished(execute: Execute, home: Home, account: Account) -> None:
    """Delete what is over; ids stay, so that no copy brings it back."""
    sql = "SELECT cursor, conversation FROM message WHERE account = ? AND vanishes != 0 AND vanishes <= ? ORDER BY vanishes LIMIT ?"
    over = rows(execute, sql, (account.id, home.clock(), AT_ONCE))
    for cursor, _ in over:
        hide(execute, cursor)
    for conversation in {row[1] for row in over}:
        row = first(execute, "SELECT public FROM conversation WHERE id = ?", (conversation,))
        if row is not None:
            changed(execute, home, account, row[0], what="vanished")
