"""What all peers have in common: pairs of one who writes and one who reads, counts that the load looks at, and one server process."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

__all__ = ["Changed", "Pair", "Peer", "Running", "daemon"]

START_SECONDS = 90.0


class Pair(Protocol):
    """One who writes and one who reads: `next` is the number of the next message, the counts are of messages."""

    next: int
    accepted: int
    delivered: int
    due: deque[float]

    def send(self, body: bytes, count: int, due: float) -> None:
        """Send the same body that many times."""


Changed = Callable[[Pair], None]
Running = tuple[list[int], Sequence[Pair]]
"""The processes of a server, and the pairs."""
Peer = Callable[[Path, int, Changed], AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def daemon(words: Sequence[str], port: int, root: Path, environment: dict[str, str] | None = None) -> AsyncIterator[int]:
    """A server that keeps all it has below `root` and listens on a port of this machine alone; gives its process, and ends it."""
    with (root / "server.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
            words, cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            await _listening(port, server, root)
            yield server.pid
        finally:
            server.terminate()
            try:
                await asyncio.to_thread(server.wait, 10)
            except subprocess.TimeoutExpired:
                server.kill()


async def _listening(port: int, server: subprocess.Popen[bytes], root: Path) -> None:
    limit = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > limit:
                raise RuntimeError((root / "server.log").read_text(errors="replace")[-500:]) from None
            await asyncio.sleep(0.1)
        else:
            return
