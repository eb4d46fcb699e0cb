"""How the tasks around a link end: together, for one reason, which may be that nobody needs them any more."""

from __future__ import annotations

from connexa.errors import ConnexaError
from connexa.wire.transport import CLOSE_OK, LinkClosed

__all__ = ["cause_of"]


def cause_of(ended: BaseExceptionGroup[BaseException]) -> ConnexaError | None:
    """Why a link's task group ended; None where this node had closed the link. What is no `ConnexaError` is raised again."""
    _, others = ended.split(ConnexaError)
    if others is not None:
        raise others
    return _first(ended)


def _first(ended: BaseExceptionGroup[BaseException]) -> ConnexaError | None:
    for error in ended.exceptions:
        if isinstance(error, BaseExceptionGroup):
            if (found := _first(error)) is not None:
                return found
        elif isinstance(error, ConnexaError) and not (isinstance(error, LinkClosed) and error.close_code == CLOSE_OK):
            return error
    return None
