"""Texts and what is said about them, to the wire form and back."""

from __future__ import annotations

import unicodedata

from connexa.content._attachment import MAX_ATTACHMENTS, read_attachment, write_attachment
from connexa.content._fields import Malformed, need
from connexa.content._said import Edit, Reaction, Text, Timer, Withdrawal
from connexa.content._spans import read_spans, write_spans
from connexa.wire.v1 import message_pb2 as pb

__all__ = ["MAX_EMOJI", "MAX_SUBJECT", "MAX_TIMER", "SAID", "read_said", "timer", "write_said"]

SAID = frozenset({"text", "edit", "reaction", "withdrawal", "set_timer"})
MAX_SUBJECT = 1_024
MAX_EMOJI = 64  # bytes
MAX_TIMER = 365 * 86_400
_JOINER, _TAGS = 0x200D, range(0xE0020, 0xE0080)  # format characters that emoji are made of


def read_said(message: pb.Content) -> Text | Edit | Reaction | Withdrawal | Timer:
    """The value of a kind of `SAID`, or `Malformed`."""
    match message.WhichOneof("kind"):
        case "text":
            return _read_text(message.text)
        case "edit":
            edit = message.edit
            need(bool(edit.text))
            return Edit(_id(edit.message), edit.text, read_spans(edit.spans, edit.text))
        case "reaction":
            reaction = message.reaction
            need(len(reaction.user) == 32 and _is_emoji(reaction.emoji))
            return Reaction(_id(reaction.message), reaction.user, reaction.emoji)
        case "withdrawal":
            return Withdrawal(_id(message.withdrawal.message))
        case "set_timer":
            return Timer(timer(message.set_timer.seconds))
        case _:
            raise Malformed


def _read_text(text: pb.Text) -> Text:
    need(bool(text.text or text.subject or text.attachments) and len(text.attachments) <= MAX_ATTACHMENTS)
    need(len(text.subject.encode()) <= MAX_SUBJECT and len(text.reply_to) in (0, 16))
    attachments = tuple(read_attachment(one) for one in text.attachments)
    return Text(text.text, text.subject, text.reply_to, read_spans(text.spans, text.text), text.forwarded, attachments)


def _id(raw: bytes) -> bytes:
    need(len(raw) == 16)
    return raw


def timer(seconds: int) -> int:
    """Seconds after which something disappears."""
    need(seconds <= MAX_TIMER)
    return seconds


def _is_emoji(text: str) -> bool:
    """Whether it is short and holds nothing that moves, hides or breaks what stands around it."""
    return len(text.encode()) <= MAX_EMOJI and all(_shows(character) for character in text)


def _shows(character: str) -> bool:
    if ord(character) == _JOINER or ord(character) in _TAGS:
        return True
    return unicodedata.category(character)[0] not in "CZ"


def write_said(message: pb.Content, body: Text | Edit | Reaction | Withdrawal | Timer) -> None:
    """Put a value into a message."""
    match body:
        case Text():
            message.text.CopyFrom(_write_text(body))
        case Edit(target, text, spans):
            message.edit.CopyFrom(pb.Edit(message=target, text=text, spans=write_spans(spans)))
        case Reaction(target, user, emoji):
            message.reaction.CopyFrom(pb.Reaction(message=target, user=user, emoji=emoji))
        case Withdrawal(target):
            message.withdrawal.CopyFrom(pb.Withdrawal(message=target))
        case Timer(seconds):
            message.set_timer.CopyFrom(pb.Timer(seconds=seconds))


def _write_text(text: Text) -> pb.Text:
    return pb.Text(
        text=text.text,
        subject=text.subject,
        reply_to=text.reply_to,
        spans=write_spans(text.spans),
        forwarded=text.forwarded,
        attachments=[write_attachment(one) for one in text.attachments],
    )
