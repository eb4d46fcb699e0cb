"""Protocol versions: two sides speak the highest version that both know, and each knows the last two (first-message §11).

Both ranges are inside what login, pass and federation hello sign, so nobody in between can talk two sides down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ._error import WireError, malformed


@dataclass(frozen=True, slots=True, order=True)
class VersionRange:
    """The protocol versions that one side speaks, both ends included."""

    min: int
    max: int


CURRENT: Final = 1
OURS: Final = VersionRange(max(1, CURRENT - 1), CURRENT)


def negotiate(ours: VersionRange, theirs: VersionRange) -> int:
    """Return the highest version in both ranges; raise WireError `version.unsupported` where there is none."""
    if not 1 <= theirs.min <= theirs.max:
        raise malformed("its version range is empty")
    version = min(ours.max, theirs.max)
    if version < max(ours.min, theirs.min):
        raise unsupported(ours)
    return version


def unsupported(ours: VersionRange) -> WireError:
    """The refusal `version.unsupported`: the other side is too old or too new for this one."""
    spoken = f"{ours.min}" if ours.min == ours.max else f"{ours.min} to {ours.max}"
    return WireError(
        "version.unsupported", f"The two sides have no protocol version in common; this one speaks {spoken}.", "Upgrade the older one."
    )
