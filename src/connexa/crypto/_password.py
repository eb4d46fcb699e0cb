"""Passwords become keys by Argon2id alone."""

from __future__ import annotations

import unicodedata

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

__all__ = ["PASSWORD_SALT_BYTES", "stretch_password"]

PASSWORD_SALT_BYTES = 16
_MEMORY_KIB = 64 * 1024
_PASSES = 3
_LANES = 4


def stretch_password(password: str, salt: bytes) -> bytes:
    """A 32-byte key from a password and a random salt of its own; takes about a tenth of a second."""
    if len(salt) < PASSWORD_SALT_BYTES:
        raise ValueError("a password salt has at least 16 bytes")
    # The same word typed on another keyboard may be composed otherwise.
    secret = unicodedata.normalize("NFKC", password).encode()
    return Argon2id(salt=salt, length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB).derive(secret)
