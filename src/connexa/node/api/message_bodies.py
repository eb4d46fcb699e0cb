"""What the API takes about messages."""

from __future__ import annotations

from typing import Annotated

import msgspec

from connexa.content import MAX_SPANS, MAX_TIMER, Span, SpanKind
from connexa.errors import UsageError
from connexa.node.node import Node

from .bodies import Hex16, Line, OfAccount, WithConversation, WithMessage

__all__ = ["DeleteMessage", "EditMessage", "ForwardMessage", "GivenSpan", "ReactToMessage", "SendMessage", "SetTimer", "spans_of"]

Words = Annotated[str, msgspec.Meta(max_length=65_536)]
Place = Annotated[int, msgspec.Meta(ge=0, le=65_536)]


class GivenSpan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a part of a text is meant, counted in Unicode characters; `user` (64 hex digits) of a mention alone."""

    kind: Annotated[str, msgspec.Meta(pattern="^(bold|italic|strike|code|spoiler|quote|mention)$")]
    start: Place
    length: Annotated[int, msgspec.Meta(ge=1, le=65_536)]
    user: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""


Spans = Annotated[list[GivenSpan], msgspec.Meta(max_length=MAX_SPANS)]


class SendMessage(OfAccount, frozen=True):
    """`to` is an address, a contact's name or a conversation; a `message_id` makes a repetition harmless.

    `markup`: the text is typed with marks like `**bold**`, and takes no spans beside them.
    """

    to: Line
    text: Words
    subject: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    reply_to: Hex16 | None = None
    message_id: Hex16 | None = None
    spans: Spans = msgspec.field(default_factory=list)
    markup: bool = False


class _About(WithMessage, frozen=True, kw_only=True):
    """Something said about a message, under an id of its own that makes a repetition harmless."""

    message_id: Hex16 | None = None

    @property
    def name(self) -> bytes:
        """That id; empty where there is none."""
        return bytes.fromhex(self.message_id or "")


class EditMessage(_About, frozen=True, kw_only=True):
    """Another wording; `spans` and `markup` as where something is sent."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=65_536)]
    spans: Spans = msgspec.field(default_factory=list)
    markup: bool = False


class ReactToMessage(_About, frozen=True, kw_only=True):
    """What one thinks of a message; empty: nothing any more."""

    emoji: Annotated[str, msgspec.Meta(max_length=64)]


class ForwardMessage(_About, frozen=True, kw_only=True):
    """To whom: an address, a contact's name or a conversation."""

    to: Line


class DeleteMessage(WithMessage, frozen=True):
    """`everywhere`: at everybody, where the message is one's own; else on all own devices."""

    everywhere: bool = False


class SetTimer(WithConversation, frozen=True):
    """After how many seconds messages disappear; 0: never."""

    seconds: Annotated[int, msgspec.Meta(ge=0, le=MAX_TIMER)]


def spans_of(node: Node, account: str, text: str, spans: list[GivenSpan], *, markup: bool) -> tuple[str, tuple[Span, ...]]:
    """The words and their parts, as given or as typed."""
    if not markup:
        return text, tuple(Span(SpanKind[one.kind.upper()], one.start, one.length, bytes.fromhex(one.user)) for one in spans)
    if spans:
        raise UsageError("text.unclear", "Either the parts of a text are given, or it is typed with marks.")
    return node.read_markup(account, text)
