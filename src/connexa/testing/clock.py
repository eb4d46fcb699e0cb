"""A clock that stands still until a test moves it."""

from __future__ import annotations

__all__ = ["FakeClock"]

START = 1_800_000_000.0  # a Friday in January 2027


class FakeClock:
    """Unix seconds; call it to read the time. It moves programs' expiry and weeks, not the time-outs of asyncio."""

    def __init__(self, start: float = START) -> None:
        self._now = start

    def __call__(self) -> float:
        """Return the time."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on; a clock that goes back is what `set` is for."""
        if seconds < 0:
            raise ValueError("time goes on; use set() to go back")
        self._now += seconds

    def set(self, now: float) -> None:
        """Jump to a time, as a wrong clock does when it is put right."""
        self._now = now
