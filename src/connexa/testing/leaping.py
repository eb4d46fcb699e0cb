"""An event loop whose time leaps: nobody waits for a clock, and what happens follows from the seed.

Where nothing is left to do at this moment of the loop, its time goes on to the next moment at which something is due. Hours of retries,
time-outs and delays take no longer than their arithmetic, and no thread decides what comes first.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["LeapingLoop"]

T = TypeVar("T")


class LeapingLoop(asyncio.SelectorEventLoop):
    """For `asyncio.Runner(loop_factory=LeapingLoop)`; programs in it speak over the memory network alone and write with `InlineWriter`."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_LeapingSelector(self._leap))

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._now

    def _leap(self, seconds: float) -> None:
        self._now += seconds

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Run it at once: a worker would be done at a moment that no seed repeats."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            future.set_exception(error)
        return future


class _LeapingSelector(selectors.DefaultSelector):
    def __init__(self, leap: Callable[[float], None]) -> None:
        super().__init__()
        self._leap = leap

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everything waits, and for no time: nothing will ever happen")
        if not ready and timeout:
            self._leap(timeout)
        return ready
