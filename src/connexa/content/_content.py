"""One thing said: a body of some kind, with what every kind carries."""

from __future__ import annotations

from dataclasses import dataclass

from connexa.content._kinds import Accept, DeviceLists, Introduction, NewerVersion, OwnCopies, ProfileKey, Receipt, Resend
from connexa.content._said import Edit, Reaction, Text, Timer, Withdrawal
from connexa.content._sync import Sync

__all__ = ["Body", "Content", "LogBody"]

LogBody = Text | Edit | Reaction | Withdrawal | Timer | NewerVersion
"""What has a place in the log of a conversation."""
Body = Text | Edit | Reaction | Withdrawal | Timer | Receipt | Accept | ProfileKey | DeviceLists | Resend | OwnCopies | Sync | NewerVersion


@dataclass(frozen=True, slots=True)
class Content:
    """One thing said, with the sender's clock; `timer`: seconds after which an entry between two disappears, 0 for never."""

    sent_ms: int
    body: Body
    intro: Introduction | None = None
    timer: int = 0
