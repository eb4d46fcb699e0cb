"""PublicMessage (RFC 9420 §6.2): a signed content in the clear, with a tag that shows its sender to be a member."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from connexa.mls.codec import V, rv
from connexa.mls.content import AuthenticatedContent, FramedContent, VerifiedContent, read_auth
from connexa.mls.errors import ValidationError
from connexa.mls.registry import ContentType, SenderType, WireFormat
from connexa.mls.suite import Suite

__all__ = ["PublicMessage", "protect_public", "unprotect_public"]

_MAY_SAY = {
    SenderType.MEMBER: (ContentType.PROPOSAL, ContentType.COMMIT),
    SenderType.EXTERNAL: (ContentType.PROPOSAL,),
    SenderType.NEW_MEMBER_PROPOSAL: (ContentType.PROPOSAL,),
    SenderType.NEW_MEMBER_COMMIT: (ContentType.COMMIT,),
}


@dataclass(frozen=True, slots=True)
class PublicMessage:
    """As it is on the wire: neither tag nor signature were checked."""

    authenticated: AuthenticatedContent
    membership_tag: bytes | None = field(repr=False)

    @property
    def content(self) -> FramedContent:
        return self.authenticated.content

    def encode(self) -> bytes:
        tag = b"" if self.membership_tag is None else V(self.membership_tag)
        return self.content.raw + self.authenticated.auth_data() + tag

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[PublicMessage, int]:
        content, pos = FramedContent.read(buf, pos)
        signature, confirmation_tag, pos = read_auth(content.content_type, buf, pos)
        authenticated = AuthenticatedContent(WireFormat.PUBLIC_MESSAGE, content, signature, confirmation_tag)
        if content.sender.type != SenderType.MEMBER:
            return cls(authenticated, None), pos
        membership_tag, pos = rv(buf, pos)
        return cls(authenticated, membership_tag), pos


def protect_public(suite: Suite, verified: VerifiedContent, context: bytes, membership_key: bytes) -> PublicMessage:
    """Our content as a PublicMessage; application data never is one (V22). Only members' messages use the membership key."""
    _check_sayable(verified.content)
    if verified.content.sender.type != SenderType.MEMBER:
        return PublicMessage(verified, None)
    return PublicMessage(verified, suite.mac(membership_key, verified.signed(context) + verified.auth_data()))


def unprotect_public(
    suite: Suite, message: PublicMessage, context: bytes, membership_key: bytes | None, key_of: Callable[[FramedContent], bytes]
) -> VerifiedContent:
    """The content, if its sender may say it, is a member if it says so, and signed it.

    `key_of` gives the sender's signature key or raises. Without a `membership_key` the tag is not checked: that is for those who follow a
    group from outside and cannot.
    """
    _check_sayable(message.content)
    authenticated = message.authenticated
    if message.content.sender.type == SenderType.MEMBER and membership_key is not None:
        authentic = authenticated.signed(context) + authenticated.auth_data()
        suite.verify_mac(membership_key, authentic, message.membership_tag or b"", rule="V21")
    return authenticated.verify(suite, key_of(message.content), context)


def _check_sayable(content: FramedContent) -> None:
    if content.content_type not in _MAY_SAY[content.sender.type]:
        raise ValidationError("V22", "This kind of sender may not say this in a public message.")
