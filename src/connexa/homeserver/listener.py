"""The link's port: WebSocket over TLS 1.3 on picows and aiofastnet, judged frame by frame (homeserver §2).

Frames come raw from the library: anything but a whole binary one of an allowed size ends the connection before it is looked at.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final, cast

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from connexa.crypto.x509 import Leaf
from connexa.homeserver.certificates import Certificates
from connexa.homeserver.tls import server_context, show_leaf
from connexa.wire import MAX_FRAME
from connexa.wire.transport import FrameHandler, LinkAcceptor

__all__ = ["LINK_PATH", "LinkListener", "address_block"]

LINK_PATH: Final = b"/v1/link"
BACKLOG: Final = 4_096
WRITE_HIGH: Final = 262_144
WRITE_LOW: Final = 65_536
CLOSE_SECONDS: Final = 10.0
TLS_BUFFER: Final = 16 * 1024 + 64  # one TLS record each way: the library's 16 records cost an idle link 8 KiB more (H1)
_PROTOCOL: Final = 4_400  # a frame that is none of ours says the same as one that does not parse
_TOO_BIG: Final = 4_413


def address_block(address: str) -> str:
    """The block that an address counts for in limits: one IPv4 address, or an IPv6 /64 (homeserver §4)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((parsed, 64), strict=False))


class LinkListener:
    """Accepts links on one socket for one homeserver."""

    def __init__(self, acceptor: LinkAcceptor, certificates: Certificates) -> None:
        self._acceptor = acceptor
        self._certificates = certificates
        self._context = server_context(certificates.leaf)
        self._context.num_tickets = 0  # no ticket may tie a submit link to a login (first-message §1)
        certificates.watch(self._show)
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Listen on a bound socket; the handshake of a connection may take five seconds."""
        self._server = await ws_create_server(
            self._factory,
            sock=listener,
            ssl=self._context,
            backlog=BACKLOG,
            ssl_handshake_timeout=5.0,
            max_frame_size=MAX_FRAME,
            read_buffer_init_size=1024,
            enable_auto_ping=True,
            auto_ping_idle_timeout=60,
            auto_ping_reply_timeout=20,
            enable_auto_pong=True,
            ssl_incoming_bio_size=TLS_BUFFER,
            ssl_outgoing_bio_size=TLS_BUFFER,
            websocket_handshake_timeout=5,
            use_aiofastnet=True,  # asyncio's own TLS costs eight times the memory (trap 1)
        )
        logging.getLogger("picows").setLevel(logging.CRITICAL)  # it logs an error for whatever a stranger sends
        gc.freeze()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None:
            raise RuntimeError("the listener has not been started")
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Take no more connections; the open ones are the homeserver's to close."""
        if self._server is not None:
            self._server.close()

    def _show(self, leaf: Leaf) -> None:
        show_leaf(self._context, leaf)  # trap 11: served from the next handshake on

    def _factory(self, request: WSUpgradeRequest) -> WSListener | None:
        if request.path.partition(b"?")[0] != LINK_PATH:
            return None  # 404
        return _Connection(self._acceptor, self._certificates.hash)


class _Connection(WSListener):
    """One connection: a `FrameSink` for the homeserver."""

    def __init__(self, acceptor: LinkAcceptor, certificate_hash: bytes) -> None:
        self._acceptor = acceptor
        self.certificate_hash = certificate_hash
        self.source = ""
        self._transport: WSTransport | None = None
        self._handler: FrameHandler | None = None
        self._closing = False
        self._blocked = False

    # ---- FrameSink

    def send(self, frame: bytes) -> None:
        """Queue one frame; the library neither blocks nor fails (trap 5)."""
        if self._transport is not None and not self._closing:
            self._transport.send(WSMsgType.BINARY, frame)

    def close(self, code: int) -> None:
        """Say the code and disconnect behind what was sent."""
        if self._transport is None or self._closing:
            return
        self._closing = True
        self._transport.underlying_transport.resume_reading()  # a paused connection would not see the other side go
        self._transport.send_close(cast(WSCloseCode, code))  # any number goes; the stub names only the registered ones
        self._transport.disconnect()
        # Who does not read would hold what was sent to them for ever.
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.disconnect, False)

    def pause(self) -> None:
        """Stop reading (trap 6)."""
        if self._transport is not None and not self._closing:
            self._transport.underlying_transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        if self._transport is not None and not self._closing:
            self._transport.underlying_transport.resume_reading()

    def buffered(self) -> int:
        """Bytes that the node has not taken."""
        return self._transport.underlying_transport.get_write_buffer_size() if self._transport is not None else 0

    # ---- called by picows

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take the connection over."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=WRITE_HIGH, low=WRITE_LOW)
        peer = transport.underlying_transport.get_extra_info("peername")
        self.source = address_block(str(peer[0])) if peer else ""
        self._handler = self._acceptor.accept(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Judge one raw frame (traps 3, 4)."""
        if self._closing or self._handler is None:
            return
        match frame.msg_type:
            case WSMsgType.BINARY if frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3):
                if frame.payload_size > MAX_FRAME:  # one read burst may carry more than the library's own limit
                    self.close(_TOO_BIG)
                else:
                    self._handler.on_frame(frame.get_payload_as_bytes())
            case WSMsgType.PING | WSMsgType.PONG:
                pass  # the library answers
            case WSMsgType.CLOSE:
                self.close(int(WSCloseCode.OK.value))
            case _:
                self.close(_PROTOCOL)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone."""
        self._closing = True
        if self._handler is not None:
            handler, self._handler = self._handler, None
            handler.on_closed()

    def pause_writing(self) -> None:
        """The node does not take what is sent; the homeserver asks for `buffered` before it sends more."""
        self._blocked = True

    def resume_writing(self) -> None:
        """It does again."""
        self._blocked = False
        if self._handler is not None:
            self._handler.on_drained()
