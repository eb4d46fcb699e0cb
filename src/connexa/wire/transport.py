"""A link as bytes: what its two ends need of whatever carries the frames, a socket or the memory network of the test kit.

One frame is one protobuf message (`LinkUp` or `LinkDown`), at most `MAX_FRAME` bytes. Close codes are those of WebSocket: 1000 done,
1001 going away, 1006 lost without a word, 4000 + the HTTP status that says the same (first-message §4).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from connexa.crypto import Ed25519Public
from connexa.errors import NetworkError

__all__ = ["CLOSE_GONE", "CLOSE_LOST", "CLOSE_OK", "FrameChannel", "FrameHandler", "FrameSink", "LinkAcceptor", "LinkClosed", "LinkDialer"]

CLOSE_OK: Final = 1000
CLOSE_GONE: Final = 1001
CLOSE_LOST: Final = 1006


class LinkClosed(NetworkError):
    """The connection of a link has ended; `close_code` says how."""

    def __init__(self, close_code: int) -> None:
        super().__init__("link.closed", f"The link to the homeserver ended (code {close_code}).")
        self.close_code = close_code


class FrameSink(Protocol):
    """What a handler at the homeserver may do with its connection."""

    @property
    def source(self) -> str:
        """The address block of the other side, for limits."""

    @property
    def certificate_hash(self) -> bytes:
        """SHA-256 of the DER certificate that was shown on this connection."""

    def send(self, frame: bytes) -> None:
        """Queue one frame; after the end of the connection this does nothing."""

    def close(self, code: int) -> None:
        """End the connection with a close code; `on_closed` follows."""

    def pause(self) -> None:
        """Stop reading, so that the other side feels it."""

    def resume(self) -> None:
        """Read again."""

    def buffered(self) -> int:
        """Bytes that the other side has not taken yet."""


class FrameHandler(Protocol):
    """What a connection tells its handler at the homeserver."""

    def on_frame(self, frame: bytes) -> None:
        """Take one whole frame."""

    def on_drained(self) -> None:
        """The other side reads again: the buffer fell below its low mark."""

    def on_closed(self) -> None:
        """The connection is gone; called once, and nothing after it."""


class LinkAcceptor(Protocol):
    """The homeserver's door for links."""

    def accept(self, sink: FrameSink) -> FrameHandler:
        """Take over a new connection."""


class FrameChannel(Protocol):
    """The node's end of a connection."""

    @property
    def certificate_hash(self) -> bytes:
        """SHA-256 of the DER certificate that the homeserver showed on this connection."""

    async def receive(self) -> bytes:
        """Return the next frame; LinkClosed when the connection has ended and all frames are read."""

    def send(self, frame: bytes) -> None:
        """Queue one frame; after the end of the connection this does nothing."""

    async def drain(self) -> None:
        """Wait until the other side has taken most of what was sent; LinkClosed if it never will."""

    def close(self, code: int = CLOSE_OK) -> None:
        """End the connection; what was not read yet is dropped."""


class LinkDialer(Protocol):
    """Opens connections to the links of homeservers."""

    async def dial(self, domain: str, endpoint: str, domain_keys: Sequence[Ed25519Public]) -> FrameChannel:
        """Connect to `endpoint` (host:port) and hold it to be `domain` by one of its keys, or raise.

        NetworkError `link.unreachable`; IntegrityError `certificate.invalid` or `certificate.expired` where the certificate shown does
        not follow from the keys.
        """
