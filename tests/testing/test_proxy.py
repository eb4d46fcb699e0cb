"""The proxy passes bytes, resets when it is cut, holds back when it is stalled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connexa.testing import TcpProxy

SECONDS = 5.0


@asynccontextmanager
async def echo() -> AsyncIterator[tuple[str, int]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


async def test_it_passes_cuts_heals_and_follows_a_moved_target() -> None:
    async with asyncio.timeout(SECONDS), echo() as first, echo() as second, TcpProxy.listening(first) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"over")
        assert await reader.readexactly(4) == b"over"
        proxy.cut()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        reader, _ = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        proxy.target = second
        proxy.heal()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"again")
        assert await reader.readexactly(5) == b"again"


async def test_a_stalled_proxy_holds_bytes_back_and_gives_them_later() -> None:
    async with asyncio.timeout(SECONDS), echo() as target, TcpProxy.listening(target) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        proxy.stall()
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(4), 0.05)
        proxy.heal()
        assert await reader.readexactly(4) == b"late"


async def test_nobody_behind_the_proxy_is_a_reset() -> None:
    async with asyncio.timeout(SECONDS), TcpProxy.listening() as proxy:
        reader, _ = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
