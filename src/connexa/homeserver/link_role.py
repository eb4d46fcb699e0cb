"""What a link has become once it is open, and what every such role may do with its connection."""

from __future__ import annotations

from typing import Protocol

from google.protobuf.message import Message

from connexa.errors import ConnexaError, RefusedError
from connexa.homeserver.intake import Gate
from connexa.wire.v1.link_pb2 import LinkUp

__all__ = ["Connection", "Role", "unexpected"]


class Connection(Protocol):
    """One connection, for the role that it carries."""

    gate: Gate

    @property
    def ended(self) -> bool:
        """Whether nothing can be said any more."""

    def say(self, **frame: Message) -> None:
        """Send one frame; the keyword is its name in `LinkDown`."""

    def say_raw(self, frame: bytes) -> None:
        """Send one frame that is encoded already."""

    def buffered(self) -> int:
        """Bytes that the node has not taken."""

    def end(self, error: ConnexaError) -> None:
        """Close with the code that says the same as the error."""

    def close(self, code: int) -> None:
        """Close in order."""


class Role(Protocol):
    """What carries on when a link is open."""

    def opened(self) -> None:
        """`ready` was said."""

    def take_at_once(self, frame: bytes) -> bool:
        """Take one frame of those that come by the thousand, which need no message object; False where it is none of them."""

    def take(self, name: str, frame: LinkUp) -> None:
        """Take one frame; `name` is its name in the oneof. Errors end the link."""

    def drained(self) -> None:
        """The node reads again."""

    def closed(self) -> None:
        """The connection is gone."""


def unexpected() -> RefusedError:
    """The refusal of a frame that has no place here."""
    return RefusedError("frame.unexpected", "That frame has no place on this link now.")
