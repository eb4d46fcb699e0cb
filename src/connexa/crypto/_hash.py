"""Randomness as an argument, and the hashes and key derivation that every room uses."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from hashlib import sha256 as _sha256
from hashlib import sha512 as _sha512

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["ZERO_SALT", "HmacKey", "Rng", "equal", "hkdf", "hmac_sha256", "hmac_sha256_pair", "sha256", "sha512", "system_random"]

Rng = Callable[[int], bytes]
"""Gives that many random bytes. Programs pass `system_random`; tests pass a seeded one."""

ZERO_SALT = bytes(32)

_SHA256 = SHA256()
_BLOCK = 64  # bytes, of SHA-256
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def system_random(length: int) -> bytes:
    """Random bytes of the operating system."""
    return os.urandom(length)


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the concatenation."""
    return _sha256(b"".join(parts)).digest()


def sha512(*parts: bytes) -> bytes:
    """SHA-512 of the concatenation."""
    return _sha512(b"".join(parts)).digest()


def hmac_sha256(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 of the concatenation."""
    return hmac.digest(key, b"".join(parts), "sha256")


class HmacKey:
    """A key of HMAC-SHA256 that is set up once for many messages (RFC 2104 section 4)."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= _BLOCK else sha256(key)).ljust(_BLOCK, b"\0")
        self._inner = _sha256(block.translate(_INNER))
        self._outer = _sha256(block.translate(_OUTER))

    def hmac_sha256(self, *parts: bytes) -> bytes:
        """HMAC-SHA256 of the concatenation."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(b"".join(parts))
        outer.update(inner.digest())
        return outer.digest()


def hmac_sha256_pair(key: bytes, one: bytes, other: bytes) -> tuple[bytes, bytes]:
    """HMAC-SHA256 of two messages under one key, which is set up once."""
    first = HMAC(key, _SHA256)
    second = first.copy()
    first.update(one)
    second.update(other)
    return first.finalize(), second.finalize()


def equal(a: bytes, b: bytes) -> bool:
    """Compare secrets in constant time."""
    return hmac.compare_digest(a, b)


def hkdf(ikm: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256, RFC 5869."""
    return HKDF(_SHA256, length, salt, info).derive(ikm)
