"""How the tasks around a link end: together, for one reason, which may be that nobody needs them any more."""

from __future__ import annotations

import asyncio

from connexa.errors import ConnexaError
from connexa.wire.transport import CLOSE_OK, LinkClosed

__all__ = ["cause_of"]


def cause_of(ended: BaseExceptionGroup[BaseException], stopping: asyncio.Event) -> ConnexaError | None:
    """Why a link's task group ended; None where this node had closed the link. What is no `ConnexaError` is raised again.

    A task that was cancelled while its group ended with an error sees the error alone (CPython before 3.13), and would work on for ever;
    a node that is `stopping` is therefore cancelled here once more.
    """
    _, others = ended.split(ConnexaError)
    if others is not None:
        raise others
    if stopping.is_set():
        raise asyncio.CancelledError
    return _first(ended)


def _first(ended: BaseExceptionGroup[BaseException]) -> ConnexaError | None:
    for error in ended.exceptions:
        if isinstance(error, BaseExceptionGroup):
            if (found := _first(error)) is not None:
                return found
        elif isinstance(error, ConnexaError) and not (isinstance(error, LinkClosed) and error.close_code == CLOSE_OK):
            return error
    return None
