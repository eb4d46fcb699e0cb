"""Runs one of our ASGI applications on a socket that we opened, inside our event loop and without touching its signals.

TLS contexts are ours too; the loop's own listeners take them, so under an aiofastnet loop an idle connection costs a seventh (trap 1).
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from connexa.errors import ConflictError, ConnexaError, RefusedError, UsageError

__all__ = ["HttpServer", "bind_tcp", "bind_unix"]

BACKLOG = 1_024
GRACE_SECONDS = 3
KEEP_ALIVE_SECONDS = 15
CONNECTION_SECONDS = 30.0  # the library alone waits for ever for a request that does not come, or not whole
HEADERS_MAX = 16 * 1024
SOCKET_PATH_MAX = 100  # sun_path holds 104 bytes on some systems


def bind_tcp(host: str, port: int, name: str) -> socket.socket:
    """Listen; port 0 takes a free one. ConflictError `port.in_use` names the listener."""
    family = socket.AF_INET6 if ":" in host or not host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # with proto 0 asyncio sets no TCP_NODELAY
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if not host else 1)
        listener.bind((host or "::", port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _bind_error(error, name, port) from None
    return listener


def _bind_error(error: OSError, name: str, port: int) -> ConnexaError:
    if error.errno == errno.EADDRINUSE:
        return ConflictError("port.in_use", f"The {name} port {port} is in use.", f"Stop what uses it, or set server.{name}.port.")
    if error.errno == errno.EACCES:
        return RefusedError("port.refused", f"This user may not open the {name} port {port}.", "Take a port above 1023.")
    return UsageError("port.failed", f"The {name} port {port} cannot be opened ({errno.errorcode.get(error.errno or 0, 'unknown')}).")


def bind_unix(path: Path) -> socket.socket:
    """Listen on a unix socket for its owner alone (0600); one that nobody answers on is replaced."""
    if len(os.fsencode(path)) > SOCKET_PATH_MAX:
        raise UsageError("settings.path_too_long", "The path of the admin socket is too long.", "Set server.admin.socket to a shorter one.")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            _replace_dead(path)
        before = os.umask(0o177)  # the file must never exist with wider rights, not even for a moment
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        reason = errno.errorcode.get(error.errno or 0, "unknown")
        raise UsageError("settings.socket_failed", f"The admin socket cannot be opened ({reason}).") from None
    except ConnexaError:
        listener.close()
        raise
    return listener


def _replace_dead(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink()
            return
    raise ConflictError("server.running", "This homeserver is running already.", "See it with: connexa server status")


class HttpServer:
    """One application on one socket."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, tls: ssl.SSLContext | None = None, connections: int = 1_024) -> None:
        self._listener = listener
        self._server = _Server(
            uvicorn.Config(
                app,
                http=_Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # a limit by source must not believe what the source says
                limit_concurrency=connections,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=GRACE_SECONDS,
                h11_max_incomplete_event_size=HEADERS_MAX,
                ssl_context_factory=(lambda _config, _default: tls) if tls is not None else None,
            )
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._listener.getsockname()[1])

    async def run(self) -> None:
        """Serve until `stop` or cancellation."""
        try:
            await self._server.serve(sockets=[self._listener])
        except asyncio.CancelledError:
            self._server.should_exit = True
            raise

    def stop(self) -> None:
        """Take no more requests; finish those under way."""
        self._server.should_exit = True


class _ReadsOn(FlowControl):
    """Never stops reading: under aiofastnet 1.2 a TLS connection that was paused forgets records that it has, and waits for ever.

    What is held meanwhile is bounded all the same: a body by the limit of its page, and nothing is kept of one that is answered already.
    """

    def pause_reading(self) -> None:
        """Go on."""


class _Connection(H11Protocol):
    """One connection, for a bounded time: those who send nothing must not keep the places of others."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library has it
        """Begin to count."""
        super().connection_made(transport)
        self.flow = _ReadsOn(transport)
        if (user := _user_of(transport)) is not None:
            self.client = (user, 0)  # the library knows no name for who comes over a unix socket
        self._end = self.loop.call_later(CONNECTION_SECONDS, self._time_is_over)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended by itself."""
        self._end.cancel()
        super().connection_lost(exc)

    def _time_is_over(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete or cycle.more_body:
            self.transport.abort()  # no whole request is here
        else:
            self.shutdown()  # behind the answer that is being made


def _user_of(transport: asyncio.Transport) -> str | None:
    """Who of this machine's users is at the other end of a unix socket."""
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return f"uid {user}"


class _Server(uvicorn.Server):
    """Leaves signals to the program."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
