"""SHA-2 with HMAC and HKDF (RFC 5869), by the fastest way that the standard library has."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SHA256", "SHA384", "SHA512", "Hash"]


@dataclass(frozen=True, slots=True)
class Hash:
    """One hash function; `size` is the length of its output in bytes, `kdf_id` HPKE's number for HKDF with it."""

    name: str
    size: int
    kdf_id: int
    _new: Callable[[bytes], hashlib._Hash]

    def digest(self, data: bytes) -> bytes:
        """The hash."""
        return self._new(data).digest()

    def mac(self, key: bytes, data: bytes) -> bytes:
        """HMAC."""
        return hmac.digest(key, data, self.name)

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """HKDF-Extract. An empty salt equals one of zeros (RFC 2104 pads keys)."""
        return hmac.digest(salt, ikm, self.name)

    def expand(self, prk: bytes, info: bytes, length: int) -> bytes:
        """HKDF-Expand to `length` bytes, at most 255 hashes."""
        block = hmac.digest(prk, info + b"\1", self.name)
        if length <= self.size:  # nearly every call of MLS: one block
            return block[:length]
        if length > 255 * self.size:
            raise ValueError("HKDF gives at most 255 blocks")
        output = block
        for counter in range(2, -(-length // self.size) + 1):
            block = hmac.digest(prk, block + info + bytes((counter,)), self.name)
            output += block
        return output[:length]


SHA256 = Hash("sha256", 32, 1, hashlib.sha256)
SHA384 = Hash("sha384", 48, 2, hashlib.sha384)
SHA512 = Hash("sha512", 64, 3, hashlib.sha512)
