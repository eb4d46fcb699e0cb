"""Entries as people see them: what was said, with what was said about it since.

An entry that is about another one shows there (`acts`), so it is no line of its own. All of a page is read by a few queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from connexa.content import Edit, Span, Text, decode
from connexa.errors import NotFoundError
from connexa.node.groups.seen import seen_by
from connexa.node.home import Query, first, rows
from connexa.node.media.files import attachment_views
from connexa.node.sending import parse_id
from connexa.node.views import (
    MessageInfoView,
    MessageState,
    MessageView,
    ReactionView,
    RecipientDeviceView,
    ReplyView,
    SpanView,
    VersionView,
)
from connexa.store import Row

__all__ = [
    "current_text",
    "entry_named",
    "message_by_id",
    "message_info",
    "message_view",
    "no_message",
    "page_of",
    "shown",
    "thread_of",
    "versions_of",
]

MAX_PAGE = 500
MAX_THREAD = 500
MAX_DEPTH = 64  # answers to answers, followed back to where a thread began
QUOTED = 160  # characters

_AUTHOR = "CASE m.mine WHEN 1 THEN a.address ELSE coalesce(p.address, m.author) END"
_FROM = (
    " FROM message m JOIN conversation c ON c.id = m.conversation LEFT JOIN person p ON p.id = c.person JOIN account a ON a.id = m.account"
)
_MESSAGE = (
    f"SELECT m.message, c.public, m.cursor, {_AUTHOR}, m.mine, m.text, m.subject, m.reply_to, m.sent, m.received, m.state, m.reason,"  # noqa: S608
    " CASE m.withdrawn WHEN 1 THEN 'withdrawn' ELSE m.kind END,"
    " (SELECT count(*) FROM counter_gap g WHERE g.account = m.account AND g.conversation = m.conversation AND g.device = m.device"
    "  AND g.counter < m.counter AND g.counter > coalesce((SELECT max(b.counter) FROM message b WHERE b.account = m.account"
    "  AND b.conversation = m.conversation AND b.device = m.device AND b.counter < m.counter), 0)),"
    " m.edited, m.vanishes, m.account, m.conversation, m.sender, m.content, a.user"
    f" {_FROM}"
)
SHOWN = "(m.hidden = 0 OR m.withdrawn = 1) AND m.target = x''"
"""Which entries are lines of their own."""


def message_view(query: Query, cursor: int) -> MessageView:
    """One entry."""
    return _one(shown(query, "m.cursor = ?", (cursor,)))


def message_by_id(query: Query, account: int, sender: bytes, message: bytes) -> MessageView:
    """An entry by its id, wherever it stands: in a group it may move."""
    where = "m.account = ? AND m.sender = ? AND m.message = ? AND (m.hidden = 0 OR m.withdrawn = 1)"
    return _one(shown(query, where, (account, sender, message)))


def _one(found: list[MessageView]) -> MessageView:
    if not found:
        raise no_message()
    return found[0]


def no_message() -> NotFoundError:
    """The refusal of a message that is not here."""
    return NotFoundError("message.not_found", "There is no such message.")


def page_of(query: Query, numbers: Sequence[int], before: int | None, limit: int) -> list[MessageView]:
    """A page of what these conversations hold together, oldest first."""
    where = f"m.account = c.account AND m.conversation IN ({_places(numbers)}) AND {SHOWN} AND m.cursor < ? ORDER BY m.cursor DESC LIMIT ?"
    newest = before if before is not None else 1 << 62
    return shown(query, where, (*numbers, newest, max(1, min(limit, MAX_PAGE))))[::-1]


def shown(query: Query, where: str, bindings: Sequence[object]) -> list[MessageView]:
    """The entries that a condition on `m` (message), `c` (conversation), `p` (person) finds, in its order."""
    found = rows(query, f"{_MESSAGE} WHERE {where}", bindings)
    if not found:
        return []
    account, names = found[0][16], [row[0] for row in found]
    reactions = _reactions(query, account, names)
    quoted = _quoted(query, account, {row[7] for row in found if row[7]})
    sql = (
        "SELECT reply_to, conversation, count(*) FROM message WHERE account = ? AND reply_to != x''"  # noqa: S608 - question marks
        f" AND reply_to IN ({_places(names)}) AND hidden = 0 GROUP BY 1, 2"
    )
    replies = {(reply, conversation): count for reply, conversation, count in query(sql, (account, *names))}
    return [
        _view(query, row, reactions.get((row[17], row[18], row[0]), []), quoted.get((row[17], row[7])), replies.get((row[0], row[17]), 0))
        for row in found
    ]


def _places(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _view(query: Query, row: Row, reactions: list[ReactionView], reply: ReplyView | None, replies: int) -> MessageView:
    said = decode(row[19]).body if row[19] else None
    spans = said.spans if isinstance(said, Text | Edit) else ()
    if row[14]:
        edit = _newest_edit(query, row[16], row[18], row[0], row[17])
        spans = edit.spans if edit else ()
    return MessageView(
        id=row[0].hex(),
        conversation=row[1].hex(),
        cursor=row[2],
        sender=row[3],
        mine=bool(row[4]),
        text=row[5],
        subject=row[6],
        reply_to=row[7].hex() or None,
        sent=row[8],
        received=row[9],
        state=MessageState(row[10]),
        reason=row[11],
        kind=row[12],
        gap=row[13],
        spans=_spans(spans),
        forwarded=isinstance(said, Text) and said.forwarded,
        edited=row[14],
        reactions=reactions,
        reply=reply,
        replies=replies,
        mentioned=not row[4] and any(one.user == row[20] for one in spans),
        ends=row[15],
        attachments=attachment_views(said.attachments) if isinstance(said, Text) else [],
    )


def _spans(spans: Sequence[Span]) -> list[SpanView]:
    return [SpanView(kind=one.kind.name.lower(), start=one.start, length=one.length, user=one.user.hex()) for one in spans]


def _reactions(query: Query, account: int, names: Sequence[bytes]) -> dict[tuple[int, bytes, bytes], list[ReactionView]]:
    """Reactions by conversation, user and message, in the order in which each emoji was first used."""
    sql = (
        f"SELECT m.conversation, m.target_user, m.target, m.text, {_AUTHOR}, m.mine {_FROM} WHERE m.account = ?"
        f" AND m.target IN ({_places(names)}) AND m.target != x'' AND m.kind = 'reaction' AND m.hidden = 0 AND m.text != ''"
        " ORDER BY m.sent, m.message"
    )
    found: dict[tuple[int, bytes, bytes], dict[str, ReactionView]] = {}
    for conversation, user, message, emoji, author, mine in rows(query, sql, (account, *names)):
        at = found.setdefault((conversation, user, message), {})
        before = at.get(emoji)
        people = [*before.people, author] if before else [author]
        at[emoji] = ReactionView(emoji=emoji, people=people, mine=bool(mine) or bool(before and before.mine))
    return {about: list(by_emoji.values()) for about, by_emoji in found.items()}


def _quoted(query: Query, account: int, names: set[bytes]) -> dict[tuple[int, bytes], ReplyView]:
    """The beginnings of entries that others answer, by conversation and id; of two with one id, the first counts."""
    wanted = sorted(names)
    sql = (
        f"SELECT m.conversation, m.message, {_AUTHOR}, m.mine, CASE m.withdrawn WHEN 1 THEN 'withdrawn' ELSE m.kind END, m.text"
        f" {_FROM} WHERE m.account = ? AND m.message IN ({_places(wanted)}) AND {SHOWN} ORDER BY m.cursor DESC"
    )
    return {
        (conversation, message): ReplyView(sender=author, mine=bool(mine), kind=kind, text=text[:QUOTED])
        for conversation, message, author, mine, kind, text in query(sql, (account, *wanted))
    }


def entry_named(query: Query, account: int, message: str) -> tuple[int, bytes, bytes]:
    """The place, author and id of an entry that is shown, by its id; an own one where there are two."""
    raw = parse_id(message, 16, "message")
    sql = "SELECT cursor, sender FROM message WHERE account = ? AND message = ? AND (hidden = 0 OR withdrawn = 1) ORDER BY mine DESC"
    row = first(query, sql, (account, raw))
    if row is None:
        raise no_message()
    return row[0], row[1], raw


def current_text(query: Query, cursor: int) -> Text | None:
    """What an entry says now, with its newest wording; None where it is no text."""
    row = first(query, "SELECT content, account, sender, message, conversation, edited FROM message WHERE cursor = ?", (cursor,))
    said = decode(row[0]).body if row and row[0] else None
    if row is None or not isinstance(said, Text):
        return None
    edit = _newest_edit(query, *row[1:5]) if row[5] else None
    return replace(said, text=edit.text, spans=edit.spans) if edit else said


def _newest_edit(query: Query, account: int, user: bytes, message: bytes, conversation: int) -> Edit | None:
    sql = (
        "SELECT content FROM message WHERE account = ? AND target_user = ? AND target = ? AND conversation = ? AND kind = 'edit'"
        " AND hidden = 0 ORDER BY sent DESC, message DESC LIMIT 1"
    )
    row = first(query, sql, (account, user, message, conversation))
    said = decode(row[0]).body if row else None
    return said if isinstance(said, Edit) else None


def message_info(query: Query, account: int, message: str) -> MessageInfoView:
    """A message with what is known of its way."""
    _, sender, raw = entry_named(query, account, message)
    # The entry first: a commit in between makes the rest newer, so an accepted message has its way.
    entry = message_by_id(query, account, sender, raw)
    path = first(query, "SELECT path FROM message WHERE account = ? AND sender = ? AND message = ?", (account, sender, raw))
    times = rows(query, "SELECT state, at FROM message_time WHERE account = ? AND message = ? ORDER BY at", (account, raw))
    devices = query("SELECT device, state, at FROM message_device WHERE account = ? AND message = ? ORDER BY device", (account, raw))
    return MessageInfoView(
        message=entry,
        path=path[0] if path else "",
        states=dict(times),
        devices=[RecipientDeviceView(device=device.hex(), name="", state=MessageState(state), at=at) for device, state, at in devices],
        people=seen_by(query, account, raw) if entry.mine else [],
    )


def versions_of(query: Query, account: int, message: str) -> list[VersionView]:
    """All wordings of a text, the first one first."""
    cursor, sender, raw = entry_named(query, account, message)
    sql = (
        "SELECT content, sent FROM message WHERE cursor = ? UNION ALL SELECT * FROM (SELECT e.content, e.sent FROM message e"
        " JOIN message m ON m.cursor = ? AND e.conversation = m.conversation"
        " WHERE e.account = ? AND e.target_user = ? AND e.target = ? AND e.kind = 'edit' AND e.hidden = 0 ORDER BY e.sent, e.message)"
    )
    said = [(decode(content).body, at) for content, at in query(sql, (cursor, cursor, account, sender, raw)) if content]
    return [VersionView(at=at, text=body.text, spans=_spans(body.spans)) for body, at in said if isinstance(body, Text | Edit)]


def thread_of(query: Query, account: int, message: str) -> list[MessageView]:
    """The thread that an entry belongs to, oldest first: where it began, and all that answers it, however deep. Circles end."""
    cursor, _, _ = entry_named(query, account, message)
    where = (
        "m.cursor IN (WITH RECURSIVE"  # noqa: S608 - constants
        " up (name, reply, depth) AS (SELECT message, reply_to, 0 FROM message WHERE cursor = ?1"
        "  UNION SELECT b.message, b.reply_to, up.depth + 1 FROM up JOIN message b ON b.account = ?2 AND b.message = up.reply"
        "   AND b.conversation = (SELECT conversation FROM message WHERE cursor = ?1) WHERE up.reply != x'' AND up.depth < ?3),"
        " thread (name) AS (SELECT name FROM (SELECT name FROM up ORDER BY depth DESC LIMIT 1)"
        "  UNION SELECT r.message FROM thread JOIN message r ON r.account = ?2 AND r.reply_to = thread.name AND r.reply_to != x''"
        "   AND r.conversation = (SELECT conversation FROM message WHERE cursor = ?1) LIMIT ?4)"
        " SELECT t.cursor FROM thread JOIN message t ON t.account = ?2 AND t.message = thread.name"
        "  AND t.conversation = (SELECT conversation FROM message WHERE cursor = ?1))"
        f" AND {SHOWN} ORDER BY m.cursor"
    )
    return shown(query, where, (cursor, account, MAX_DEPTH, MAX_THREAD))
