"""How long to wait before trying again: full jitter over a bound that doubles, so that nodes do not come back together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from connexa.crypto import Rng
from connexa.errors import ConnexaError

__all__ = ["Backoff", "fraction", "kept_up"]

PAUSE: Final = 5.0  # seconds until the store is asked again that took no writes


def fraction(rng: Rng) -> float:
    """A random number from 0 up to 1."""
    return int.from_bytes(rng(4), "big") / (1 << 32)


async def kept_up(work: Callable[[], Awaitable[None]]) -> None:
    """Run what works for as long as the node does, and again where the store takes no writes now: that passes, and nobody else stops."""
    while True:
        try:
            await work()
        except ConnexaError as error:
            if not error.retryable:
                raise
        await asyncio.sleep(PAUSE)


class Backoff:
    """The waits of one thing that is tried again and again; the first one is short."""

    def __init__(self, rng: Rng, *, start: float = 0.2, most: float = 20.0) -> None:
        self._rng = rng
        self._start = start
        self._most = most
        self._bound = start

    def reset(self) -> None:
        """It worked: begin with short waits again."""
        self._bound = self._start

    def widen(self, seconds: float) -> None:
        """Wait for up to so long next: many come back at once."""
        self._bound = min(max(self._bound, seconds), self._most)

    def next(self) -> float:
        """The next wait in seconds."""
        wait = fraction(self._rng) * self._bound
        self._bound = min(self._bound * 2, self._most)
        return wait
