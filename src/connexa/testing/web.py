"""A homeserver's HTTPS port on a real loopback socket, for tests whose links go over the memory network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from connexa.homeserver.federation import Trust
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.http_server import HttpServer, bind_tcp
from connexa.homeserver.listeners import site_of
from connexa.homeserver.tls import server_context
from connexa.homeserver.web import build_web

__all__ = ["serve_web"]

STOP_SECONDS = 10.0


@asynccontextmanager
async def serve_web(house: Homeserver, *, listener: socket.socket | None = None, tls: bool = True) -> AsyncIterator[HttpServer]:
    """Open the port for the block; with TLS only where the house's clock is the machine's, by which OpenSSL judges certificates."""
    site = site_of(house, Trust(house.leaf, house.clock))
    context = server_context(house.leaf) if tls else None
    listener = listener or bind_tcp("127.0.0.1", 0, "https")
    server = HttpServer(build_web(site), listener, tls=context)
    running = asyncio.create_task(server.run())
    try:
        yield server
    finally:
        server.stop()
        await asyncio.wait({running}, timeout=STOP_SECONDS)
        running.cancel()
        listener.close()
