"""How parts of a text are meant: a strict, flat markup that carries no address to follow and nothing to execute.

Places are counted in Unicode characters. What a reader shows for a kind is its own matter; what it does not know never comes this far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from connexa.content._fields import need
from connexa.wire.v1 import message_pb2 as pb

__all__ = ["MAX_SPANS", "Span", "SpanKind", "read_spans", "write_spans"]

MAX_SPANS = 100


class SpanKind(Enum):
    """The kinds of parts; the numbers are the wire's."""

    BOLD = 1
    ITALIC = 2
    STRIKE = 3
    CODE = 4
    SPOILER = 5
    QUOTE = 6
    MENTION = 7


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text; `user` is the user id of whoever is mentioned."""

    kind: SpanKind
    start: int
    length: int
    user: bytes = b""


def read_spans(spans: Sequence[pb.Span], text: str) -> tuple[Span, ...]:
    """The parts of this text, in their one order, or `Malformed`."""
    need(len(spans) <= MAX_SPANS and all(one.kind in SpanKind._value2member_map_ for one in spans))
    read = tuple(Span(SpanKind(one.kind), one.start, one.length, one.user) for one in spans)
    need(all(one.length >= 1 and one.start + one.length <= len(text) for one in read))
    need(all(len(one.user) == (32 if one.kind is SpanKind.MENTION else 0) for one in read))
    need(all(_place(earlier) < _place(later) for earlier, later in pairwise(read)))
    return read


def _place(span: Span) -> tuple[int, int, int]:
    return span.start, span.length, span.kind.value


def write_spans(spans: Sequence[Span]) -> list[pb.Span]:
    """Parts as messages, in their one order."""
    ordered = sorted(spans, key=_place)
    return [pb.Span(kind=pb.Span.Kind.Name(one.kind.value), start=one.start, length=one.length, user=one.user) for one in ordered]
