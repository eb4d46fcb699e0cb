"""Sequence numbers of mailbox rows: never used twice, not even when a mailbox was emptied and the program started again.

The high-water mark is persisted in blocks, ahead of use (homeserver §3.3 item 4); what is left of a block at the end is skipped.
"""

from __future__ import annotations

from typing import Final

from connexa.errors import ConnexaError
from connexa.homeserver.tables import Query, first, put_setting
from connexa.store import Execute, Store, Writer

__all__ = ["Sequence", "leap"]

BLOCK: Final = 1 << 20
LEAP: Final = 1 << 40  # more than thirty thousand a second use up in a year
_SETTING: Final = "sequence"


class Sequence:
    """Hands out numbers inside operations of the writer."""

    def __init__(self, start: int, ceiling: int, writer: Writer) -> None:
        self._next = start
        self._ceiling = ceiling
        self._writer = writer
        self._extending = False

    @classmethod
    async def open(cls, database: Store, writer: Writer) -> Sequence:
        """Begin behind every number that may have been used."""
        used = _used(database.read)
        await writer.run(lambda execute: _keep(execute, used + BLOCK))
        return cls(used + 1, used + BLOCK, writer)

    @property
    def newest(self) -> int:
        """The last number that was handed out, or could have been before the program started."""
        return self._next - 1

    def may_be_known(self, number: int) -> bool:
        """Whether a device can have been told of this number."""
        return number <= self.newest

    def take(self) -> int:
        """The next number; the next block is reserved long before this one ends."""
        if self._next > self._ceiling:
            raise ConnexaError("server.temporary", "No sequence numbers are reserved.", retryable=True)
        if self._next > self._ceiling - BLOCK // 2:
            self._extend()
        number, self._next = self._next, self._next + 1
        return number

    def _extend(self) -> None:
        if self._extending:
            return
        self._extending = True
        ceiling = self._ceiling + BLOCK

        def extended(failed: BaseException | None) -> None:
            self._extending = False
            if failed is None:
                self._ceiling = ceiling

        self._writer.submit(lambda execute: _keep(execute, ceiling)).add_done_callback(lambda done: extended(done.exception()))


def leap(execute: Execute) -> None:
    """Go on far behind every number that may have been used since this copy of the database was made."""
    _keep(execute, _used(execute) + LEAP)


def _used(query: Query) -> int:
    row = first(query, "SELECT value FROM setting WHERE name = ?", (_SETTING,))
    return int.from_bytes(row[0], "big") if row else 0


def _keep(execute: Execute, ceiling: int) -> None:
    put_setting(execute, _SETTING, ceiling.to_bytes(8, "big"))
