"""OpenPGP packets, v4 and v6, for Ed25519 and X25519 only: bodies, fingerprints, signatures, secret tails (identity §4).

RFC 4880 with RFC 6637's key forms for v4, which gpg 2.2 reads; RFC 9580 for v6. The two versions share the keys and the creation
time. Self-signatures carry the key's own creation time, so that a v4 certificate is byte-identical whenever it is built again.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from connexa.crypto import Ed25519Secret, sha256, sha512

_OID_ED25519 = bytes.fromhex("092B06010401DA470F01")
_OID_X25519 = bytes.fromhex("0A2B060104019755010501")
_POINT = b"\x01\x07\x40"  # MPI of 263 bits, native point
_KDF_SHA256_AES128 = b"\x03\x01\x08\x07"
_SHA512 = 10


class Version(IntEnum):
    """The two packet versions that we write."""

    V4 = 4
    V6 = 6


class Tag(IntEnum):
    """Packet tags."""

    SIGNATURE = 2
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    USER_ID = 13
    PUBLIC_SUBKEY = 14


class SignatureType(IntEnum):
    """What a signature says."""

    POSITIVE_CERTIFICATION = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_KEY_BINDING = 0x19


class KeyFlags(IntFlag):
    """What a key may do."""

    CERTIFY = 0x01
    SIGN = 0x02
    ENCRYPT = 0x0C


@dataclass(frozen=True, slots=True)
class KeyPacket:
    """The body of a public key packet and what follows from it."""

    version: Version
    body: bytes

    @property
    def framed(self) -> bytes:
        """The form that is hashed for fingerprints and signatures."""
        return (
            struct.pack(">BI" if self.version is Version.V6 else ">BH", 0x9B if self.version is Version.V6 else 0x99, len(self.body))
            + self.body
        )

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 for v6; SHA-1 for v4, as RFC 4880 has it: an alias for people and gpg, never our id."""
        if self.version is Version.V6:
            return sha256(self.framed)
        return hashlib.sha1(self.framed, usedforsecurity=False).digest()


def ed25519_packet(version: Version, created: int, public: bytes) -> KeyPacket:
    """An Ed25519 key: EdDSA (22) in v4, Ed25519 (27) in v6."""
    if version is Version.V6:
        return KeyPacket(version, struct.pack(">BIBI", 6, created, 27, 32) + public)
    return KeyPacket(version, struct.pack(">BIB", 4, created, 22) + _OID_ED25519 + _POINT + public)


def x25519_packet(version: Version, created: int, public: bytes) -> KeyPacket:
    """An X25519 key: ECDH (18) in v4, X25519 (25) in v6."""
    if version is Version.V6:
        return KeyPacket(version, struct.pack(">BIBI", 6, created, 25, 32) + public)
    return KeyPacket(version, struct.pack(">BIB", 4, created, 18) + _OID_X25519 + _POINT + public + _KDF_SHA256_AES128)


def packet(tag: Tag, body: bytes) -> bytes:
    """Frame a body with a new-format header."""
    return bytes([0xC0 | tag]) + _length(len(body)) + body


def user_id_packet(user_id: bytes) -> bytes:
    """A user id packet."""
    return packet(Tag.USER_ID, user_id)


def secret_tail_ed25519(version: Version, seed: bytes) -> bytes:
    """The unencrypted secret part behind an Ed25519 body."""
    return b"\x00" + seed if version is Version.V6 else _secret_mpi(seed)


def secret_tail_x25519(version: Version, raw: bytes) -> bytes:
    """The unencrypted secret part behind an X25519 body; v4 has it clamped and byte-reversed."""
    if version is Version.V6:
        return b"\x00" + raw
    clamped = bytes([raw[0] & 0xF8]) + raw[1:31] + bytes([raw[31] & 0x7F | 0x40])
    return _secret_mpi(clamped[::-1])


def subpacket(kind: int, body: bytes, *, critical: bool = False) -> bytes:
    """One signature subpacket."""
    return _length(len(body) + 1) + bytes([kind | (0x80 if critical else 0)]) + body


def hashed_subpackets(signer: KeyPacket, created: int, *more: bytes) -> bytes:
    """The hashed area that every signature of ours has: creation time, issuer, and what it says."""
    issuer = subpacket(33, bytes([signer.version]) + signer.fingerprint)
    return subpacket(2, struct.pack(">I", created), critical=True) + issuer + b"".join(more)


