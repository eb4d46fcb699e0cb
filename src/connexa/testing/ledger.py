"""What was really said, to hold the logs of all devices against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from .post import PostDevice

__all__ = ["Figures", "Ledger"]


@dataclass(frozen=True, slots=True)
class Figures:
    """How one device's log differs from what was said; all zero where it does not."""

    lost: int
    twice: int
    foreign: int  # entries that nobody said, or under another device's name
    disordered: int  # places where a device's counters do not follow the order in which it spoke
    missing: int  # gaps that it waits for
    undecryptable: int

    @property
    def sound(self) -> bool:
        """Whether the log is exactly what was said."""
        return not any((self.lost, self.twice, self.foreign, self.disordered, self.missing, self.undecryptable))


@dataclass(slots=True)
class Ledger:
    """Everything that was said through it, in order."""

    said: list[tuple[bytes, bytes, str]] = field(default_factory=list)  # message id, device, text

    async def say(self, device: PostDevice, to: str, text: str) -> None:
        """Have a device say something."""
        self.said.append((await device.say(to, text), device.id, text))

    def figures(self, device: PostDevice, before: Iterable[bytes] = (), put_back: Container[bytes] = ()) -> Figures:
        """Compare a device's log; `before` are ids of messages that were there first.

        A device that was `put_back` to an older store counts on from there until somebody tells it better, so its order is not compared.
        """
        known = set(before)
        entries = [entry for entry in device.entries() if entry.message not in known]
        expected = Counter((message, origin, text) for message, origin, text in self.said)
        shown = Counter((entry.message, entry.device, entry.text) for entry in entries)
        place = {message: number for number, (message, _, _) in enumerate(self.said)}
        spoken = [(entry.device, place.get(entry.message, -1)) for entry in entries]
        disordered = sum(1 for a, b in pairwise(spoken) if a[0] == b[0] and a[1] >= b[1] and a[0] not in put_back)
        return Figures(
            lost=sum((expected - shown).values()),
            twice=sum(count - 1 for count in shown.values()),
            foreign=len(shown.keys() - expected.keys()),
            disordered=disordered,
            missing=device.missing(),
            undecryptable=device.unopened(),
        )
