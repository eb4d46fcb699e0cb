"""What has a place in the log of a conversation: texts, and what is said about them afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.content._attachment import Attachment
from connexa.content._spans import Span

__all__ = ["Edit", "Reaction", "Text", "Timer", "Withdrawal"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words to a person, files, or both. With a subject it is a mail; chat and mail are one log."""

    text: str = field(repr=False)
    subject: str = field(default="", repr=False)
    reply_to: bytes = b""  # message id
    spans: tuple[Span, ...] = field(default=(), repr=False)
    forwarded: bool = False
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """Another wording of a text that the same person has said."""

    message: bytes
    text: str = field(repr=False)
    spans: tuple[Span, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What somebody thinks of an entry; without emoji, nothing any more."""

    message: bytes
    user: bytes  # who said it
    emoji: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An entry that the same person has said is to be gone everywhere."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Timer:
    """How many seconds after it was said an entry between the two disappears from now on; 0: never."""

    seconds: int
