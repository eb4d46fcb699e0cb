"""What a search shows."""

from __future__ import annotations

import msgspec

from connexa.node.views import MessageView

__all__ = ["MatchView", "SearchHitView", "SearchView"]


class MatchView(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a snippet that was looked for, in Unicode characters."""

    start: int
    length: int


class SearchHitView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that was found; `messages(before=…)` with its cursor shows what stood before it."""

    message: MessageView
    snippet: str  # of the text, around the first match
    cut: bool  # it does not begin where the text does
    matches: list[MatchView]


class SearchView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what was found, the best first."""

    items: list[SearchHitView]
    older: int | None  # cursor to go on with; None: that was all
    complete: bool  # the index knew everything that is here; else it is still being made
