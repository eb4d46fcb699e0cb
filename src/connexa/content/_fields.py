"""What the readers of content share: the refusal of a field that has the wrong size or form."""

from __future__ import annotations

__all__ = ["Malformed", "need", "profile_key"]


class Malformed(Exception):
    """A field of content has the wrong size or form."""


def need(condition: bool) -> None:
    """Go on only if this holds."""
    if not condition:
        raise Malformed


def profile_key(raw: bytes) -> bytes:
    """A key that opens somebody's door."""
    need(len(raw) == 32)
    return raw
