"""Starts the node in the background: the same program in the foreground, in a session of its own, until its ready line has come."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import IO, Final

import msgspec

from connexa.errors import (
    ConflictError,
    ConnexaError,
    IntegrityError,
    NetworkError,
    NotFoundError,
    RefusedError,
    UsageError,
)
from connexa.node.premises import Facts

from .options import Options

__all__ = ["start"]

_KINDS: Final = {kind.exit_code: kind for kind in (UsageError, NotFoundError, RefusedError, ConflictError, NetworkError, IntegrityError)}
_LINE_MAX: Final = 64 * 1024


def start(chosen: Options, overrides: Mapping[str, str], password: str | None, key_file: bool) -> Facts:
    """Start a node and return its facts once its API takes requests; raise what it said where it ended before."""
    command = [sys.executable, "-m", "connexa.cli", "--profile", chosen.profile, "--json", "--no-input", "up", "--foreground"]
    command += [f"--port={overrides['api.port']}"] if "api.port" in overrides else []
    command += ["--password-file", "-"] if password is not None else []
    command += ["--key-file"] if key_file else []
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # the terminal's end is not the node's
        cwd="/",
        env=_absolute(os.environ),
    )
    with child.stdout or _none(), child.stderr or _none(), child.stdin or _none() as stdin:
        if password is not None:
            stdin.write(password.encode() + b"\n")
        stdin.close()
        line = _first_line(child, chosen.timeout)
        if line:
            return msgspec.json.decode(line, type=Facts)
        raise _last_words(child, chosen.timeout)


def _none() -> IO[bytes]:
    raise ConnexaError("node.failed", "The node's pipes could not be opened.")


def _absolute(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for a process that lives in /: a relative home would move with it."""
    changed = dict(environment)
    if home := changed.get("CONNEXA_HOME"):
        changed["CONNEXA_HOME"] = os.path.abspath(os.path.expanduser(home))
    if path := changed.get("PYTHONPATH"):
        changed["PYTHONPATH"] = os.pathsep.join(os.path.abspath(part) for part in path.split(os.pathsep))
    return changed


def _first_line(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    """The ready line, or nothing where the child ended first; a child that says nothing in time is ended."""
    output = child.stdout or _none()
    limit, line = time.monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while not line.endswith(b"\n") and len(line) < _LINE_MAX:
            if not selector.select(max(0.0, limit - time.monotonic())):
                child.terminate()
                raise NetworkError("node.timeout", "The node did not start in time.", "Its log says more: connexa logs")
            part = os.read(output.fileno(), _LINE_MAX)
            if not part:
                return b""
            line += part
    return line


def _last_words(child: subprocess.Popen[bytes], seconds: float) -> ConnexaError:
    errors = child.stderr or _none()
    said = errors.read(_LINE_MAX).strip().splitlines()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    try:
        error = msgspec.json.decode(said[-1])["error"]
        kind = _KINDS.get(child.returncode or 1, ConnexaError)
        return kind(error["code"], error["message"], error["hint"], retryable=error["retryable"])
    except (IndexError, msgspec.MsgspecError, KeyError, TypeError):
        return ConnexaError("node.failed", f"The node ended with exit code {child.returncode}.", "Its log says more: connexa logs")
