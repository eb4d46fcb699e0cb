"""How much was taken from links and is not committed yet, over all of them: beyond a bound nobody is read from (homeserver §4).

What waits in a socket costs nothing and is taken in large frames afterwards; what waits here makes transactions that hold everybody up.
"""

from __future__ import annotations

from typing import Final, Protocol

from connexa.homeserver.metrics import Metrics

__all__ = ["Gate", "Intake"]


class Pausable(Protocol):
    """A connection whose reading can stop."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


MAX_ENVELOPES: Final = 8_192  # uncommitted at once: what commits together is written in some tens of milliseconds
_NONE: Final[frozenset[str]] = frozenset()  # one for all: most have no reason


class Gate:
    """Reading of one connection; it goes on when no reason to pause is left."""

    __slots__ = ("_reasons", "_sink")

    def __init__(self, sink: Pausable) -> None:
        self._sink = sink
        self._reasons = _NONE

    def shut(self, reason: str) -> None:
        """Stop reading for this reason."""
        if not self._reasons:
            self._sink.pause()
        self._reasons |= {reason}

    def open(self, reason: str) -> None:
        """This reason is over."""
        if reason in self._reasons:
            self._reasons -= {reason}
            if not self._reasons:
                self._sink.resume()


class Intake:
    """Counts uncommitted envelopes of all links and their bytes; whoever adds beyond a bound waits until half of it is committed."""

    def __init__(self, most: int, metrics: Metrics) -> None:
        self.most = most
        self._held = 0
        self._envelopes = 0
        self._waiting: set[Gate] = set()
        metrics.uncommitted.set_function(lambda: self._held)

    def take(self, count: int, size: int, gate: Gate) -> None:
        """Count envelopes that were taken from a link."""
        self._held += size
        self._envelopes += count
        if self._held > self.most or self._envelopes > MAX_ENVELOPES:
            self._waiting.add(gate)
            gate.shut("intake")

    def done(self, count: int, size: int) -> None:
        """They are committed, or given up."""
        self._held -= size
        self._envelopes -= count
        if self._waiting and self._held <= self.most // 2 and self._envelopes <= MAX_ENVELOPES // 2:
            waiting, self._waiting = self._waiting, set()
            for gate in waiting:
                gate.open("intake")

    def leave(self, gate: Gate) -> None:
        """The link is gone."""
        self._waiting.discard(gate)
