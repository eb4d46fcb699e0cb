"""How far a long piece of work is, as events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from connexa.node.home import Home

__all__ = ["Progress"]

T = TypeVar("T")
STEPS: Final = 20  # events that one piece of work makes at most
LOOK_EVERY: Final = 0.2


class Progress:
    """How far a long piece of work is, as events: at most twenty of them."""

    def __init__(self, home: Home, account: str, what: str, total: int) -> None:
        self._home = home
        self._account = account
        self._what = what
        self._total = max(1, total)
        self._done = 0
        self._shown = -1

    def add(self, amount: int) -> None:
        """So much more is done; safe on any thread."""
        self._done = min(self._total, self._done + amount)

    async def show(self) -> None:
        """Record an event if there was progress worth one."""
        step = self._done * STEPS // self._total
        if step == self._shown:
            return
        self._shown = step
        done, now = self._done / self._total, self._home.clock()
        await self._home.change(
            lambda execute: self._home.events.record(execute, self._account, "backup.progress", now, what=self._what, done=done)
        )

    async def over(self, work: Callable[[], T]) -> T:
        """Do blocking work on a thread, showing meanwhile how far it is."""
        working = asyncio.create_task(asyncio.to_thread(work))
        try:
            while not working.done():
                await asyncio.wait({working}, timeout=LOOK_EVERY)
                await self.show()
            return working.result()
        finally:
            await asyncio.wait({working})  # a thread cannot be stopped: whoever is cancelled still waits for its end
