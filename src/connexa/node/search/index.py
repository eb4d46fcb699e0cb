"""Keeping the index: what the triggers have noted goes in, or leaves, in slices that hold up nothing else."""

from __future__ import annotations

import asyncio
import time

from connexa.errors import ConnexaError
from connexa.node.home import Home, Query, first, rows
from connexa.node.wakeups import wait_for
from connexa.store import Execute

__all__ = ["Indexer", "catch_up", "index_some", "is_behind"]

SLICE = 0.01  # seconds of work in one operation
AT_ONCE = 64
REST = 1.0  # times as long as it worked, the indexer leaves to others

_TAGS = (
    "'c' || conversation || ' s' || hex(sender) || ' ' || has || CASE WHEN subject != '' THEN ' hmail' ELSE '' END"
    " || CASE WHEN instr(text, 'https://') OR instr(text, 'http://') THEN ' hlink' ELSE '' END"
)
_PUT = (
    f"INSERT INTO message_words (rowid, text, subject, tags) SELECT cursor, text, subject, {_TAGS} FROM message"  # noqa: S608 - constants
    " WHERE cursor = ? AND kind = 'text' AND hidden = 0 RETURNING 1"
)


def is_behind(query: Query) -> bool:
    """Whether something is noted that the index does not know."""
    return first(query, "SELECT 1 FROM unindexed LIMIT 1") is not None


def index_some(execute: Execute) -> None:
    """Follow the newest of what is noted, for a moment: what was said just now is found first."""
    until = time.monotonic() + SLICE
    # Within a slice the oldest first: a number below the one before makes FTS5 write out what it has gathered.
    for (cursor,) in sorted(rows(execute, "SELECT cursor FROM unindexed ORDER BY cursor DESC LIMIT ?", (AT_ONCE,))):
        execute("DELETE FROM message_words WHERE rowid = ?", (cursor,))
        execute(_PUT, (cursor,))
        execute("DELETE FROM unindexed WHERE cursor = ?", (cursor,))
        if time.monotonic() > until:
            return


async def catch_up(home: Home, seconds: float) -> bool:
    """Follow for so long at most; True where the index knows everything."""
    until = time.monotonic() + seconds
    while is_behind(home.database.read):
        if time.monotonic() > until:
            return False
        try:
            await home.change(index_some)
        except ConnexaError as error:  # the disk takes no writes now: what is in the index can be found
            if not error.retryable:
                raise
            return False
    return True


class Indexer:
    """The task that follows, one for a node."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._noted = asyncio.Event()
        home.database.watch("unindexed", "cursor", lambda cursor: self._noted.set(), ["INSERT"])

    async def run(self) -> None:
        """Follow for as long as the node runs."""
        while True:
            while is_behind(self._home.database.read):
                begun = time.monotonic()
                await self._home.change(index_some)
                await asyncio.sleep(REST * (time.monotonic() - begun))
            await wait_for(self._noted)
