"""Numbers of mailbox rows where several processes store: given inside transactions alone, so that their order is that of the commits.

A device that has read up to a number never finds a smaller one behind it.
"""

from __future__ import annotations

from connexa.errors import ConnexaError
from connexa.homeserver.sequence import Sequence
from connexa.store.shared import BLOCK, SharedDatabase

__all__ = ["SharedSequence"]


class SharedSequence(Sequence):
    """Each transaction has a block of its own; what is left of it is skipped."""

    def __init__(self, store: SharedDatabase) -> None:
        self._store = store
        self._next = self._ceiling = store.newest_number()

    def begin(self) -> None:
        """A transaction has begun."""
        self._next, self._ceiling = self._store.block, self._store.block + BLOCK

    @property
    def newest(self) -> int:
        """No row that this process has heard of has a greater number."""
        return self._ceiling - 1

    def may_be_known(self, number: int) -> bool:
        """Whether any process may have told a device of this number."""
        return number <= self.newest or number <= self._store.newest_number()

    def take(self) -> int:
        """The next number, inside a transaction."""
        if self._next >= self._ceiling:
            raise ConnexaError("server.temporary", "One transaction stores too much.", retryable=True)
        number, self._next = self._next, self._next + 1
        return number
