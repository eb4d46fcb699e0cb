"""Blobs: files in sealed segments that open anywhere, each held to a hash that the message commits to (docs/protocol.md section 25)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from connexa.crypto import ZERO_SALT, InvalidTag, aead_open, aead_seal, equal, hkdf, sha256
from connexa.errors import IntegrityError
from connexa.pairwise import blob_id
from connexa.wire import HASH_SIZE, SEALED_SEGMENT, SEGMENT

__all__ = ["BlobKeys", "blob_keys", "check_hashes", "damaged", "open_segment", "seal_segment"]

_NO_AD: Final = b""


@dataclass(frozen=True, slots=True)
class BlobKeys:
    """What follows from the key of a blob."""

    seal: bytes = field(repr=False)
    read: bytes = field(repr=False)  # shown to the homeserver that keeps it

    @property
    def id(self) -> bytes:
        """The blob's name at its homeserver, 16 bytes."""
        return blob_id(self.read)


def blob_keys(key: bytes) -> BlobKeys:
    """Derive what the key of one blob stands for."""
    return BlobKeys(
        hkdf(key, salt=ZERO_SALT, info=b"Connexa/1 blob segments", length=32),
        hkdf(key, salt=ZERO_SALT, info=b"Connexa/1 blob read", length=32),
    )


def seal_segment(keys: BlobKeys, index: int, count: int, plain: bytes) -> bytes:
    """Seal segment `index` of `count`; a short one is filled with zeros."""
    return aead_seal(keys.seal, _nonce(index, count), plain.ljust(SEGMENT, b"\0"), _NO_AD)


def open_segment(keys: BlobKeys, index: int, count: int, sealed: bytes, digest: bytes) -> bytes:
    """Open a segment that has this hash, or raise `attachment.damaged`."""
    if len(sealed) != SEALED_SEGMENT or not equal(sha256(sealed), digest):
        raise damaged()
    try:
        return aead_open(keys.seal, _nonce(index, count), sealed, _NO_AD)
    except InvalidTag:
        raise damaged() from None


def check_hashes(hashes: bytes, count: int, digest: bytes) -> None:
    """Hold the hashes of all segments against the digest that came with the message."""
    if len(hashes) != count * HASH_SIZE or not equal(sha256(hashes), digest):
        raise damaged()


def damaged() -> IntegrityError:
    """What a homeserver keeps, or this disk, is not what the sender has sent."""
    return IntegrityError("attachment.damaged", "The file is not what its sender has sent; nothing of it is shown.")


def _nonce(index: int, count: int) -> bytes:
    return bytes(7) + index.to_bytes(4, "big") + (b"\1" if index == count - 1 else b"\0")
