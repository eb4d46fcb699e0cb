"""Serves the API on a loopback socket of our own (product §4)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from litestar.types import ASGIApp

from connexa.errors import ConflictError, ConnexaError

from .socket import EventSockets

__all__ = ["ApiServer", "bind_loopback"]

_BACKLOG: Final = 128
_GRACE_SECONDS: Final = 1  # for what answers by itself; nobody waits for events any more, and what is durable is so without its answer
_HEADERS_MAX: Final = 16 * 1024
_CONNECTIONS_MAX: Final = 256


def bind_loopback(port: int) -> socket.socket:
    """Listen on 127.0.0.1; port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # with proto 0 asyncio sets no TCP_NODELAY
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConflictError("port.in_use", f"Port {port} is in use.", "Choose another: connexa up --port 0") from None
        raise ConnexaError("port.failed", f"Port {port} cannot be opened ({errno.errorcode.get(error.errno or 0, 'unknown')}).") from None
    return listener


class ApiServer:
    """One web server on one socket."""

    def __init__(self, app: ASGIApp, sockets: EventSockets, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            ws=sockets.protocol,  # type: ignore[arg-type]  # anything that makes a protocol
            http="h11",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            limit_concurrency=_CONNECTIONS_MAX,
            h11_max_incomplete_event_size=_HEADERS_MAX,
            timeout_graceful_shutdown=_GRACE_SECONDS,
        )
        self._server = _Server(config)
        self._sockets = sockets
        self._listener = listener

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Take no more requests, finish those under way."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """Leaves signals to the program."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
