"""A clock that stands still until a test moves it, or that runs on and can be moved besides."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["FakeClock"]

START = 1_800_000_000.0  # a Friday in January 2027


class FakeClock:
    """Unix seconds; call it to read the time. It moves programs' expiry and weeks, not the time-outs of asyncio.

    A clock that `runs` also goes on by itself, so that rates (so many a second) work as they do outside: with `timer`.
    """

    def __init__(self, start: float = START, *, runs: bool = False, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._set_to = start
        self._set_at = timer() if runs else None

    def __call__(self) -> float:
        """Return the time."""
        return self._set_to + (self._timer() - self._set_at if self._set_at is not None else 0.0)

    def advance(self, seconds: float) -> None:
        """Move on; a clock that goes back is what `set` is for."""
        if seconds < 0:
            raise ValueError("time goes on; use set() to go back")
        self._set_to += seconds

    def set(self, now: float) -> None:
        """Jump to a time, as a wrong clock does when it is put right."""
        self._set_to = now
        if self._set_at is not None:
            self._set_at = self._timer()
