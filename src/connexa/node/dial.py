"""Dial a homeserver's link: WebSocket over TLS 1.3, where only the pinned keys of the domain vouch for the certificate.

Implements first-message §8 and homeserver §2 and §7.2. Each dial has a TLS context of its own, so no ticket can tie a submit link to
the login of the same node (P40); the system's certificate store is never asked.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, cast

from picows import WSCloseCode, WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport, ws_connect

from connexa.crypto import Ed25519Public, sha256
from connexa.crypto.x509 import InvalidCertificate, anchor_pem, leaf_domain
from connexa.errors import ConnexaError, IntegrityError, NetworkError
from connexa.wire import MAX_FRAME
from connexa.wire.transport import CLOSE_LOST, CLOSE_OK, LinkClosed

__all__ = ["TlsDialer", "pinned_context"]

DIAL_SECONDS: Final = 10.0
LINK_PATH: Final = "/v1/link"
_UNREAD_HIGH: Final = 2 * 1024 * 1024  # bytes that wait for the node before it stops reading from the socket
_UNREAD_LOW: Final = 512 * 1024
_WRITE_HIGH: Final = 256 * 1024
_WRITE_LOW: Final = 64 * 1024
_PROTOCOL: Final = 1002
_POLICY: Final = 1008
_TOO_BIG: Final = 1009
_CERT_EXPIRED: Final = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_CERT_NOT_YET: Final = 9  # X509_V_ERR_CERT_NOT_YET_VALID


class TlsDialer:
    """The `LinkDialer` of real networks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    async def dial(self, domain: str, endpoint: str, domain_keys: Sequence[Ed25519Public]) -> TlsChannel:
        """Connect and hold the certificate to be the domain's by one of its pinned keys."""
        context = pinned_context(domain, domain_keys, self._clock())
        channel = TlsChannel()
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                await ws_connect(
                    lambda: channel,
                    f"wss://{endpoint}{LINK_PATH}",
                    ssl_context=context,
                    server_hostname=domain,
                    max_redirects=0,
                    max_frame_size=MAX_FRAME,
                    websocket_handshake_timeout=DIAL_SECONDS,
                    enable_auto_ping=True,  # a network that is cut says nothing: ask
                    auto_ping_idle_timeout=30,
                    auto_ping_reply_timeout=15,
                )
            channel.verify(domain, domain_keys, self._clock())
        except ssl.SSLCertVerificationError as error:
            raise _distrust(error) from None
        except (OSError, TimeoutError, WSHandshakeError) as error:
            raise NetworkError("link.unreachable", f"The homeserver of {domain} cannot be reached ({type(error).__name__}).") from None
        except ConnexaError:
            channel.close(_POLICY)
            raise
        return channel


def pinned_context(domain: str, keys: Sequence[Ed25519Public], now: float) -> ssl.SSLContext:
    """A context of its own, in which these keys alone vouch for the domain; `leaf_domain` has to follow."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks the chain and the host name
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    context.load_verify_locations(cadata=b"".join(anchor_pem(domain, key, now) for key in keys).decode("ascii"))
    return context


def _distrust(error: ssl.SSLCertVerificationError) -> IntegrityError:
    if error.verify_code in (_CERT_EXPIRED, _CERT_NOT_YET):
        return IntegrityError(
            "certificate.expired",
            "The homeserver's certificate is not valid at this time.",
            "Check the clock of this machine; if it is right, tell the operator of the homeserver.",
        )
    return InvalidCertificate()


class TlsChannel(WSListener):
    """One connection; the frames of picows come in raw and are judged here (homeserver §2)."""

    def __init__(self) -> None:
        self.certificate_hash = b""
        self._transport: WSTransport | None = None
        self._frames: deque[bytes] = deque()
        self._unread = 0
        self._paused = False
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._close_code: int | None = None

    def verify(self, domain: str, keys: Sequence[Ed25519Public], now: float) -> None:
        """Make the strict check that follows the chain check, and remember which certificate was shown."""
        der = self._der()
        for key in keys:
            try:
                if leaf_domain(der, key, now) == domain:
                    self.certificate_hash = sha256(der)
                    return
            except InvalidCertificate:
                continue
        raise InvalidCertificate

    def _der(self) -> bytes:
        connection = self._transport.underlying_transport.get_extra_info("ssl_object") if self._transport is not None else None
        der: bytes | None = connection.getpeercert(binary_form=True) if connection is not None else None
        if der is None:
            raise NetworkError("link.unreachable", "The connection ended while it was opened.")
        return der

    async def receive(self) -> bytes:
        """Return the next frame, or raise LinkClosed after the last one."""
        while not self._frames:
            if self._close_code is not None:
                raise LinkClosed(self._close_code)
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        self._unread -= len(frame)
        if self._paused and self._unread <= _UNREAD_LOW and self._transport is not None:
            self._paused = False
            self._transport.underlying_transport.resume_reading()
        return frame

    def send(self, frame: bytes) -> None:
        """Queue one frame."""
        if self._transport is not None and self._close_code is None:
            self._transport.send(WSMsgType.BINARY, frame)

    async def drain(self) -> None:
        """Wait until the socket takes more."""
        await self._writable.wait()
        if self._close_code is not None:
            raise LinkClosed(self._close_code)

    def close(self, code: int = CLOSE_OK) -> None:
        """Say goodbye and disconnect; unread frames are dropped."""
        if self._transport is not None and self._close_code is None:
            self._transport.send_close(cast(WSCloseCode, code))  # any number goes; the stub names only the registered ones
            self._end(code)
            self._transport.disconnect()

    def _end(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
        self._arrived.set()
        self._writable.set()

    # ---- called by picows

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take the connection over."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_LOW)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Judge one raw frame: only whole binary ones of an allowed size are ours."""
        match frame.msg_type:
            case WSMsgType.PING:
                transport.send_pong(frame.get_payload_as_bytes())
            case WSMsgType.PONG:
                pass
            case WSMsgType.CLOSE:
                code = int.from_bytes(frame.get_payload_as_bytes()[:2], "big")
                self._end(code or CLOSE_LOST)
                transport.send_close(WSCloseCode.OK)
                transport.disconnect()
            case WSMsgType.BINARY if frame.fin and not (frame.rsv1 or frame.rsv2 or frame.rsv3):
                self._take(frame)
            case _:
                self.close(_PROTOCOL)

    def _take(self, frame: WSFrame) -> None:
        if self._close_code is not None:
            return
        # The library's own limit lets an oversized frame through that arrives in one burst (homeserver §2 trap 3).
        if frame.payload_size > MAX_FRAME:
            self.close(_TOO_BIG)
            return
        payload = frame.get_payload_as_bytes()
        self._frames.append(payload)
        self._unread += len(payload)
        self._arrived.set()
        if self._unread > _UNREAD_HIGH and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.underlying_transport.pause_reading()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The socket is gone."""
        self._end(CLOSE_LOST)

    def pause_writing(self) -> None:
        """The homeserver does not take what we send."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._writable.set()
