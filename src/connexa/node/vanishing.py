"""Messages that disappear: each device deletes them by itself, so long after they were said as the timer was then."""

from __future__ import annotations

import asyncio

from connexa.node.account import load_account
from connexa.node.acts import hide
from connexa.node.groups.book import changed
from connexa.node.home import Home, Query, first, rows
from connexa.node.wakeups import wait_for
from connexa.store import Execute

__all__ = ["Vanishing", "hide_vanished", "next_to_vanish"]

AT_ONCE = 100
LONGEST_PAUSE = 60.0  # the clock may be set, and the machine sleep


def next_to_vanish(query: Query) -> float | None:
    """When the next message is over; None where none will be."""
    row = first(query, "SELECT min(vanishes) FROM message WHERE vanishes != 0")
    return float(row[0]) if row and row[0] is not None else None


def hide_vanished(execute: Execute, home: Home) -> None:
    """Delete what is over; ids stay, so that no copy brings it back."""
    sql = "SELECT cursor, account, conversation FROM message WHERE vanishes != 0 AND vanishes <= ? ORDER BY vanishes LIMIT ?"
    over = rows(execute, sql, (home.clock(), AT_ONCE))
    for cursor, _, _ in over:
        hide(execute, cursor)
    for number, conversation in sorted({(row[1], row[2]) for row in over}):
        account = load_account(execute, number)
        public, person = rows(execute, "SELECT public, person FROM conversation WHERE id = ?", (conversation,))[0]
        if person:
            home.events.record(execute, str(account.address), "conversation.changed", home.clock(), conversation=public.hex())
        else:
            changed(execute, home, account, public, what="vanished")


class Vanishing:
    """The task that deletes, one for a node."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._sooner = asyncio.Event()
        home.database.watch("message", "vanishes", lambda at: self._sooner.set(), ["INSERT"], where="vanishes")

    async def run(self) -> None:
        """Delete for as long as the node runs, each message in its time."""
        while True:
            pause = self._until_next()
            if pause is not None and pause <= 0:
                await self._home.change(lambda execute: hide_vanished(execute, self._home))
            else:
                await wait_for(self._sooner, pause)

    def _until_next(self) -> float | None:
        at = next_to_vanish(self._home.database.read)
        return None if at is None else min(at - self._home.clock(), LONGEST_PAUSE)
