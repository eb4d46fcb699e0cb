"""`/api/ws`: the node's events as they happen, one JSON text each, from a cursor on (product §4).

The first frame of the client is `{"token": "…", "after": 17}`; `token` may be left out where the request carried it as a header. The
node answers `{"cursor": 42}` (what is newest), then the events behind `after`, then those to come. A reader that is too slow is closed
with 4429 and goes on from its last cursor.

The web server hands an upgrade over as bytes; `EventSocket` is the protocol that takes them, so that one library frames WebSockets in
the whole house.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, WSUpgradeResponse
from picows.api import WSServerListenerFactory
from picows.common import WSUpgradeResponseWithListener
from picows.picows import WSAutoPingStrategy, WSProtocol  # type: ignore[attr-defined]  # no public way to take over a connection

from connexa.errors import ConnexaError, RefusedError
from connexa.node.node import Node
from connexa.node.views import EventView

from .guard import Guard
from .refusals import error_body, http_status

__all__ = ["EventSockets"]

PATH: Final = "/api/ws"
FRAME_MAX: Final = 16 * 1024
FIRST_FRAME_SECONDS: Final = 10.0
READERS_MAX: Final = 32
_PAGE: Final = 1000
_log = logging.getLogger("connexa.node.api")


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The client's first frame."""

    token: str = ""
    after: Annotated[int, msgspec.Meta(ge=0)] | None = None


class EventSockets:
    """The open event sockets of a node; `run` is the task that they live in."""

    def __init__(self, node: Node, guard: Guard) -> None:
        self._node = node
        self._guard = guard
        self._readers: set[EventReader] = set()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Serve readers until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await asyncio.get_running_loop().create_future()
        finally:
            self._tasks = None

    def protocol(self, **_: object) -> UpgradedConnection:
        """Make what takes over a connection; the web server calls it with its own state."""
        return UpgradedConnection(self._admit)

    def _admit(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        headers = {name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers}
        try:
            self._guard.check_source(headers)
            if request.path.partition(b"?")[0] != PATH.encode("ascii"):
                raise RefusedError("route.unknown", "There is no such socket.")
            if self._tasks is None or len(self._readers) >= READERS_MAX:
                raise RefusedError("rate.limited", "Too many sockets are open.", retryable=True)
        except ConnexaError as error:
            return _refusal(error)
        return EventReader(self._node, self._guard, headers, self._start)

    def _start(self, reader: EventReader) -> None:
        if self._tasks is None:  # the node is ending
            return reader.end(1001)
        self._readers.add(reader)
        self._tasks.create_task(reader.run()).add_done_callback(lambda _: self._readers.discard(reader))
        return None


def _refusal(error: ConnexaError) -> WSUpgradeResponseWithListener:
    body = msgspec.json.encode(error_body(error))
    response = WSUpgradeResponse.create_error_response(
        http_status(error), body, {"Content-Type": "application/json", "Connection": "close"}
    )
    return WSUpgradeResponseWithListener(response, None)


class UpgradedConnection(WSProtocol):  # type: ignore[misc]  # untyped base
    """A WebSocket whose upgrade request was already read by the web server."""

    def __init__(self, admit: WSServerListenerFactory) -> None:
        logger = logging.getLogger("connexa.node.api.socket")
        ping = WSAutoPingStrategy.PING_WHEN_IDLE
        super().__init__(None, None, False, admit, logger, True, 5, True, 30, 15, ping, True, FRAME_MAX, None, 4096)

    def data_received(self, data: bytes) -> None:
        """Take the request that the web server read."""
        view = self.get_buffer(len(data))
        view[: len(data)] = data
        self.buffer_updated(len(data))


class EventReader(WSListener):
    """One client and the task that serves it."""

    def __init__(self, node: Node, guard: Guard, headers: dict[str, str], start: Callable[[EventReader], None]) -> None:
        super().__init__()
        self._start = start
        self._node = node
        self._guard = guard
        self._headers = headers
        self._transport: WSTransport | None = None
        self._first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The upgrade is answered."""
        self._transport = transport
        self._start(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take the first frame; the client has nothing else to say."""
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        elif frame.msg_type == WSMsgType.TEXT and frame.fin and not self._first.done():
            self._first.set_result(frame.get_payload_as_utf8_text())
        elif frame.msg_type not in (WSMsgType.PING, WSMsgType.PONG):
            self.end(4400)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The client is gone."""
        self._closed.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """The client does not read."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._writable.set()

    async def run(self) -> None:
        """Serve until the client leaves; its end never ends anything else."""
        serving = asyncio.ensure_future(self._serve())
        gone = asyncio.ensure_future(self._closed.wait())
        try:
            await asyncio.wait({serving, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            serving.cancel()
            await asyncio.wait({serving})
            self.end(1001)
        if not serving.cancelled() and (failure := serving.exception()) is not None:
            _log.error("socket.failed kind=%s", type(failure).__name__)

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(FIRST_FRAME_SECONDS):
                opening = self._open(await self._first)
            await self._stream(opening)
        except TimeoutError:
            self.end(4408)
        except msgspec.MsgspecError:
            self.end(4400)
        except ConnexaError as error:
            self._say(error_body(error))
            self.end(4429 if error.code == "events.slow" else 4000 + http_status(error))

    def _open(self, text: str) -> Opening:
        opening = msgspec.json.decode(text, type=Opening, strict=True)
        if opening.token:
            if not self._guard.access.knows(opening.token, self._headers.get("cookie", "")):
                raise RefusedError("token.bad", "The token is wrong.")
        else:
            self._guard.access.check(self._headers)
        return opening

    async def _stream(self, opening: Opening) -> None:
        async with self._node.subscribe() as events:
            cursor = self._node.status().event_cursor
            self._say({"cursor": cursor})
            sent = cursor if opening.after is None else opening.after
            while page := self._node.replay(sent, _PAGE):
                sent = await self._show(page)
            async for event in events:
                if event.cursor > sent:  # the rest was in the replay
                    sent = await self._show([event])

    async def _show(self, events: list[EventView]) -> int:
        for event in events:
            self._say(event)
            await self._writable.wait()
        return events[-1].cursor

    def _say(self, value: object) -> None:
        if self._transport is not None and not self._closed.is_set():
            self._transport.send(WSMsgType.TEXT, msgspec.json.encode(value))

    def end(self, code: int) -> None:
        """Close the socket with a code."""
        if self._transport is not None and not self._closed.is_set():
            self._transport.send_close(code, None)  # type: ignore[arg-type]  # the enum knows none of the 4000s
            self._transport.disconnect()
