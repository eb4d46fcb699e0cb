"""What every program of ours does as a process: hold its lock, log without telling, end on a signal, say what the disk said.

Imports nothing of ours but the errors, so that homeserver and node share it without knowing each other.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import logging
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from connexa.errors import ConnexaError, RefusedError

__all__ = ["disk_error", "first_error", "is_locked", "lock", "log_to", "on_signal", "stop_on_signal"]

_EVENT = re.compile(r"[a-z_]+(\.[a-z_]+)+( [a-z_]+=\S*)*")


@contextmanager
def lock(path: Path, taken: ConnexaError) -> Iterator[None]:
    """Hold a file's lock, or raise `taken`; the system lets go of it with the process, so a crash misleads nobody."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise taken from None
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a living process holds that lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def stop_on_signal(stopped: asyncio.Event) -> Iterator[None]:
    """Set the event on SIGTERM and SIGINT instead of dying of them."""
    with on_signal(signal.SIGTERM, stopped.set), on_signal(signal.SIGINT, stopped.set):
        yield


@contextmanager
def on_signal(number: signal.Signals, heard: Callable[[], object]) -> Iterator[None]:
    """Call `heard` on the event loop for every such signal."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, heard)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


def first_error(failures: BaseExceptionGroup[ConnexaError]) -> ConnexaError:
    """The error inside nested groups: one line is what a person can act on."""
    found: BaseException = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, ConnexaError) else ConnexaError("program.failed", "The program ended.")


def disk_error(error: OSError, place: str) -> ConnexaError:
    """What the file system said of a place ("the node's directory"), in our words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return ConnexaError("store.full", "The disk is full.", "Free some space; nothing that was accepted is lost.", retryable=True)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return RefusedError("store.read_only", f"{place.capitalize()} cannot be written.", "Check its owner and permissions.")
    return ConnexaError("store.failed", f"{place.capitalize()} cannot be used ({errno.errorcode.get(error.errno or 0, 'unknown')}).")


@contextmanager
def log_to(handler: logging.Handler, *, as_json: bool = False) -> Iterator[None]:
    """Log our events from info on, and other libraries' errors by their place alone: their texts name addresses."""
    handler.setFormatter(_DiscreetJson() if as_json else _Discreet("%(asctime)s %(levelname)s %(name)s %(message)s"))
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


class _DiscreetJson(_Discreet):
    """The same as one object a line: `event` is our name for what happened, such as `leaf.renewed`; what it says of it are fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        ours = record.name.startswith("connexa")
        text = record.getMessage() if ours else f"library.failed place={record.filename}:{record.lineno}"
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "level": record.levelname.lower(), "from": record.name, "event": text}
        if _EVENT.fullmatch(text):
            line["event"], *fields = text.split()
            line |= dict(field.split("=", 1) for field in fields if "=" in field)
        if record.exc_info:
            line["failure"] = self.formatException(record.exc_info)
        return json.dumps(line)
