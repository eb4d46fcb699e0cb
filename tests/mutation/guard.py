"""One check in the sources, and how it is taken out."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Guard"]

NEVER = "if False:"


@dataclass(frozen=True, slots=True)
class Guard:
    """One check in `src/connexa`: `text` stands in `file` once and becomes `without`."""

    name: str  # begins with the ids that it serves, as in pairwise §12 and §15, and in groups-mls §8
    file: str
    text: str
    without: str = NEVER
    also: tuple[str, ...] = ()  # tests elsewhere, where the guard is the node's

    @property
    def ids(self) -> list[str]:
        """The ids."""
        return [word for word in self.name.split() if word[0] in "PV" and word[1:].isdigit()]
