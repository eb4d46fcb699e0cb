"""What members say to a group (RFC 9420 §6): a content with its sender, and the signature over it.

`AuthenticatedContent` carries a signature; `VerifiedContent` is one whose signature holds, because we checked it or made it. What acts
on messages takes the latter alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from connexa.crypto.mls import SignatureSecret
from connexa.mls.codec import V, rv, u8, u16, u32, u64
from connexa.mls.errors import DecodeError
from connexa.mls.proposals import Commit, Proposal, ProposalRef, encode_proposal, read_proposal
from connexa.mls.registry import MLS10, ContentType, SenderType, WireFormat
from connexa.mls.suite import Suite

__all__ = ["AuthenticatedContent", "Body", "FramedContent", "Sender", "VerifiedContent", "read_auth", "read_body", "sign_content"]

Body = bytes | Proposal | Commit
"""Application data, a proposal or a commit."""

_VERSION = MLS10.to_bytes(2, "big")
_LABEL = "FramedContentTBS"
# RFC 9420's prose names members alone; its struct, and with it everybody, names those who join by a commit, too.
_SIGNS_CONTEXT = frozenset((SenderType.MEMBER, SenderType.NEW_MEMBER_COMMIT))
# What a bad signature breaks, by who signed.
_RULES = {
    SenderType.MEMBER: "V21",
    SenderType.EXTERNAL: "V40",
    SenderType.NEW_MEMBER_PROPOSAL: "V40",
    SenderType.NEW_MEMBER_COMMIT: "V32",
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks; `index` is a member's leaf index or the place of an external sender in its list, else 0."""

    type: SenderType
    index: int = 0

    def encode(self) -> bytes:
        number = bytes((self.type,))
        return number + self.index.to_bytes(4, "big") if self.type <= SenderType.EXTERNAL else number

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Sender, int]:
        number, pos = u8(buf, pos)
        try:
            kind = SenderType(number)
        except ValueError:
            raise DecodeError("A message is of no known type of sender.", "V02") from None
        index, pos = u32(buf, pos) if kind <= SenderType.EXTERNAL else (0, pos)
        return cls(kind, index), pos


@dataclass(frozen=True, slots=True)
class FramedContent:
    """A content in its group, epoch and sender; `raw` is its encoding, which is signed and hashed."""

    group_id: bytes
    epoch: int
    sender: Sender
    authenticated_data: bytes
    body: Body = field(repr=False)
    raw: bytes = field(repr=False, compare=False)

    @property
    def content_type(self) -> ContentType:
        return _type_of(self.body)

    @classmethod
    def make(cls, group_id: bytes, epoch: int, sender: Sender, body: Body, authenticated_data: bytes = b"") -> FramedContent:
        """A content of ours."""
        return cls.assemble(group_id, epoch, sender, authenticated_data, body, encode_body(body))

    @classmethod
    def assemble(cls, group_id: bytes, epoch: int, sender: Sender, authenticated_data: bytes, body: Body, encoded: bytes) -> FramedContent:
        """A content whose body came in its encoding."""
        head = V(group_id) + epoch.to_bytes(8, "big") + sender.encode() + V(authenticated_data)
        return cls(group_id, epoch, sender, authenticated_data, body, head + bytes((_type_of(body),)) + encoded)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[FramedContent, int]:
        start = pos
        group_id, pos = rv(buf, pos)
        epoch, pos = u64(buf, pos)
        sender, pos = Sender.read(buf, pos)
        authenticated_data, pos = rv(buf, pos)
        content_type, pos = u8(buf, pos)
        body, pos = read_body(content_type, buf, pos)
        return cls(group_id, epoch, sender, authenticated_data, body, buf[start:pos]), pos


def _type_of(body: Body) -> ContentType:
    if isinstance(body, bytes):
        return ContentType.APPLICATION
    return ContentType.COMMIT if isinstance(body, Commit) else ContentType.PROPOSAL


def encode_body(body: Body) -> bytes:
    """A body without its type."""
    if isinstance(body, bytes):
        return V(body)
    return body.encode() if isinstance(body, Commit) else encode_proposal(body)


