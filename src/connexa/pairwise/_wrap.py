"""Body once, key per device (pairwise §5): the body is encrypted once, and each device gets a wrap with its key.

The wrap is the plaintext of a ratchet message, always 256 bytes, in one fixed layout. It commits to the body's ciphertext, whose zeros
commit to its key, so that devices of one person cannot be given keys that open it to different words (P31). The wrap says
what must not stand outside: message and conversation id, counter, last seen, and the device list that the sender knew (P14, P46).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from connexa.crypto import Rng, aead_open, aead_seal, equal, sha256
from connexa.pairwise._padding import pad, pad_to, unpad, unpad_from
from connexa.pairwise._reject import Reason, Reject, rejecting
from connexa.wire import BODY_BUCKETS, BODY_ZEROS, MAX_INTEGER

__all__ = ["WRAP_SIZE", "SealedBody", "Wrap", "check_wrap", "decode_wrap", "encode_wrap", "open_body", "seal_body"]

WRAP_SIZE = 256
_LAYOUT = struct.Struct(">32s32s16s16s32sQ32sQ32s")
_NONCE = bytes(12)  # each body has a key of its own
_AD = b"Connexa/1 body"
_ZEROS = bytes(BODY_ZEROS)


@dataclass(frozen=True, slots=True)
class SealedBody:
    """An encrypted body with its key."""

    key: bytes = field(repr=False)
    ciphertext: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Wrap:
    """What a device needs to open a body and to put the message in its place."""

    key: bytes = field(repr=False)
    body_digest: bytes  # SHA-256 of the ciphertext
    body_id: bytes  # = envelope id
    message_id: bytes
    conversation: bytes
    counter: int
    last_seen: bytes
    list_version: int  # of the recipient's device list, as the sender knew it
    list_digest: bytes


def seal_body(content: bytes, rng: Rng, minimum: int = BODY_BUCKETS[0]) -> SealedBody:
    """Pad and encrypt under a fresh key; requests pass their one size as `minimum`."""
    key = rng(32)
    ciphertext = aead_seal(key, _NONCE, pad(_ZEROS + content, minimum), _AD)
    return SealedBody(key, ciphertext, sha256(ciphertext))


def open_body(wrap: Wrap, ciphertext: bytes) -> bytes:
    """The content, without its padding, or `Reject`."""
    if not equal(sha256(ciphertext), wrap.body_digest):
        raise Reject(Reason.BODY)
    with rejecting(Reason.BODY):
        padded = aead_open(wrap.key, _NONCE, ciphertext, _AD)
    if not equal(padded[:BODY_ZEROS], _ZEROS):
        raise Reject(Reason.BODY)
    return unpad(padded)[BODY_ZEROS:]


def encode_wrap(wrap: Wrap) -> bytes:
    """The 256 bytes that go into the ratchet."""
    packed = _LAYOUT.pack(
        wrap.key,
        wrap.body_digest,
        wrap.body_id,
        wrap.message_id,
        wrap.conversation,
        wrap.counter,
        wrap.last_seen,
        wrap.list_version,
        wrap.list_digest,
    )
    return pad_to(packed, WRAP_SIZE)


def decode_wrap(raw: bytes) -> Wrap:
    """Read a wrap strictly, or `Reject`."""
    if len(raw) != WRAP_SIZE:
        raise Reject(Reason.MALFORMED)
    packed = unpad_from(raw)
    if len(packed) != _LAYOUT.size:
        raise Reject(Reason.MALFORMED)
    wrap = Wrap(*_LAYOUT.unpack(packed))
    if max(wrap.counter, wrap.list_version) > MAX_INTEGER:
        raise Reject(Reason.MALFORMED)
    return wrap


def check_wrap(wrap: Wrap, envelope_id: bytes, conversation: bytes) -> None:
    """Check that a wrap belongs to the envelope around it and to the conversation of its two people (P14)."""
    if wrap.body_id != envelope_id or wrap.conversation != conversation:
        raise Reject(Reason.MALFORMED)
