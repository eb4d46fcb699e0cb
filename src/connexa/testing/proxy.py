"""A TCP proxy on loopback that stands for the network between two programs: it can be cut, healed, stalled and slowed down."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["TcpProxy"]

CHUNK = 65_536
CONNECT_SECONDS = 5.0


class TcpProxy:
    """Listens on a port of its own and passes bytes to `target`, which may move (a program that was started again has another port)."""

    def __init__(self, listener: socket.socket, target: tuple[str, int] | None) -> None:
        self._listener = listener
        self.target = target
        self.port: int = listener.getsockname()[1]
        self.accepted = 0
        self.delay = 0.0
        self._whole = True
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()

    @classmethod
    @asynccontextmanager
    async def listening(cls, target: tuple[str, int] | None = None) -> AsyncIterator[TcpProxy]:
        """Run a proxy for as long as the block lasts."""
        listener = socket.create_server(("127.0.0.1", 0))
        proxy = cls(listener, target)
        server = await asyncio.start_server(proxy._serve, sock=listener)
        try:
            yield proxy
        finally:
            server.close()
            proxy.drop()

    def cut(self) -> None:
        """Reset every connection, and every new one at once, until `heal`."""
        self._whole = False
        self.drop()

    def stall(self) -> None:
        """Keep connections open and pass nothing, as a network does that lost its cable, until `heal`."""
        self._flowing.clear()

    def heal(self) -> None:
        """Undo `cut` and `stall`."""
        self._whole = True
        self._flowing.set()

    def drop(self) -> int:
        """Reset the connections that are open now; return how many ends."""
        writers = list(self._writers)
        for writer in writers:
            writer.transport.abort()
        return len(writers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if not self._whole or self.target is None:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                far_reader, far_writer = await asyncio.open_connection(*self.target)
        except (OSError, TimeoutError):
            writer.transport.abort()
            self._writers.discard(writer)
            return
        self._writers.add(far_writer)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass_on(reader, far_writer))
                ways.create_task(self._pass_on(far_reader, writer))
        finally:
            for end in (writer, far_writer):
                self._writers.discard(end)
                end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                await self._flowing.wait()
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(chunk)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            writer.transport.abort()
