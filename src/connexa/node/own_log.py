"""Entries of the log as own devices tell each other: with history, as repair, and as the trace of what was deleted.

An entry goes to the place that it has at the other device, so that both show one order. It is no news: it causes no event, no receipt and
no gap. What is deleted on one of two devices is deleted on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from connexa.content import ContactState, Content, Entries, LogEntry, NewerVersion, OwnCopy, Text, decode, encode, last_seen_hash
from connexa.errors import ConnexaError
from connexa.identity import Address, UserId
from connexa.node.account import Account
from connexa.node.converge import person_named
from connexa.node.home import Home, first, rows
from connexa.node.log import conversation_of
from connexa.node.own_copies import add_own_copy
from connexa.node.people import Person
from connexa.node.states import apply_early_receipts, message_state
from connexa.node.succession import lineage
from connexa.node.views import MessageState
from connexa.store import Execute, Row

__all__ = ["COLUMNS", "SHARED", "free_place", "hide", "in_conversations", "keep_entries", "tell_deleted", "that_fit"]

COLUMNS = "p.user, p.address, m.message, m.mine, m.device, m.counter, m.cursor, m.content, m.state, m.hidden"
# What this device tried to say and what never left it is nobody else's matter; without a user id there is no conversation to name.
SHARED = (
    " FROM message m JOIN conversation c ON c.id = m.conversation JOIN person p ON p.id = c.person JOIN account a ON a.id = m.account"
    " WHERE p.user != x'' AND NOT (m.device = a.device AND m.path = '' AND m.state IN ('queued', 'refused', 'expired'))"
)
MAX_AHEAD = 86_400_000_000  # microseconds
DELETED_AT_ONCE = 100  # entries in one copy
_ENTRY = 112  # bytes of an entry beside its content, at most
_CONVERSATION = 56  # bytes that name a conversation, beside the address


def in_conversations(found: Iterable[Row]) -> tuple[Entries, ...]:
    """Rows of `COLUMNS` as they are told, by conversation; the order within one stays."""
    ordered = sorted(found, key=lambda row: row[0])
    return tuple(
        Entries(UserId(user), Address.parse(address), tuple(_entry(row) for row in run))
        for (user, address), run in groupby(ordered, key=lambda row: (row[0], row[1]))
    )


def that_fit(found: Iterable[Row], room: int) -> list[Row]:
    """The first rows of `COLUMNS` that fit together into so many bytes; one at least."""
    fitting: list[Row] = []
    seen: set[bytes] = set()
    for row in found:
        room -= _ENTRY + len(row[7]) + (0 if row[0] in seen else _CONVERSATION + len(row[1]))
        if room < 0 and fitting:
            break
        seen.add(row[0])
        fitting.append(row)
    return fitting


def _entry(row: Row) -> LogEntry:
    _, _, message, mine, device, counter, cursor, content, state, hidden = row
    if hidden:
        return LogEntry(message, bool(mine), device, counter, cursor)
    # A message that was taken back into the outbox had been accepted once: its copies say so.
    return LogEntry(message, bool(mine), device, counter, cursor, content, "accepted" if state == "queued" else state)


def keep_entries(execute: Execute, home: Home, account: Account, conversations: Iterable[Entries]) -> int:
    """Merge entries into the log; returns how many were new here. One that does not hold is left out, the others count."""
    new = 0
    for told in conversations:
        person = person_named(execute, home, account, told.user, told.address)
        conversation = conversation_of(execute, account, person)
        for entry in told.entries:
            new += _keep(execute, home, account, person, conversation, entry)
    return new


def _keep(execute: Execute, home: Home, account: Account, person: Person, conversation: int, entry: LogEntry) -> bool:
    sender = account.user_id if entry.mine else person.user
    sql = "SELECT cursor, state FROM message WHERE account = ? AND sender = ? AND message = ?"
    known = first(execute, sql, (account.id, sender, entry.message))
    if known is None:
        return _add(execute, home, account, person, conversation, entry)
    _follow_key(execute, known[0], person, conversation, entry)
    if not entry.content:
        hide(execute, account.id, sender, entry.message)
    elif entry.mine and entry.state != "received":
        message_state(execute, home.events, account.id, entry.message, MessageState(entry.state), home.clock())
    return False


def _follow_key(execute: Execute, cursor: int, person: Person, conversation: int, entry: LogEntry) -> None:
    """What was said to a key that had no account any more was said again to the one that took its place."""
    row = first(execute, "SELECT conversation FROM message WHERE cursor = ?", (cursor,))
    if entry.mine and row is not None and row[0] != conversation and row[0] in lineage(execute, person.id):
        execute("UPDATE message SET conversation = ?, counter = ? WHERE cursor = ?", (conversation, entry.counter, cursor))


def _add(execute: Execute, home: Home, account: Account, person: Person, conversation: int, entry: LogEntry) -> bool:
    if entry.place > home.clock() * 1_000_000 + MAX_AHEAD:
        return False
    try:
        said = decode(entry.content) if entry.content else Content(0, Text(""))
    except ConnexaError:
        return False
    if not isinstance(said.body, Text | NewerVersion):
        return False
    text = said.body if isinstance(said.body, Text) else Text("")
    place = free_place(execute, entry.place)
    execute(
        "INSERT INTO message (cursor, account, conversation, message, sender, device, counter, mine, kind, text, subject, reply_to,"
        " content, sent, received, state, receipted, hidden) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            place,
            account.id,
            conversation,
            entry.message,
            account.user_id if entry.mine else person.user,
            entry.device,
            entry.counter,
            entry.mine,
            "text" if isinstance(said.body, Text) else "unknown",
            text.text,
            text.subject,
            text.reply_to,
            entry.content,
            said.sent_ms / 1000,
            entry.place / 1_000_000,
            (entry.state or MessageState.EXPIRED.value) if entry.mine else MessageState.RECEIVED.value,
            person.state is not ContactState.PENDING,
            not entry.content,
        ),
    )
    _settle(execute, account, conversation, entry, place)
    if entry.mine:
        apply_early_receipts(execute, home.events, account.id, entry.message)
    return True


def free_place(execute: Execute, place: int) -> int:
    while first(execute, "SELECT 1 FROM message WHERE cursor = ?", (place,)) is not None:
        place += 1
    return place


def _settle(execute: Execute, account: Account, conversation: int, entry: LogEntry, place: int) -> None:
    """What an entry changes around it: the newest one, a read mark that waited for it, the counters of its device."""
    if entry.content:
        execute(
            "UPDATE conversation SET newest = ? WHERE id = ? AND NOT EXISTS"
            " (SELECT 1 FROM message WHERE account = ? AND conversation = ? AND cursor > ?)",
            (last_seen_hash(entry.message, entry.content), conversation, account.id, conversation, place),
        )
    execute(
        "UPDATE conversation SET read_cursor = max(read_cursor, ?), read_message = x'' WHERE id = ? AND read_message = ?",
        (place, conversation, entry.message),
    )
    if entry.counter:
        where = (account.id, conversation, entry.device)
        execute("DELETE FROM counter_gap WHERE account = ? AND conversation = ? AND device = ? AND counter = ?", (*where, entry.counter))
        execute(
            "INSERT INTO counter_high (account, conversation, device, counter) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET counter = max(counter, excluded.counter)",
            (*where, entry.counter),
        )


def hide(execute: Execute, account: int, sender: bytes, message: bytes) -> bool:
    """Delete an entry; its id stays, so that no copy brings it back. True if it was there."""
    found = rows(
        execute,
        "UPDATE message SET hidden = 1, text = '', subject = '', content = x'' WHERE account = ? AND sender = ? AND message = ?"
        " AND hidden = 0 RETURNING 1",
        (account, sender, message),
    )
    return bool(found)


def tell_deleted(execute: Execute, home: Home, account: Account, cursors: Sequence[int]) -> None:
    """Tell the own devices which entries were deleted here."""
    for start in range(0, len(cursors), DELETED_AT_ONCE):
        group = cursors[start : start + DELETED_AT_ONCE]
        sql = f"SELECT {COLUMNS} {SHARED} AND m.cursor IN ({','.join('?' * len(group))})"
        for told in in_conversations(rows(execute, sql, group)):
            content = encode(Content(int(home.clock() * 1000), told))
            add_own_copy(execute, account, OwnCopy(told.user, told.address, content, home.rng(16), 0))
