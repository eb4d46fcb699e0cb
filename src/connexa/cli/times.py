"""Spans of time as people type and read them."""

from __future__ import annotations

import re
from typing import Final

from connexa.errors import UsageError

__all__ = ["duration", "seconds_of"]

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}


def seconds_of(text: str) -> int:
    """The seconds that somebody has typed; 0 for off."""
    if text in ("off", "0"):
        return 0
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if found is None:
        raise UsageError("time.malformed", "Write a time like 30s, 5m, 8h, 7d or 4w, or off.")
    return int(found[1]) * _UNITS[found[2]]


def duration(seconds: int) -> str:
    """Seconds in the largest unit that divides them; off for 0."""
    if not seconds:
        return "off"
    unit = next(one for one in ("w", "d", "h", "m", "s") if seconds % _UNITS[one] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"
