"""What became of envelopes of a stream other than being accepted, kept until the sender's node has said that it knows (first-message §10).

A stream is the id of a pass, or a device's id for what it sent to its person's other devices. Nothing here says whose a pass is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from connexa.homeserver.tables import Query, first, marks
from connexa.store import Execute
from connexa.wire import MAX_TTL_SECONDS
from connexa.wire.v1.link_pb2 import Refused, Status, WhereReply

__all__ = ["Listener", "Outcomes", "pending", "where"]

CHUNK: Final = 256  # numbers in one statement
_ACCEPTED: Final = Status.STATUS_ACCEPTED
MAX_PENDING: Final = 1_000  # in one frame


class Listener(Protocol):
    """An open link of a stream."""

    def on_outcomes(self) -> None: ...


class Outcomes:
    """Records outcomes and tells the stream's link, if one is open."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._listeners: dict[bytes, Listener] = {}

    def listen(self, stream: bytes, listener: Listener) -> None:
        """From now on this link hears of its stream."""
        self._listeners[stream] = listener

    def forget(self, stream: bytes, listener: Listener) -> None:
        """The link is gone; another one may have taken its place."""
        if self._listeners.get(stream) is listener:
            del self._listeners[stream]

    def record(self, execute: Execute, origin: bytes, origin_number: int, place: WhereReply.Place, status: Status) -> None:
        """Keep an outcome, inside an operation of the writer; what was accepted needs no row."""
        if status == _ACCEPTED:
            return
        execute(
            "INSERT INTO outcome (stream, number, place, status, told, expires) VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT (stream, number)"
            " DO UPDATE SET place = excluded.place, status = excluded.status, told = excluded.told, expires = excluded.expires",
            (origin, origin_number, int(place), int(status), int(self._clock()) + MAX_TTL_SECONDS),
        )

    def tell(self, origin: bytes) -> None:
        """Tell the stream's link, after the commit."""
        if (listener := self._listeners.get(origin)) is not None:
            listener.on_outcomes()

    def acknowledge(self, execute: Execute, stream: bytes, numbers: Sequence[int]) -> None:
        """The node has stored these."""
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            execute(f"UPDATE outcome SET told = 1 WHERE stream = ? AND number IN ({marks(len(chunk))})", (stream, *chunk))  # noqa: S608


def pending(query: Query, stream: bytes) -> list[Refused]:
    """What the node does not know yet."""
    rows = query("SELECT number, status FROM outcome WHERE stream = ? AND told = 0 ORDER BY number LIMIT ?", (stream, MAX_PENDING))
    return [Refused(number=number, status=status) for number, status in rows]


def where(query: Query, stream: bytes, number: int, last: int) -> WhereReply:
    """Who holds an envelope that was sent with this number."""
    if not 1 <= number <= last:
        return WhereReply(place=WhereReply.UNKNOWN)
    row = first(query, "SELECT place, status FROM outcome WHERE stream = ? AND number = ?", (stream, number))
    if row is not None:
        return WhereReply(place=row[0], status=row[1])
    if first(query, "SELECT 1 FROM queue WHERE origin = ? AND origin_number = ?", (stream, number)) is not None:
        return WhereReply(place=WhereReply.QUEUED)
    return WhereReply(place=WhereReply.ACCEPTED, status=Status.STATUS_ACCEPTED)
