"""ChaCha20-Poly1305, the one AEAD of the protocol."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag as _Broken
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from connexa.crypto._errors import InvalidTag

__all__ = ["TAG_BYTES", "aead_open", "aead_seal"]

TAG_BYTES = 16


def aead_seal(key: bytes, nonce: bytes, plaintext: bytes, ad: bytes) -> bytes:
    """Ciphertext and tag under a 32-byte key and a 12-byte nonce that is never used twice with it."""
    return ChaCha20Poly1305(key).encrypt(nonce, plaintext, ad)


def aead_open(key: bytes, nonce: bytes, sealed: bytes, ad: bytes) -> bytes:
    """The plaintext, or `InvalidTag`."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, ad)
    except _Broken:
        raise InvalidTag from None
