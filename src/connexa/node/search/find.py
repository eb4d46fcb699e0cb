"""From what is asked to what is shown: the newest entries that hold it all, the best of them first, each with the place that matches.

Ranking all that a common word finds would read the whole index. So the newest thousand are taken, and ranked among each other: by how often
and how exactly the words are there, in the subject above all, by how short the text is, and by age.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connexa.errors import UsageError
from connexa.identity import Address
from connexa.node.account import Account
from connexa.node.groups.book import all_groups, find_group, shown_as
from connexa.node.home import Query, rows
from connexa.node.messages import shown
from connexa.node.people import all_people
from connexa.node.search.asked import Asked, Term
from connexa.node.search.views import MatchView, SearchHitView
from connexa.node.sending import find_person
from connexa.node.succession import lineage, newest_key
from connexa.node.views import MessageView

__all__ = ["Found", "find"]

NEWEST = 1_000  # that are ranked
SNIPPET = 160  # characters
LEAD = 40  # of them before the first match
# Requests and invitations that are not accepted show in no list, so nothing of them is found.
_VISIBLE = (
    "m.hidden = 0 AND m.account = ? AND (CASE WHEN c.person = 0"
    " THEN NOT EXISTS (SELECT 1 FROM mls_group g WHERE g.account = c.account AND g.public = c.public AND g.state = 'invited')"
    " ELSE (SELECT p.state FROM person p WHERE p.id = c.person) NOT IN ('pending', 'rejected') END)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of hits; `older` is where to go on behind those that were ranked, None where there are no more."""

    hits: list[SearchHitView]
    older: int | None


def find(query: Query, account: Account, asked: Asked, *, older: int | None, limit: int, newest_first: bool) -> Found:
    """Look in one account's log."""
    sql = (
        "SELECT w.rowid, w.text, w.subject FROM message_words w CROSS JOIN message m ON m.cursor = w.rowid"  # noqa: S608 - constants
        f" JOIN conversation c ON c.id = m.conversation WHERE message_words MATCH ? AND w.rowid < ? AND w.rowid >= ? AND {_VISIBLE}"
        " ORDER BY w.rowid DESC LIMIT ?"
    )
    ends = [1 << 62 if older is None else older, *([int(asked.before * 1_000_000)] if asked.before is not None else [])]
    begins = int(asked.after * 1_000_000) if asked.after is not None else 0
    found = rows(query, sql, (_match(query, account, asked), min(ends), begins, account.id, NEWEST))
    patterns = [_pattern(one) for one in asked.terms]
    if newest_first:
        chosen, more = found[:limit], len(found) > limit
    else:
        ranked = sorted(enumerate(found), key=lambda one: -_score(patterns, one[1][1], one[1][2], one[0]))
        chosen, more = [row for _, row in ranked[:limit]], len(found) == NEWEST
    ends_at = (chosen if newest_first else found)[-1][0] if found and more else None
    views = {view.cursor: view for view in _views(query, [row[0] for row in chosen])}
    hits = [_hit(views[cursor], patterns, text) for cursor, text, _ in chosen if cursor in views]
    return Found(hits, ends_at)


def _views(query: Query, cursors: Sequence[int]) -> list[MessageView]:
    return shown(query, f"m.cursor IN ({','.join('?' * len(cursors))})", cursors) if cursors else []


def _match(query: Query, account: Account, asked: Asked) -> str:
    """The words of FTS5: everything that a person typed stands in quotes, so nothing of it is a word of that language."""
    wanted = [f"{{text subject}} : {_quoted(one)}" for one in asked.terms]
    if asked.people:
        wanted.append(_any(f"s{user.hex()}" for one in asked.people for user in _users(query, account, one)))
    if asked.places:
        wanted.append(_any(f"c{number}" for one in asked.places for number in _conversations(query, account, one)))
    wanted += [_any([f"h{one}"]) for one in asked.has]
    if not wanted:  # a time alone
        wanted.append(_any(f"c{row[0]}" for row in query("SELECT id FROM conversation WHERE account = ?", (account.id,))))
    return " AND ".join(wanted)


def _quoted(term: Term) -> str:
    return '"' + term.text.replace('"', '""').replace("\0", " ") + '"' + (" *" if term.begins else "")


def _any(tags: Iterable[str]) -> str:
    return "tags : (" + " OR ".join(f'"{one}"' for one in sorted(set(tags))) + ")"


def _users(query: Query, account: Account, named: str) -> list[bytes]:
    """Whom a filter means: oneself, a contact by name or address, or the part of an address before the @, or a member of a group."""
    if named in ("me", str(account.address)):
        return [account.user_id]
    wanted = named.casefold()
    found = {one.user for one in all_people(query, account.id) if one.user and wanted in _names(one.name, one.address)}
    for group in all_groups(query, account.id):
        found |= {one.user for one in (group.shared.people if group.raw_shared else ()) if wanted in _names("", one.address)}
    if not found:
        raise UsageError("search.nobody", "Nobody whom you know is called that.", "Use an address, like from:bob@b.example, or from:me.")
    return sorted(found)


def _names(name: str, address: Address) -> set[str]:
    return {name.casefold(), str(address).casefold(), address.localpart.casefold()}


def _conversations(query: Query, account: Account, named: str) -> list[int]:
    person = find_person(query, account.id, named)
    if person is not None:
        return lineage(query, newest_key(query, person).id)
    group = find_group(query, account.id, named)
    if group is None:
        raise UsageError("search.nowhere", "There is no such conversation.", "Use an address, a contact's name, or a group's name.")
    return [shown_as(query, account.id, group.public)]


def _pattern(term: Term) -> re.Pattern[str]:
    words = re.findall(r"\w+", term.text)
    return re.compile(r"(?<!\w)" + r"\W+".join(re.escape(word) for word in words) + ("" if term.begins else r"(?!\w)"), re.IGNORECASE)


def _score(patterns: Sequence[re.Pattern[str]], text: str, subject: str, age: int) -> float:
    """How well an entry fits; `age`: how many newer ones there are."""
    times = sum(min(len(one.findall(text)), 4) + 4 * bool(one.search(subject)) for one in patterns)
    return times / (1 + len(text) / 400) - age / 200


def _hit(message: MessageView, patterns: Sequence[re.Pattern[str]], text: str) -> SearchHitView:
    """An entry with the part of its text around the first match."""
    first = min((found.start() for one in patterns if (found := one.search(text))), default=0)
    begin = max(0, first - LEAD)
    part = text[begin : begin + SNIPPET]
    places = sorted({found.span() for one in patterns for found in one.finditer(part)})
    matches = [MatchView(start=start, length=end - start) for start, end in places]
    return SearchHitView(message=message, snippet=part, cut=begin > 0, matches=matches)
