"""The safety number of two people: 60 digits that both compare; linking or losing a device does not change it (pairwise §8)."""

from __future__ import annotations

from connexa.crypto import sha512
from connexa.identity import UserPublic

__all__ = ["safety_digest", "safety_number"]

_VERSION = 1
_ROUNDS = 5_199  # makes a look-alike 5,200 times as dear


def safety_digest(user: UserPublic) -> bytes:
    """64 bytes of which a person's 30 digits are made; the first 32 go into a QR code."""
    key = user.key.raw
    digest = sha512(b"Connexa/1 safety", _VERSION.to_bytes(2, "big"), key, user.id, key)
    for _ in range(_ROUNDS):
        digest = sha512(digest, key)
    return digest


def safety_number(one: UserPublic, other: UserPublic) -> str:
    """60 digits, the same for both whichever side computes them."""
    return "".join(sorted((_digits(one), _digits(other))))


def _digits(user: UserPublic) -> str:
    digest = safety_digest(user)
    return "".join(f"{int.from_bytes(digest[i : i + 5], 'big') % 100_000:05d}" for i in range(0, 30, 5))
