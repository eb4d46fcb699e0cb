"""The receiving half of a mailbox link: pushes within a window, live while the device keeps up, from the database when it does not.

Implements homeserver §3.5. Live rows are pushed as they are committed. When the window is full, the buffer high, or rows arrived by another
way, the link fetches pages behind the last pushed number until one comes short; a slow reader costs no memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from connexa.errors import ConnexaError
from connexa.homeserver.link_role import Connection
from connexa.homeserver.mailbox import Arrival
from connexa.homeserver.metrics import Metrics
from connexa.homeserver.settings import LimitSettings
from connexa.wire import MAX_FRAME, push_frame, push_item

__all__ = ["Fresh", "Pushes"]

PAGE = 64
HIGH_WATER = 256 * 1024  # bytes that the node has not taken, above which nothing more is fetched
LOOK_AGAIN_SECONDS = 0.2
FRAME_ROOM = MAX_FRAME - 1_024

Fetch = Callable[[int, int], list[Arrival]]
Fresh = tuple[int, Arrival]
"""A committed row, and the number of the row that was stored before it for the same device."""


class Pushes:
    """Nothing is pushed before `start`."""

    __slots__ = (
        "_connection",
        "_fetch",
        "_limits",
        "_live",
        "_loop",
        "_metrics",
        "_scheduled",
        "_sent_seq",
        "_started",
        "_unacked",
        "_unacked_bytes",
        "_window",
    )

    def __init__(self, connection: Connection, fetch: Fetch, limits: LimitSettings, metrics: Metrics) -> None:
        self._connection = connection
        self._fetch = fetch
        self._limits = limits
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._started = False
        self._live = False
        self._window = 0
        self._sent_seq = 0
        self._unacked: dict[int, Arrival] = {}
        self._unacked_bytes = 0
        self._scheduled = False

    def start(self, last: int, window: int) -> None:
        """Begin behind `last`, at most `window` un-acknowledged."""
        self._started, self._live = True, False
        self._window = max(1, min(window, self._limits.push_window))
        self._sent_seq = last
        self._unacked.clear()
        self._unacked_bytes = 0
        self._schedule()

    @property
    def started(self) -> bool:
        """Whether the device has said where it stands."""
        return self._started

    @property
    def sent_seq(self) -> int:
        """The highest number that was pushed, or said to be stored."""
        return self._sent_seq

    def arrive(self, fresh: list[Fresh]) -> None:
        """Rows for this device were committed."""
        if self._live and self._follows(fresh) and self._fits(fresh):
            self._push([arrival for _, arrival in fresh if arrival.seq > self._sent_seq])
        else:
            self.look()

    def look(self) -> None:
        """Rows may have been committed; read them."""
        self._live = False
        self._schedule()

    def acked(self, seqs: list[int]) -> list[Arrival]:
        """The device has stored these; returns those that it was pushed."""
        stored = []
        for seq in seqs:
            if (arrival := self._unacked.pop(seq, None)) is not None:
                self._unacked_bytes -= arrival.size
                stored.append(arrival)
        if not self._live:
            self._schedule()
        return stored

    def drained(self) -> None:
        """The node reads again."""
        self._schedule()

    def _schedule(self) -> None:
        if self._started and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._run)  # once for everything that one commit has put down

    def _run(self) -> None:
        self._scheduled = False
        if not (self._live or self._connection.ended):
            self._push_pages()

    def _follows(self, fresh: list[Fresh]) -> bool:
        """Whether no row of this device lies between what was pushed and these; another operation's may, unannounced."""
        seq = self._sent_seq
        for before, arrival in fresh:
            if before > seq:
                return False
            seq = max(seq, arrival.seq)
        return True

    def _fits(self, fresh: list[Fresh]) -> bool:
        size = sum(arrival.size for _, arrival in fresh)
        window = len(self._unacked) + len(fresh) <= self._window and self._unacked_bytes + size <= self._limits.push_window_bytes
        return window and self._connection.buffered() <= HIGH_WATER

    def _push_pages(self) -> None:
        """Fetch while there is room; live again when a page comes short: commits are told on this thread, so none is missed."""
        while (room := min(PAGE, self._window - len(self._unacked))) > 0 and self._has_room():
            try:
                rows = self._fetch(self._sent_seq, room)
            except ConnexaError:  # the database is away
                self._loop.call_later(LOOK_AGAIN_SECONDS, self._schedule)
                return
            self._push(rows)
            if len(rows) < room:
                self._live = True
                return
        if self._connection.buffered() > HIGH_WATER:
            self._loop.call_later(LOOK_AGAIN_SECONDS, self._schedule)  # whether or not its buffer has a mark just here

    def _has_room(self) -> bool:
        return self._unacked_bytes < self._limits.push_window_bytes and self._connection.buffered() <= HIGH_WATER

    def _push(self, arrivals: list[Arrival]) -> None:
        items: list[bytes] = []
        size = 0
        for arrival in arrivals:
            item = push_item(arrival.seq, arrival.item, arrival.body)
            if items and size + len(item) > FRAME_ROOM:
                self._connection.say_raw(push_frame(items))
                items, size = [], 0
            items.append(item)
            size += len(item)
            self._unacked[arrival.seq] = arrival
            self._unacked_bytes += arrival.size
            self._sent_seq = arrival.seq
        if items:
            self._connection.say_raw(push_frame(items))
            self._metrics.pushed.inc(len(arrivals))