def key_flags(flags: KeyFlags) -> bytes:
    """What the key may do, as a subpacket."""
    return subpacket(27, bytes([flags]), critical=True)


def preferences(version: Version) -> bytes:
    """Ciphers, hashes, no compression, features (SEIPDv1; v6 also SEIPDv2), and: this is the primary user id."""
    features = b"\x09" if version is Version.V6 else b"\x01"
    return b"".join(
        [subpacket(11, b"\x09\x07"), subpacket(21, b"\x0a\x08"), subpacket(22, b"\x00"), subpacket(30, features), subpacket(25, b"\x01")]
    )


def signature_body(
    signer: KeyPacket, secret: Ed25519Secret, kind: SignatureType, covered: Sequence[bytes], hashed: bytes, salt: bytes
) -> bytes:
    """Sign `covered` and return the packet's body; `salt` is 32 random bytes for v6 and not used for v4."""
    v6 = signer.version is Version.V6
    algorithm = 27 if v6 else 22
    head = bytes([signer.version, kind, algorithm, _SHA512]) + struct.pack(">I" if v6 else ">H", len(hashed)) + hashed
    trailer = bytes([signer.version, 0xFF]) + struct.pack(">I", len(head))
    digest = sha512(salt if v6 else b"", *covered, head, trailer)  # RFC 9580 §5.2.4
    raw = secret.sign_openpgp(digest)
    if v6:
        return head + struct.pack(">I", 0) + digest[:2] + bytes([len(salt)]) + salt + raw
    issuer = subpacket(16, signer.fingerprint[-8:])
    return head + struct.pack(">H", len(issuer)) + issuer + digest[:2] + mpi(raw[:32]) + mpi(raw[32:])


def certified_user_id(user_id: bytes) -> bytes:
    """A user id as certifications hash it."""
    return b"\xb4" + struct.pack(">I", len(user_id)) + user_id


def mpi(raw: bytes) -> bytes:
    """A multiprecision integer: bit length, then the bytes without leading zeros."""
    stripped = raw.lstrip(b"\x00")
    return struct.pack(">H", int.from_bytes(stripped, "big").bit_length()) + stripped


def first_packet(certificate: bytes) -> tuple[int, bytes]:
    """Split off the tag and body of the first packet, in the new or old format; partial lengths do not occur in keys."""
    head = certificate[0]
    if not head & 0x80:
        raise ValueError("not an OpenPGP packet")
    if head & 0x40:
        tag, (size, start) = head & 0x3F, _read_length(certificate)
    else:
        tag, width = head >> 2 & 0x0F, {0: 1, 1: 2, 2: 4}[head & 3]
        size, start = int.from_bytes(certificate[1 : 1 + width], "big"), 1 + width
    if start + size > len(certificate):
        raise ValueError("truncated packet")
    return tag, certificate[start : start + size]


def read_ed25519(body: bytes) -> tuple[int, bytes]:
    """Creation time and raw key of a v4 or v6 Ed25519 public key body; every other algorithm raises `ValueError`."""
    if len(body) == 51 and body[0] == 4 and body[5:19] == b"\x16" + _OID_ED25519 + _POINT:
        return int.from_bytes(body[1:5], "big"), body[19:51]
    if len(body) == 42 and body[0] == 6 and body[5:10] == b"\x1b\x00\x00\x00\x20":
        return int.from_bytes(body[1:5], "big"), body[10:42]
    raise ValueError("not an Ed25519 key")


def _secret_mpi(secret: bytes) -> bytes:
    number = mpi(secret)
    return b"\x00" + number + struct.pack(">H", sum(number) & 0xFFFF)


def _length(size: int) -> bytes:
    if size < 192:
        return bytes([size])
    if size < 8384:
        return bytes([(size - 192 >> 8) + 192, size - 192 & 0xFF])
    return b"\xff" + struct.pack(">I", size)


def _read_length(certificate: bytes) -> tuple[int, int]:
    first = certificate[1]
    if first < 192:
        return first, 2
    if first < 224:
        return (first - 192 << 8) + certificate[2] + 192, 3
    if first == 255:
        return int.from_bytes(certificate[2:6], "big"), 6
    raise ValueError("partial length")
