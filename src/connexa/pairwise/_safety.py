"""The safety number of two people: 60 digits or a QR code that both compare; it does not change with their devices (pairwise §8)."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache

from connexa.crypto import equal, sha512
from connexa.errors import UsageError
from connexa.identity import UserPublic

__all__ = ["matches_safety_code", "matches_safety_number", "safety_code", "safety_digest", "safety_number"]

_VERSION = 1
_ROUNDS = 5_199  # makes a look-alike 5,200 times as dear
_CODE = "CXSAFETY"
_HALF = 32  # bytes of each person's digest in a code


@lru_cache(maxsize=256)
def _digest(key: bytes, user: bytes) -> bytes:
    digest = sha512(b"Connexa/1 safety", _VERSION.to_bytes(2, "big"), key, user, key)
    for _ in range(_ROUNDS):
        digest = sha512(digest, key)
    return digest


def safety_digest(user: UserPublic) -> bytes:
    """64 bytes of which a person's 30 digits are made; the first 32 go into a QR code."""
    return _digest(user.key.raw, user.id)


def safety_number(one: UserPublic, other: UserPublic) -> str:
    """60 digits, the same for both whichever side computes them."""
    return "".join(sorted((_digits(one), _digits(other))))


def matches_safety_number(typed: str, own: UserPublic, other: UserPublic) -> bool:
    """Whether these are the digits of the two, however they are grouped; `UsageError` for what are no 60 digits."""
    digits = re.sub(r"[\s-]", "", typed)
    if len(digits) != 60 or not (digits.isascii() and digits.isdigit()):
        raise UsageError("safety.malformed", "A safety number has 60 digits.")
    return equal(digits.encode(), safety_number(own, other).encode())


def safety_code(own: UserPublic, other: UserPublic) -> str:
    """The text of the QR code that `own` shows to `other`: version, the digest of who shows it, the digest of who is meant to scan it."""
    raw = bytes([_VERSION]) + safety_digest(own)[:_HALF] + safety_digest(other)[:_HALF]
    return _CODE + base64.b32encode(raw).decode().rstrip("=")


def matches_safety_code(scanned: str, own: UserPublic, other: UserPublic) -> bool:
    """Whether a scanned code is the one that `other` shows to `own`; `UsageError` for what is no such code."""
    text = "".join(scanned.split()).upper()
    body = text.removeprefix(_CODE)
    try:
        raw = base64.b32decode(body + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        raw = b""
    if not text.startswith(_CODE) or len(raw) != 1 + 2 * _HALF:
        raise UsageError("safety.malformed", "That is not the QR code of a safety number.")
    if raw[0] != _VERSION:
        raise UsageError("version.unsupported", "That QR code is of another version of Connexa.")
    if equal(raw[1:], safety_digest(own)[:_HALF] + safety_digest(other)[:_HALF]):
        raise UsageError("safety.own_code", "That is your own code.", "Scan the one on the other side's screen.")
    return equal(raw[1:], safety_digest(other)[:_HALF] + safety_digest(own)[:_HALF])


def _digits(user: UserPublic) -> str:
    digest = safety_digest(user)
    return "".join(f"{int.from_bytes(digest[i : i + 5], 'big') % 100_000:05d}" for i in range(0, 30, 5))
