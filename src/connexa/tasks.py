"""A task group that does not lose the cancellation of its owner.

When a group is ending because something in it failed, asyncio before Python 3.13 forgets a cancellation that arrives in that moment: the
owner gets the failures alone. A loop that catches them and tries again (a link, a queue) would then go on for ever and keep its program
from ending.
"""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Self

__all__ = ["TaskGroup"]

if sys.version_info >= (3, 13):
    TaskGroup = asyncio.TaskGroup
else:

    class TaskGroup(asyncio.TaskGroup):
        """Like asyncio's, and raises CancelledError where its owner was cancelled, whatever else went wrong."""

        _parent_cancel_requested: bool  # asyncio's own: the group cancelled its owner, to bring it here

        async def __aenter__(self) -> Self:
            await super().__aenter__()
            self._owner = asyncio.current_task()
            self._before = self._owner.cancelling() if self._owner is not None else 0
            return self

        async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
            requested = self._parent_cancel_requested
            try:
                await super().__aexit__(kind, error, trace)
            except BaseExceptionGroup:
                if self._owner is None:
                    raise
                if self._parent_cancel_requested and not requested:
                    self._owner.uncancel()  # asked for while the owner was waiting here; asyncio leaves it counted
                if self._owner.cancelling() > self._before:
                    raise asyncio.CancelledError from None
                raise
