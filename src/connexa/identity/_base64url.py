"""Base64url without padding, with one spelling for each value: the form of keys in TXT, well-known and discovery file."""

from __future__ import annotations

import base64
import binascii


def encode(raw: bytes) -> str:
    """Write bytes without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Read exactly what `encode` writes; anything else raises `ValueError`."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if encode(raw) != text:
        raise ValueError("not the canonical base64url")
    return raw
