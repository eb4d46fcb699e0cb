"""One thing said: a body of some kind, with what every kind carries."""

from __future__ import annotations

from dataclasses import dataclass

from connexa.content._kinds import Accept, DeviceLists, Introduction, NewerVersion, OwnCopies, ProfileKey, Receipt, Resend, Text
from connexa.content._sync import Sync

__all__ = ["Body", "Content"]

Body = Text | Receipt | Accept | ProfileKey | DeviceLists | Resend | OwnCopies | Sync | NewerVersion


@dataclass(frozen=True, slots=True)
class Content:
    """One thing said, with the sender's clock."""

    sent_ms: int
    body: Body
    intro: Introduction | None = None
