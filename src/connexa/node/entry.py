"""An entry of a log before it has its place, and the columns that follow from what it says.

An entry shows by itself, or it is about another one (`target`, said by `target_user`): an edit, a reaction, a withdrawal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.content import Content, Edit, LogBody, NewerVersion, Reaction, SpanKind, Text, Timer, Withdrawal
from connexa.node.views import MessageState

__all__ = ["Columns", "Entry", "columns_of", "end_of", "has_place"]


@dataclass(frozen=True, slots=True)
class Columns:
    """What the log keeps of a body beside its bytes."""

    kind: str
    text: str = field(default="", repr=False)
    subject: str = field(default="", repr=False)
    reply_to: bytes = b""
    target: bytes = b""  # message id of the entry that this one is about
    target_user: bytes = b""  # and who said that
    has: str = ""  # words for what it holds beside text, as they are searched


def columns_of(body: LogBody, sender: bytes) -> Columns:
    """The columns of a body; only what one has said oneself can be edited and withdrawn, so the target is the sender's."""
    match body:
        case Text(text, subject, reply_to):
            return Columns("text", text, subject, reply_to, has=" ".join(sorted(_traits(body))))
        case Edit(message, text):
            return Columns("edit", text, target=message, target_user=sender)
        case Reaction(message, user, emoji):
            return Columns("reaction", emoji, target=message, target_user=user)
        case Withdrawal(message):
            return Columns("withdrawal", target=message, target_user=sender)
        case Timer(seconds):
            return Columns("timer", str(seconds))
        case NewerVersion():
            return Columns("unknown")


def _traits(text: Text) -> set[str]:
    """What a text holds that somebody may look for."""
    found = {"hmention"} if any(one.kind is SpanKind.MENTION for one in text.spans) else set()
    for one in text.attachments:
        found |= {"hfile", f"h{one.type.partition('/')[0]}"} | ({"hvoice"} if one.voice else set())
    return {one for one in found if one.isalnum()}


def has_place(content: Content) -> LogBody | None:
    """The body, where it is one that has a place in a log."""
    return content.body if isinstance(content.body, LogBody) else None


def end_of(sent: float, now: float, timer: int) -> float:
    """When an entry disappears that comes now, in unix seconds: so long after it was said, by the earlier of two clocks; 0: never."""
    return min(sent, now) + timer if timer else 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it goes into the log."""

    message: bytes
    sender: bytes  # user id
    device: bytes
    counter: int
    mine: bool
    body: LogBody
    content: bytes = field(repr=False)
    sent: float
    state: MessageState
    last_seen: bytes = b""
    author: str = ""  # address, in a group
    vanishes: float = 0
