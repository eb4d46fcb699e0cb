"""Real Connexa programs as child processes, started through the command line's entry point.

A program that stays writes one line of JSON when it is ready (`--json`); everything that it writes is kept in `output`, for the test that
fails and for the tests that look for what must never be written.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["Ended", "Program", "run_program"]

READY_SECONDS = 120.0  # one that ends is noticed at once; one that starts beside many others takes its time
STOP_SECONDS = 60.0  # a second where the machine has nothing else to do
RUN_SECONDS = 60.0
_ENTRY = "import sys; from connexa.cli import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that ran to its end."""

    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        """The one JSON object on stdout."""
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        """The error object on stderr (its last line)."""
        return json.loads(self.stderr.strip().splitlines()[-1])["error"]


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program whose whole state is below `home`; nothing of the caller's own Connexa gets in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CONNEXA_", "XDG_"))}
    source = Path(__file__).resolve().parents[2]  # works from a checkout that is not installed, too
    path = os.pathsep.join(filter(None, [str(source), kept.get("PYTHONPATH", "")]))
    return kept | {"CONNEXA_HOME": str(home), "PYTHONPATH": path, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"} | dict(extra or {})


async def run_program(
    argv: Sequence[str], *, home: Path, env: Mapping[str, str] | None = None, stdin: str = "", timeout: float = RUN_SECONDS
) -> Ended:
    """Run `connexa ARGV` to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _ENTRY,
        *argv,
        env=environment(home, env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout):
            out, err = await process.communicate(stdin.encode())
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"connexa {' '.join(argv)} did not end\n{out.decode()}\n{err.decode()}") from None
    return Ended(process.returncode or 0, out.decode(), err.decode())


class Program:
    """A running program. It can be stopped in order, killed at once, and started again with the same state."""

    def __init__(self, name: str, argv: Sequence[str], *, home: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.argv = list(argv)
        self.home = home
        self.env = dict(env or {})
        self.ready: dict[str, Any] = {}
        self.output = ""
        self.starts = 0
        self.is_ready = asyncio.Event()  # set while it takes requests, as far as we know
        self.is_gone = asyncio.Event()  # set when the process ended, by whatever cause
        self._process: asyncio.subprocess.Process | None = None
        self._readers: list[asyncio.Task[None]] = []

    @property
    def pid(self) -> int:
        """Process id of the running program."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.returncode is None

    async def start(self, *, timeout: float = READY_SECONDS) -> Self:
        """Start it and wait for its ready line, which `ready` holds; AssertionError with its output where none comes."""
        if self.running:
            raise ValueError(f"{self.name} runs already")
        self.starts += 1
        self.is_gone.clear()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _ENTRY,
            *self.argv,
            env=environment(self.home, self.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._process = process
        ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._readers = [
            asyncio.create_task(self._read(process.stdout, ready)),
            asyncio.create_task(self._read(process.stderr, None)),
        ]
        try:
            async with asyncio.timeout(timeout):
                self.ready = await ready
            self.is_ready.set()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"{self.name} did not become ready\n{self.output}") from None
        return self

    async def _read(self, stream: asyncio.StreamReader | None, ready: asyncio.Future[dict[str, Any]] | None) -> None:
        if stream is None:
            return
        async for raw in stream:
            line = raw.decode(errors="replace")
            self.output += line
            if ready is not None and not ready.done() and line.startswith("{"):
                ready.set_result(json.loads(line))
        if ready is None:
            return
        self.is_ready.clear()
        self.is_gone.set()
        if not ready.done():
            ready.set_exception(AssertionError(f"{self.name} ended before it was ready\n{self.output}"))

    async def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        process = self._running()
        self.is_ready.clear()
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await self._gone()

    async def stop(self, *, timeout: float = STOP_SECONDS) -> int:
        """SIGTERM; return the exit code. A program that does not end in time is killed, and that is a failure."""
        process = self._running()
        self.is_ready.clear()
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(timeout):
                await process.wait()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"{self.name} did not stop\n{self.output}") from None
        return await self._gone()

    async def restart(self, *, timeout: float = READY_SECONDS) -> Self:
        """Kill it where it still runs, and start it with the same state."""
        if self.running:
            await self.kill()
        return await self.start(timeout=timeout)

    async def _gone(self) -> int:
        code = await self._running().wait()
        await asyncio.gather(*self._readers, return_exceptions=True)
        return code

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise ValueError(f"{self.name} was never started")
        return self._process
