"""The programs of the demo: real processes of this command line, each with a home of its own, ended with us."""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from connexa.errors import ConflictError, ConnexaError, NetworkError

__all__ = ["Program", "environment", "free_ports", "run_verb"]

READY_SECONDS: Final = 60.0
_END_SECONDS: Final = 10.0
_LINE_MAX: Final = 256 * 1024
_PORTS: Final = range(10_240, 32_768)
_turn = itertools.count(os.getpid() * 61)  # programs that choose at once begin at different places, and none gives a port twice


def environment(home: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program whose whole state is below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONNEXA_", "XDG_"))}
    return {**kept, **settings, "CONNEXA_HOME": str(home)}


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now, below those that systems give to outgoing connections: none is lost to one."""
    free: list[int] = []
    while len(free) < count:
        port = _PORTS[next(_turn) % len(_PORTS)]
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            free.append(port)
    return free


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "connexa.cli", "--json", "--no-input", *words]


def run_verb(words: Sequence[str], home: Path, settings: Mapping[str, str], *, stdin: str = "") -> dict[str, Any]:
    """Run `connexa WORDS` to its end and return its answer."""
    try:
        done = subprocess.run(
            _command(words), env=environment(home, settings), input=stdin.encode(), capture_output=True, timeout=READY_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NetworkError("demo.timeout", f"connexa {' '.join(words)} did not end.") from None
    if done.returncode:
        raise ConnexaError("demo.failed", f"connexa {' '.join(words)} ended with {done.returncode}: {_last_line(done.stderr)}")
    answer: dict[str, Any] = msgspec.json.decode(done.stdout.splitlines()[-1])
    return answer


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


class Program:
    """A program that stays; what it writes goes into a file of its home."""

    def __init__(self, name: str, words: Sequence[str], home: Path, settings: Mapping[str, str]) -> None:
        self.name = name
        self.home = home
        self.ready: dict[str, Any] = {}
        self._words = [*words]
        self.settings = dict(settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it; `await_ready` waits for its ready line."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.home / "stderr.txt").open("ab") as errors:
            self._process = subprocess.Popen(
                _command(self._words),
                env=environment(self.home, self.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for the demo, which ends its programs in order
            )
        return self

    def await_ready(self) -> Self:
        """Wait for the ready line and keep it; NetworkError with the program's last words where it ends before."""
        process = self._process
        if process is None or process.stdout is None:
            raise ConnexaError("demo.failed", f"{self.name} was not started.")
        limit, line = time.monotonic() + READY_SECONDS, b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                part = b""
                if len(line) < _LINE_MAX and selector.select(max(0.0, limit - time.monotonic())):
                    part = os.read(process.stdout.fileno(), _LINE_MAX)
                if not part:
                    raise NetworkError("demo.failed", f"{self.name} did not start: {self.last_words()}")
                line += part
        self.ready = msgspec.json.decode(line)
        return self

    def last_words(self) -> str:
        """The newest line that it wrote to stderr."""
        return _last_line((self.home / "stderr.txt").read_bytes())

    def check(self) -> None:
        """Raise where it ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise ConflictError("demo.failed", f"{self.name} ended: {self.last_words()}")

    def ask_to_end(self) -> None:
        """Send it SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """End it in order, or by force where it does not."""
        self.ask_to_end()
        if self._process is None:
            return
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
