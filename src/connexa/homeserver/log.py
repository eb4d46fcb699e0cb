"""The log of the homeserver: events with their names, on stderr, where systemd and the terminal find them.

Other libraries' texts name addresses; of them only that and where something failed is kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["hear_loop", "log_to_stderr"]

_STRANGERS = ("SSL handshake failed", "SSL handshake is taking longer")  # anybody can cause it, as often as they like


def hear_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Take what the event loop has to say: strangers who break off a handshake are no event, everything else is."""
    if not str(context.get("message", "")).startswith(_STRANGERS):
        loop.default_exception_handler(context)


@contextmanager
def log_to_stderr() -> Iterator[None]:
    """Log our events from info on, and others' errors by name and place alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Discreet("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root, ours = logging.getLogger(), logging.getLogger("connexa")
    root.addHandler(handler)
    root.setLevel(logging.ERROR)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


class _Discreet(logging.Formatter):
    """Shows foreign messages by their place and exceptions by kind and places: their texts may hold what no log may."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        if not record.name.startswith("connexa"):
            record = logging.makeLogRecord(record.__dict__ | {"msg": f"failed at {record.filename}:{record.lineno}", "args": ()})
        return super().format(record)

    def formatException(self, ei: object) -> str:  # noqa: N802 - the library's name
        """Name kind and places."""
        error = ei[1] if isinstance(ei, tuple) else None
        if not isinstance(error, BaseException):
            return "no exception"
        places, frame = [], error.__traceback__
        while frame is not None:
            places.append(f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}")
            frame = frame.tb_next
        return f"{type(error).__name__} at {' '.join(places[-8:])}"
