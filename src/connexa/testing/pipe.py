"""One connection of the memory network: a sink for the homeserver, a channel for the node, and frames under way between them.

It behaves as the socket adapters do: order is kept, reading can stop on either side, a buffer has a high mark, a close code arrives
behind the last frame, and a lost connection loses what was under way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from connexa.wire.transport import CLOSE_LOST, CLOSE_OK, FrameHandler, LinkClosed

from .inline import Killed

__all__ = ["Pipe"]

HIGH = 1024 * 1024
LOW = 256 * 1024
_END = b"the connection ends here"  # compared by identity: no frame of anybody is this object


class _Way:
    """One direction: frames in order, delivered one by one through the event loop while its reader reads."""

    def __init__(self, deliver: Callable[[bytes], None], drained: Callable[[], None], delay: Callable[[], float]) -> None:
        self._deliver = deliver
        self._drained = drained
        self._delay = delay
        self._frames: deque[bytes] = deque()
        self._ripe = 0  # frames whose delay is over
        self._scheduled = False
        self._over = False
        self._paused = False
        self.size = 0
        self.dead = False

    def send(self, frame: bytes) -> None:
        if self.dead:
            return
        self._frames.append(frame)
        self.size += len(frame)
        self._over = self._over or self.size > HIGH
        loop = asyncio.get_running_loop()
        delay = self._delay()
        if delay > 0:
            loop.call_later(delay, self._ripen)  # whichever timer fires first, the oldest frame goes first
        else:
            loop.call_soon(self._ripen)

    def _ripen(self) -> None:
        self._ripe += 1
        self._kick()

    def _kick(self) -> None:
        if self._ripe and not self._paused and not self._scheduled and not self.dead:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._pass_on)

    def _pass_on(self) -> None:
        self._scheduled = False
        while self._ripe and not self._paused and not self.dead:
            self._ripe -= 1
            frame = self._frames.popleft()
            self.size -= len(frame)
            self._deliver(frame)
        if self._over and self.size <= LOW and not self.dead:
            self._over = False
            self._drained()

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._kick()


class Pipe:
    """Both ends of a connection. `sink` goes to the homeserver, `channel` to the node."""

    def __init__(self, source: str, certificate_hash: bytes, delay: Callable[[], float], forget: Callable[[Pipe], None]) -> None:
        self._forget = forget
        self._handler: FrameHandler | None = None
        self.certificate_hash = certificate_hash
        self.up = _Way(self._to_server, self._node_drained, delay)
        self.down = _Way(self._to_node, self._server_drained, delay)
        self.sink = MemorySink(self, source)
        self.channel = MemoryChannel(self)
        self.closed = False
        self._last_code = CLOSE_LOST

    def connect(self, handler: FrameHandler) -> None:
        """Give the homeserver's end its handler."""
        self._handler = handler

    def lose(self) -> None:
        """Break the connection: what is under way is lost, both ends learn it as a socket would tell them."""
        self._finish(CLOSE_LOST, linger=False)

    def close(self, code: int, *, by_server: bool) -> None:
        """End it in order: what the homeserver sent before arrives before the code."""
        self._finish(code, linger=by_server)

    def _finish(self, code: int, *, linger: bool) -> None:
        if self.closed:
            return
        self.closed = True
        self._forget(self)
        self.up.dead = True
        if linger:
            self._last_code = code
            self.down.send(_END)
        else:
            self.down.dead = True
            self.channel.end(code)
        asyncio.get_running_loop().call_soon(self._tell_server)

    def _tell_server(self) -> None:
        if self._handler is not None:
            handler, self._handler = self._handler, None
            handler.on_closed()

    def _to_server(self, frame: bytes) -> None:
        if self._handler is None:
            return
        try:
            self._handler.on_frame(frame)
        except Killed:  # its connections are lost with it
            return
        except BaseException:  # as the socket adapter: an error of the handler costs this connection and is shown
            self.lose()
            raise

    def _to_node(self, frame: bytes) -> None:
        if frame is _END:
            self.channel.end(self._last_code)
        else:
            self.channel.take(frame)

    def _server_drained(self) -> None:
        if self._handler is not None:
            self._handler.on_drained()

    def _node_drained(self) -> None:
        self.channel.drained.set()


class MemorySink:
    """The homeserver's end (`FrameSink`)."""

    def __init__(self, pipe: Pipe, source: str) -> None:
        self._pipe = pipe
        self.source = source
        self.certificate_hash = pipe.certificate_hash

    def send(self, frame: bytes) -> None:
        """Queue one frame for the node."""
        if not self._pipe.closed:
            self._pipe.down.send(frame)

    def close(self, code: int) -> None:
        """End the connection behind what was sent."""
        self._pipe.close(code, by_server=True)

    def pause(self) -> None:
        """Stop taking the node's frames."""
        self._pipe.up.pause()

    def resume(self) -> None:
        """Take them again."""
        self._pipe.up.resume()

    def buffered(self) -> int:
        """Bytes that the node has not taken."""
        return self._pipe.down.size


class MemoryChannel:
    """The node's end (`FrameChannel`)."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._frames: deque[bytes] = deque()
        self._unread = 0
        self._arrived = asyncio.Event()
        self._code: int | None = None
        self.drained = asyncio.Event()
        self.certificate_hash = pipe.certificate_hash

    async def receive(self) -> bytes:
        """Return the next frame, or raise LinkClosed after the last."""
        while not self._frames:
            if self._code is not None:
                raise LinkClosed(self._code)
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        self._unread -= len(frame)
        if self._unread <= LOW:
            self._pipe.down.resume()
        return frame

    def send(self, frame: bytes) -> None:
        """Queue one frame for the homeserver."""
        self._pipe.up.send(frame)

    async def drain(self) -> None:
        """Wait until the homeserver has taken most of it."""
        while self._code is None and self._pipe.up.size > HIGH:
            self.drained.clear()
            await self.drained.wait()
        if self._code is not None:
            raise LinkClosed(self._code)

    def close(self, code: int = CLOSE_OK) -> None:
        """End the connection."""
        self._pipe.close(code, by_server=False)

    def take(self, frame: bytes) -> None:
        """Accept a frame from the pipe; a node that does not read makes the homeserver's buffer grow, not its own."""
        self._frames.append(frame)
        self._unread += len(frame)
        self._arrived.set()
        if self._unread > HIGH:
            self._pipe.down.pause()

    def end(self, code: int) -> None:
        """Learn that the connection is over."""
        if self._code is None:
            self._code = code
        self._arrived.set()
        self.drained.set()
