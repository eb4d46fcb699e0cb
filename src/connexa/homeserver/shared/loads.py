"""How full mailboxes are where several processes fill them: what is written is how much has come and gone, never the sum.

What is in memory is right as of this process's last write to a mailbox, which is enough while it is far from full; operations read what
is there, once in each transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connexa.homeserver.loads import Loads
from connexa.homeserver.mailbox import Arrival, Load, load_of
from connexa.homeserver.tables import Query
from connexa.store import Execute

__all__ = ["SharedLoads"]

AT_ONCE = 64  # mailboxes in one statement


class SharedLoads(Loads):
    """The rows of `mailbox_load` that this process has written lately."""

    def __init__(self) -> None:
        self._known: dict[bytes, Load] = {}
        self._added: dict[bytes, Load] = {}
        self._read: set[bytes] = set()  # in this transaction

    def begin(self) -> None:
        """A transaction has begun: others may have written."""
        self._read.clear()

    def find(self, query: Query, device: bytes) -> Load:
        """What waits for a device, what this transaction has not written yet included."""
        if device not in self._read or device not in self._known:
            load, added = load_of(query, device), self._added.get(device, Load())
            self._read.add(device)
            self._known[device] = Load(
                load.messages + added.messages, load.bytes + added.bytes, load.requests + added.requests, max(load.acked, added.acked)
            )
        return self._known[device]

    def put_in(self, arrival: Arrival) -> None:
        """Count a row of a device that `find` or `known` has answered for."""
        super_known = self._known.get(arrival.device)
        if super_known is not None:  # else another operation's failure has cleared it
            super_known.put_in(arrival)
        self._added.setdefault(arrival.device, Load()).put_in(arrival)

    def take_out(self, query: Query, arrival: Arrival) -> None:
        """Count a row that its device has stored; nothing is read for it."""
        if (known := self._known.get(arrival.device)) is not None:
            known.take_out(arrival)
        self._added.setdefault(arrival.device, Load()).take_out(arrival)

    def write(self, execute: Execute) -> None:
        """Add what has changed to what is there, and know the sums."""
        for chunk in _chunks(self._added.items()):
            rows = ",".join(["(?, ?, ?, ?, ?)"] * len(chunk))
            values = [v for device, load in chunk for v in (device, load.messages, load.bytes, load.requests, load.acked)]
            sums = execute(
                f"INSERT INTO mailbox_load (device, messages, bytes, requests, acked) VALUES {rows}"  # noqa: S608 - marks alone
                " ON CONFLICT (device) DO UPDATE SET messages = mailbox_load.messages + excluded.messages,"
                " bytes = mailbox_load.bytes + excluded.bytes, requests = mailbox_load.requests + excluded.requests,"
                " acked = greatest(mailbox_load.acked, excluded.acked)"
                " RETURNING device, messages, bytes, requests, acked",
                values,
            )
            for device, *load in sums:
                self._known[device] = Load(*load)
                self._read.add(device)
        self._added.clear()
        self.shrink()

    def clear(self) -> None:
        """Forget everything: what was counted may not have been committed."""
        self._known.clear()
        self._added.clear()
        self._read.clear()


def _chunks(items: Iterable[tuple[bytes, Load]]) -> Iterator[list[tuple[bytes, Load]]]:
    """In the order of the devices; a full chunk is one statement, the rest are few different ones."""
    rest = sorted(items, key=lambda item: item[0])
    for size in (AT_ONCE, 8, 1):
        while len(rest) >= size:
            yield rest[:size]
            rest = rest[size:]
