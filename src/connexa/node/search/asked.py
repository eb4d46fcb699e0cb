"""What somebody asks for, as they type it: words, beginnings of words, "phrases", and filters like `from:bob before:2026-11-01`.

A word matches whole, without regard to case and accents; with a `*`, or as the last one that is typed, it matches as a beginning from three
letters on.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Final

from connexa.errors import UsageError

__all__ = ["HAS", "Asked", "Term", "read_asked"]

HAS: Final = ("link", "mail", "file", "image", "video", "audio", "voice", "mention")
MAX_TERMS = 32
SHORTEST = 3  # letters of a beginning
_PARTS: Final = re.compile(r'(?:(from|in|has|before|after):)?(?:"([^"]*)"?|(\S+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that have to be there in this order; the last one may be a beginning."""

    text: str = field(repr=False)
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What all has to hold."""

    terms: tuple[Term, ...] = ()
    people: tuple[str, ...] = field(default=(), repr=False)  # any of them has said it
    places: tuple[str, ...] = field(default=(), repr=False)  # it stands in any of these conversations
    has: tuple[str, ...] = ()
    before: float | None = None  # unix seconds
    after: float | None = None


def read_asked(typed: str) -> Asked:
    """Read what was typed, or `UsageError`."""
    terms: list[Term] = []
    given: dict[str, list[str]] = {name: [] for name in ("from", "in", "has", "before", "after")}
    parts = list(_PARTS.finditer(typed))
    for number, part in enumerate(parts):
        name, phrase, word = part.groups()
        value = phrase if phrase is not None else word
        if name:
            given[name].append(value)
        elif phrase is not None:
            terms.append(Term(phrase))
        else:
            last = number == len(parts) - 1 and part.end() == len(typed)
            bare = word.rstrip("*")
            terms.append(Term(bare, (last or bare != word) and len(bare) >= SHORTEST))
    unknown = [one for one in given["has"] if one not in HAS]
    if unknown:
        raise UsageError("search.unknown", f"Nothing is known to be called has:{unknown[0][:32]}.", f"has: takes {', '.join(HAS)}.")
    found = Asked(
        tuple(one for one in terms if any(character.isalnum() for character in one.text)),
        tuple(given["from"]),
        tuple(given["in"]),
        tuple(given["has"]),
        min((_day(one) for one in given["before"]), default=None),
        max((_day(one) for one in given["after"]), default=None),
    )
    if len(parts) > MAX_TERMS or found == Asked():
        raise UsageError("search.empty", "There is nothing to look for.", 'Write words, "a phrase", or from: in: has: before: after:')
    return found


def _day(text: str) -> float:
    """The beginning of a day where this node is."""
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d").astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError("search.bad_day", "A day is written like 2026-11-30.") from None
