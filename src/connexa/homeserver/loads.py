"""How full mailboxes are, in memory: read once, counted along, written down with every transaction that changes them."""

from __future__ import annotations

from typing import Final

from connexa.homeserver.mailbox import Arrival, Load, load_of, put_loads
from connexa.homeserver.tables import Query
from connexa.store import Execute, Store

__all__ = ["Loads"]

MAX_LOADS: Final = 262_144


class Loads:
    """The rows of `mailbox_load` that were needed lately."""

    def __init__(self, database: Store) -> None:
        self._known: dict[bytes, Load] = {}
        self._changed: set[bytes] = set()
        database.watch("mailbox_load", "device", self._forget, ("UPDATE", "DELETE"))  # by others: ours are inserted anew

    def known(self, device: bytes) -> Load | None:
        """What waits for a device, where that is at hand."""
        return self._known.get(device)

    def find(self, query: Query, device: bytes) -> Load:
        """What waits for a device; `query` is that of an operation."""
        load = self._known.get(device)
        if load is None:
            load = self._known[device] = load_of(query, device)
        return load

    def put_in(self, arrival: Arrival) -> None:
        """Count a row of a device that `find` or `known` has answered for."""
        self._known[arrival.device].put_in(arrival)
        self._changed.add(arrival.device)

    def take_out(self, query: Query, arrival: Arrival) -> None:
        """Count a row that its device has stored."""
        self.find(query, arrival.device).take_out(arrival)
        self._changed.add(arrival.device)

    def write(self, execute: Execute) -> None:
        """Write down what has changed."""
        put_loads(execute, ((device, self._known[device]) for device in self._changed))
        self._changed.clear()
        self.shrink()

    def shrink(self) -> None:
        """Forget what is known where it is too much."""
        if len(self._known) > MAX_LOADS:
            self._known.clear()

    def clear(self) -> None:
        """Forget everything: what was counted may not have been committed."""
        self._known.clear()
        self._changed.clear()

    def _forget(self, device: bytes) -> None:
        self._known.pop(device, None)