def read_body(content_type: int, buf: bytes, pos: int) -> tuple[Body, int]:
    """The body of a type that was read before."""
    if content_type == ContentType.APPLICATION:
        return rv(buf, pos)
    if content_type == ContentType.PROPOSAL:
        return read_proposal(buf, pos)
    if content_type == ContentType.COMMIT:
        return Commit.read(buf, pos)
    raise DecodeError("A message is of no known content type.", "V02")


def read_auth(content_type: int, buf: bytes, pos: int) -> tuple[bytes, bytes | None, int]:
    """FramedContentAuthData: signature, a commit's confirmation tag, and the position behind them."""
    signature, pos = rv(buf, pos)
    if content_type != ContentType.COMMIT:
        return signature, None, pos
    tag, pos = rv(buf, pos)
    return signature, tag, pos


@dataclass(frozen=True, slots=True)
class AuthenticatedContent:
    """A content with a signature that nobody has checked yet; commits carry a confirmation tag, which the group checks."""

    wire_format: WireFormat
    content: FramedContent
    signature: bytes = field(repr=False)
    confirmation_tag: bytes | None = field(repr=False, default=None)

    def encode(self) -> bytes:
        return self.wire_format.to_bytes(2, "big") + self.content.raw + self.auth_data()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[AuthenticatedContent, int]:
        number, pos = u16(buf, pos)
        try:
            wire_format = WireFormat(number)
        except ValueError:
            raise DecodeError("A content is of no known wire format.", "V02") from None
        content, pos = FramedContent.read(buf, pos)
        signature, tag, pos = read_auth(content.content_type, buf, pos)
        return AuthenticatedContent(wire_format, content, signature, tag), pos

    def auth_data(self) -> bytes:
        """FramedContentAuthData."""
        return V(self.signature) + (b"" if self.confirmation_tag is None else V(self.confirmation_tag))

    def signed(self, context: bytes) -> bytes:
        """FramedContentTBS; `context` is the encoded GroupContext, which senders without a leaf to come do not sign."""
        return _signed(self.wire_format, self.content, context)

    @property
    def confirmed_input(self) -> bytes:
        """ConfirmedTranscriptHashInput (§8.2): everything up to the confirmation tag."""
        return self.wire_format.to_bytes(2, "big") + self.content.raw + V(self.signature)

    def ref(self, suite: Suite) -> ProposalRef:
        """The reference to the proposal that this content is (§5.2)."""
        return ProposalRef(suite.ref_hash("MLS 1.0 Proposal Reference", self.encode()))

    def verify(self, suite: Suite, public: bytes, context: bytes) -> VerifiedContent:
        """The same content as one whose signature holds under this key, or `CryptoError`."""
        rule = "V24" if self.wire_format == WireFormat.PRIVATE_MESSAGE else _RULES[self.content.sender.type]
        suite.verify_with_label(public, _LABEL, self.signed(context), self.signature, rule=rule)
        return VerifiedContent(self.wire_format, self.content, self.signature, self.confirmation_tag)


@dataclass(frozen=True, slots=True)
class VerifiedContent(AuthenticatedContent):
    """A content whose signature holds: made by `AuthenticatedContent.verify` and `sign_content` alone."""

    def confirm(self, tag: bytes) -> VerifiedContent:
        """Our commit with its confirmation tag, which is known after it was signed."""
        return replace(self, confirmation_tag=tag)


def sign_content(
    suite: Suite, wire_format: WireFormat, content: FramedContent, signer: SignatureSecret, context: bytes = b""
) -> VerifiedContent:
    """A content of ours with its signature; `context` is the encoded GroupContext, for members and those who join by a commit."""
    return VerifiedContent(wire_format, content, suite.sign_with_label(signer, _LABEL, _signed(wire_format, content, context)))


def _signed(wire_format: WireFormat, content: FramedContent, context: bytes) -> bytes:
    signed = _VERSION + wire_format.to_bytes(2, "big") + content.raw
    return signed + context if content.sender.type in _SIGNS_CONTEXT else signed
