"""Rights without an identity (pairwise §7, first-message §1, §2, §7): proofs that open a door and name nobody.

Contacts share a profile key, from which a weekly key follows; strangers show a pass or an invite. Only proofs over one envelope or one
call travel, so that no hop can use them again (P39).
"""

from __future__ import annotations

from collections.abc import Iterable

from connexa.crypto import ZERO_SALT, HmacKey, hkdf, hmac_sha256, sha256
from connexa.identity import UserId
from connexa.wire import ID_SIZE, TokenPacket, VersionRange, pass_statement
from connexa.wire.v1.message_pb2 import Packet

__all__ = [
    "RightKey",
    "blob_id",
    "call_proof",
    "invite_introduction_proof",
    "media_pass_proof",
    "packets_hash",
    "pass_id",
    "pass_proof",
    "pass_spent_key",
    "right_proof",
    "weekly_key",
]

_ANYBODY = bytes(32)
_RIGHT = b"connexa/right/v1\0"


def weekly_key(profile_key: bytes, week: int) -> bytes:
    """The delivery key of one week (unix seconds // 604,800) of whoever owns the profile key."""
    return hkdf(profile_key, salt=ZERO_SALT, info=b"Connexa/1 delivery" + week.to_bytes(8, "big"), length=32)


def packets_hash(packets: Iterable[Packet | TokenPacket]) -> bytes:
    """SHA-256 over the packets of an envelope, in their order, in one fixed layout."""
    parts = []
    for packet in packets:
        sealed = packet.sealed
        parts += [packet.device, packet.sek.to_bytes(4, "big"), len(sealed).to_bytes(4, "big"), sealed]
    return sha256(*parts)


def right_proof(key: bytes, envelope_id: bytes, user: bytes, body_digest: bytes, packets_digest: bytes) -> bytes:
    """The proof that goes with an envelope, under a weekly key or an invite's secret."""
    return hmac_sha256(key, _RIGHT, envelope_id, user, body_digest, packets_digest)


class RightKey:
    """A weekly key or an invite's secret, set up once for many proofs."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = HmacKey(key)

    def proof(self, envelope_id: bytes, user: bytes, body_digest: bytes, packets_digest: bytes) -> bytes:
        """As `right_proof`."""
        return self._key.hmac_sha256(_RIGHT, envelope_id, user, body_digest, packets_digest)


def call_proof(key: bytes, call_id: bytes, query: bytes, user: bytes = b"") -> bytes:
    """The proof for a look-up or claim; `user` is empty where the query names a localpart alone."""
    return right_proof(key, call_id, user or _ANYBODY, sha256(query), packets_hash(()))


def invite_introduction_proof(secret: bytes, sender: UserId, recipient: UserId) -> bytes:
    """What an `Introduction` carries to show the recipient, not the server, that their invite opened the door."""
    return hmac_sha256(secret, b"connexa/invite/v1\0", sender, recipient)


def pass_proof(output: bytes, *, node: VersionRange, server: VersionRange, nonce: bytes) -> bytes:
    """What is shown of a pass when a link opens."""
    return hmac_sha256(output, b"connexa/pass/v1\0", pass_statement(node=node, server=server, nonce=nonce))


def media_pass_proof(output: bytes, blob: bytes, write_hash: bytes, segments: int) -> bytes:
    """What is shown of a media pass: it pays for this upload and no other."""
    return hmac_sha256(output, b"connexa/media-pass/v1\0", blob, write_hash, segments.to_bytes(4, "big"))


def blob_id(read: bytes) -> bytes:
    """The name of a blob, of which whoever knows it cannot make the 32 bytes that open it for reading."""
    return sha256(b"connexa/blob/v1\0", read)[:ID_SIZE]


def pass_spent_key(token_input: bytes) -> bytes:
    """SHA-256 of a pass's input, under which it is spent."""
    return sha256(token_input)


def pass_id(token_input: bytes) -> bytes:
    """The id of the stream or step that a pass opened."""
    return pass_spent_key(token_input)[:16]
