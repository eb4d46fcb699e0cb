"""PrivateMessage (RFC 9420 §6.3): content and sender sealed, each under keys of the epoch, the content under one that is used once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from connexa.crypto import Rng
from connexa.mls.codec import V, decode, rv, u8, u32, u64
from connexa.mls.codec import raw as fixed
from connexa.mls.content import AuthenticatedContent, FramedContent, Sender, VerifiedContent, encode_body, read_auth, read_body
from connexa.mls.errors import DecodeError, ValidationError
from connexa.mls.registry import ContentType, SenderType, WireFormat
from connexa.mls.secret_tree import MessageKey, SecretTree, Step, sender_data_key
from connexa.mls.suite import Suite

__all__ = ["PrivateMessage", "SenderData", "protect_private", "unprotect_private"]

_GUARD_BYTES = 4


@dataclass(frozen=True, slots=True)
class PrivateMessage:
    """As it is on the wire: nothing in it was opened."""

    group_id: bytes
    epoch: int
    content_type: ContentType
    authenticated_data: bytes
    encrypted_sender_data: bytes = field(repr=False)
    ciphertext: bytes = field(repr=False)

    def encode(self) -> bytes:
        return self.aad() + V(self.encrypted_sender_data) + V(self.ciphertext)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[PrivateMessage, int]:
        group_id, pos = rv(buf, pos)
        epoch, pos = u64(buf, pos)
        number, pos = u8(buf, pos)
        try:
            content_type = ContentType(number)
        except ValueError:
            raise DecodeError("A message is of no known content type.", "V02") from None
        authenticated_data, pos = rv(buf, pos)
        encrypted_sender_data, pos = rv(buf, pos)
        ciphertext, pos = rv(buf, pos)
        return cls(group_id, epoch, content_type, authenticated_data, encrypted_sender_data, ciphertext), pos

    def aad(self) -> bytes:
        """PrivateContentAAD."""
        return self.sender_data_aad() + V(self.authenticated_data)

    def sender_data_aad(self) -> bytes:
        """SenderDataAAD."""
        return V(self.group_id) + self.epoch.to_bytes(8, "big") + bytes((self.content_type,))


@dataclass(frozen=True, slots=True)
class SenderData:
    """Whose key opens the content, and which (§6.3.2)."""

    leaf: int
    generation: int
    reuse_guard: bytes = field(repr=False)

    def encode(self) -> bytes:
        return self.leaf.to_bytes(4, "big") + self.generation.to_bytes(4, "big") + self.reuse_guard

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[SenderData, int]:
        leaf, pos = u32(buf, pos)
        generation, pos = u32(buf, pos)
        guard, pos = fixed(buf, pos, _GUARD_BYTES)
        return cls(leaf, generation, guard), pos

    def nonce(self, key: MessageKey) -> bytes:
        """The nonce with its reuse guard: a restored sender that uses a key again uses no nonce again (§6.3.1)."""
        guarded = int.from_bytes(key.nonce[:_GUARD_BYTES], "big") ^ int.from_bytes(self.reuse_guard, "big")
        return guarded.to_bytes(_GUARD_BYTES, "big") + key.nonce[_GUARD_BYTES:]


def protect_private(
    suite: Suite,
    verified: VerifiedContent,
    tree: SecretTree,
    sender_data_secret: bytes,
    *,
    pad: Callable[[int], int],
    rng: Rng,
    at_least: int = 0,
) -> tuple[PrivateMessage, Step]:
    """Our content, signed for this wire format, as a PrivateMessage, and the step to settle with it.

    `pad` says how long a content of so many bytes becomes, padded with zeros; `at_least` is `SecretTree.next`'s.
    """
    content = verified.content
    if verified.wire_format != WireFormat.PRIVATE_MESSAGE or content.sender.type != SenderType.MEMBER:
        raise ValueError("only what a member signed as a private message becomes one")
    step = tree.next(content.sender.index, content.content_type, at_least)
    sender = SenderData(content.sender.index, step.key.generation, rng(_GUARD_BYTES))
    plaintext = encode_body(content.body) + verified.auth_data()
    head = PrivateMessage(content.group_id, content.epoch, content.content_type, content.authenticated_data, b"", b"")
    padded = plaintext.ljust(pad(len(plaintext)), b"\0")
    ciphertext = suite.aead_seal(step.key.key, sender.nonce(step.key), head.aad(), padded)
    key, nonce = sender_data_key(suite, sender_data_secret, ciphertext)
    sealed = suite.aead_seal(key, nonce, head.sender_data_aad(), sender.encode())
    return PrivateMessage(head.group_id, head.epoch, head.content_type, head.authenticated_data, sealed, ciphertext), step


def unprotect_private(
    suite: Suite,
    message: PrivateMessage,
    tree: SecretTree,
    sender_data_secret: bytes,
    context: bytes,
    *,
    own_leaf: int | None,
    key_of: Callable[[int], bytes],
) -> tuple[VerifiedContent, Step]:
    """The content, if it opens and its sender signed it, and the step to settle once the message is accepted.

    `key_of` gives the signature key at a leaf or raises `ValidationError` for a blank one (V23); `own_leaf` is ours, whose messages we do
    not read: their keys are gone. Nothing has changed, whatever was wrong.
    """
    key, nonce = sender_data_key(suite, sender_data_secret, message.ciphertext)
    sender = decode(SenderData.read, suite.aead_open(key, nonce, message.sender_data_aad(), message.encrypted_sender_data))
    if sender.leaf == own_leaf:
        raise ValidationError("V23", "A group's message comes back to its own sender.")
    public = key_of(sender.leaf)
    step = tree.reach(sender.leaf, message.content_type, sender.generation)
    plaintext = suite.aead_open(step.key.key, sender.nonce(step.key), message.aad(), message.ciphertext)
    return _read_content(message, sender.leaf, plaintext).verify(suite, public, context), step


def _read_content(message: PrivateMessage, leaf: int, plaintext: bytes) -> AuthenticatedContent:
    """PrivateMessageContent: body, signature, tag, and zeros to its end (V23)."""
    body, end = read_body(message.content_type, plaintext, 0)
    signature, tag, pos = read_auth(message.content_type, plaintext, end)
    if plaintext[pos:].strip(b"\0"):
        raise ValidationError("V23", "A message's padding is not all zeros.")
    sender = Sender(SenderType.MEMBER, leaf)
    content = FramedContent.assemble(message.group_id, message.epoch, sender, message.authenticated_data, body, plaintext[:end])
    return AuthenticatedContent(WireFormat.PRIVATE_MESSAGE, content, signature, tag)
