"""MLSMessage (RFC 9420 §6): everything that travels, behind its version and wire format; and what frames a message, in one place.

Usable without a group: a server reads with `MLSMessage.decode` what it may see, and nothing here resolves a reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connexa.mls.codec import MAX_VECTOR, decode, u16
from connexa.mls.content import AuthenticatedContent, Body, FramedContent, Sender, VerifiedContent, sign_content
from connexa.mls.errors import DecodeError
from connexa.mls.key_package import KeyPackage
from connexa.mls.private_message import PrivateMessage, SenderData, protect_private, unprotect_private
from connexa.mls.public_message import PublicMessage, protect_public, unprotect_public
from connexa.mls.registry import MLS10, WireFormat
from connexa.mls.welcome import GroupInfo, Welcome

__all__ = [
    "AuthenticatedContent",
    "Body",
    "FramedContent",
    "MLSMessage",
    "MessageBody",
    "PrivateMessage",
    "PublicMessage",
    "Sender",
    "SenderData",
    "VerifiedContent",
    "protect_private",
    "protect_public",
    "sign_content",
    "unprotect_private",
    "unprotect_public",
]

MessageBody = PublicMessage | PrivateMessage | Welcome | GroupInfo | KeyPackage

_READERS: dict[int, Callable[[bytes, int], tuple[MessageBody, int]]] = {
    WireFormat.PUBLIC_MESSAGE: PublicMessage.read,
    WireFormat.PRIVATE_MESSAGE: PrivateMessage.read,
    WireFormat.WELCOME: Welcome.read,
    WireFormat.GROUP_INFO: GroupInfo.read,
    WireFormat.KEY_PACKAGE: KeyPackage.read,
}
_FORMATS: dict[type, WireFormat] = {
    PublicMessage: WireFormat.PUBLIC_MESSAGE,
    PrivateMessage: WireFormat.PRIVATE_MESSAGE,
    Welcome: WireFormat.WELCOME,
    GroupInfo: WireFormat.GROUP_INFO,
    KeyPackage: WireFormat.KEY_PACKAGE,
}


@dataclass(frozen=True, slots=True)
class MLSMessage:
    """One message; its kind is the type of its body."""

    body: MessageBody

    @property
    def wire_format(self) -> WireFormat:
        return _FORMATS[type(self.body)]

    def encode(self) -> bytes:
        return MLS10.to_bytes(2, "big") + self.wire_format.to_bytes(2, "big") + self.body.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[MLSMessage, int]:
        version, pos = u16(buf, pos)
        if version != MLS10:
            raise DecodeError("This message is of another version of MLS.")
        number, pos = u16(buf, pos)
        reader = _READERS.get(number)
        if reader is None:
            raise DecodeError("This message is of no known wire format.", "V02")
        body, pos = reader(buf, pos)
        return cls(body), pos

    @classmethod
    def decode(cls, raw: bytes) -> MLSMessage:
        """The message that these bytes are; its size is looked at first."""
        if len(raw) > MAX_VECTOR:
            raise DecodeError("This message is longer than we allow.")
        return decode(cls.read, raw)
