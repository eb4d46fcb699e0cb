"""Text as people type it, to words and how parts of them are meant: `**bold**`, `*italic*`, `~~strike~~`, `||spoiler||`, code in
backquotes, `> ` before a quoted line, `@bob@b.example` for somebody who is known.

Flat: nothing inside a mark is read as another one, and what is not closed is itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from connexa.content import MAX_SPANS, Span, SpanKind

__all__ = ["read_markup"]

_MARKS: Final = {
    "code": SpanKind.CODE,
    "bold": SpanKind.BOLD,
    "strike": SpanKind.STRIKE,
    "spoiler": SpanKind.SPOILER,
    "italic": SpanKind.ITALIC,
    "quote": SpanKind.QUOTE,
}
# Each mark holds at least one character, and neither line ends nor its own sign: no text takes longer than its length to read.
_PARTS: Final = re.compile(
    r"`(?P<code>[^`\n]+)`|\*\*(?P<bold>[^*\n]+)\*\*|~~(?P<strike>[^~\n]+)~~|\|\|(?P<spoiler>[^|\n]+)\|\||\*(?P<italic>[^*\n]+)\*"
    r"|^> (?P<quote>[^\n]+)$|(?<![^\s(])@(?P<mention>[a-z0-9._-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+)",
    re.MULTILINE,
)


def read_markup(typed: str, user_of: Callable[[str], bytes]) -> tuple[str, tuple[Span, ...]]:
    """The words and their parts; `user_of` gives the user id behind an address, or nothing."""
    words: list[str] = []
    spans: list[Span] = []
    at = length = 0
    for found in _PARTS.finditer(typed):
        kind = found.lastgroup or ""
        shown, user = found[kind], b""
        if kind == "mention":
            shown, user = found[0], user_of(found["mention"])
        words += [typed[at : found.start()], shown]
        start = length + found.start() - at
        at, length = found.end(), start + len(shown)
        if (user or kind != "mention") and len(spans) < MAX_SPANS:
            spans.append(Span(_MARKS.get(kind, SpanKind.MENTION), start, len(shown), user))
    return "".join([*words, typed[at:]]), tuple(spans)
