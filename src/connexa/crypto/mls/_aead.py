"""The AEADs of MLS and HPKE: nonces of 12 bytes, tags of 16."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag as _Broken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from connexa.crypto._errors import InvalidTag

__all__ = ["AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305", "Aead"]


@dataclass(frozen=True, slots=True)
class Aead:
    """One AEAD: `id` is HPKE's number, `nk` the key length in bytes."""

    id: int
    nk: int
    _cipher: type[AESGCM | ChaCha20Poly1305]
    nn: int = 12
    nt: int = 16

    def seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """Ciphertext and tag. The pair of key and nonce is used once."""
        return self._cipher(key).encrypt(nonce, plaintext, aad)

    def open(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        """The plaintext, or `InvalidTag`."""
        try:
            return self._cipher(key).decrypt(nonce, sealed, aad)
        except _Broken:
            raise InvalidTag from None


AES_128_GCM = Aead(1, 16, AESGCM)
AES_256_GCM = Aead(2, 32, AESGCM)
CHACHA20_POLY1305 = Aead(3, 32, ChaCha20Poly1305)
