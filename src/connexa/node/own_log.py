"""Entries of the log as own devices tell each other: with history, as repair, and as the trace of what was deleted.

An entry goes to the place that it has at the other device, so that both show one order. It is no news: it causes no event, no receipt and
no gap. What is deleted on one of two devices is deleted on both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from connexa.content import (
    MAX_GROUP_NAME,
    ContactState,
    Content,
    Entries,
    LogEntry,
    OwnCopy,
    Text,
    decode,
    encode,
    last_seen_hash,
)
from connexa.errors import ConnexaError
from connexa.identity import Address, UserId
from connexa.node.account import Account
from connexa.node.acts import hide, settle
from connexa.node.converge import person_named
from connexa.node.entry import columns_of, has_place
from connexa.node.groups.known import group_told, told_of_group
from connexa.node.home import Home, Query, first, rows
from connexa.node.log import conversation_of
from connexa.node.own_copies import add_own_copy
from connexa.node.people import Person
from connexa.node.states import apply_early_receipts, message_state
from connexa.node.succession import lineage
from connexa.node.views import MessageState
from connexa.store import Execute, Row

__all__ = ["COLUMNS", "SHARED", "free_place", "in_conversations", "keep_entries", "tell_deleted", "that_fit"]

COLUMNS = (
    "coalesce(p.user, c.public), coalesce(p.address, ''), m.message, m.mine, m.device, m.counter, m.cursor, m.content, m.state, m.hidden,"
    " m.sender, m.author, m.vanishes"
)
# What this device tried to say and what never left it is nobody else's matter; without a user id there is no conversation to name.
SHARED = (
    " FROM message m JOIN conversation c ON c.id = m.conversation LEFT JOIN person p ON p.id = c.person JOIN account a ON a.id = m.account"
    " WHERE (c.person = 0 OR p.user != x'') AND NOT (m.device = a.device AND m.path = '' AND m.state IN ('queued', 'refused', 'expired'))"
)
MAX_AHEAD = 86_400_000_000  # microseconds
DELETED_AT_ONCE = 100  # entries in one copy
_ENTRY = 122  # bytes of an entry beside its content, at most
_IN_GROUP = 48  # and of one in a group, beside its author's address
_CONVERSATION = 56  # bytes that name a conversation, beside the address
_GROUP = MAX_GROUP_NAME + 8  # or beside the id of a group


def in_conversations(query: Query, account: int, found: Iterable[Row]) -> tuple[Entries, ...]:
    """Rows of `COLUMNS` as they are told, by conversation; the order within one stays."""
    told = []
    for (of, address), run in groupby(sorted(found, key=lambda row: row[0]), key=lambda row: (row[0], row[1])):
        entries = tuple(_entry(row) for row in run)
        name, over = ("", False) if address else told_of_group(query, account, of)
        told.append(Entries(of, Address.parse(address) if address else None, entries, name, over))
    return tuple(told)


def that_fit(found: Iterable[Row], room: int) -> list[Row]:
    """The first rows of `COLUMNS` that fit together into so many bytes; one at least."""
    fitting: list[Row] = []
    seen: set[bytes] = set()
    for row in found:
        room -= _ENTRY + len(row[7]) + (0 if row[1] else _IN_GROUP + len(row[11]))
        room -= 0 if row[0] in seen else _CONVERSATION + (len(row[1]) or _GROUP)
        if room < 0 and fitting:
            break
        seen.add(row[0])
        fitting.append(row)
    return fitting


def _entry(row: Row) -> LogEntry:
    _, address, message, mine, device, counter, cursor, content, state, hidden, sender, author, vanishes = row
    by = {} if address else {"user": sender, "author": author}
    if hidden:
        return LogEntry(message, bool(mine), device, counter, cursor, **by)
    shown = "accepted" if state == "queued" else state
    # A message that was taken back into the outbox had been accepted once: its copies say so.
    return LogEntry(message, bool(mine), device, counter, cursor, content, shown, **by, ends=int(vanishes * 1000))


@dataclass(frozen=True, slots=True)
class _Log:
    """The conversation that entries belong to: with a person, or (None) of a group."""

    conversation: int
    person: Person | None

    def sender(self, account: Account, entry: LogEntry) -> bytes:
        if self.person is None:
            return entry.user
        return account.user_id if entry.mine else self.person.user


def keep_entries(execute: Execute, home: Home, account: Account, conversations: Iterable[Entries]) -> int:
    """Merge entries into the log; returns how many were new here or were deleted. One that does not hold is left out, the others count."""
    new = 0
    for told in conversations:
        log = _log_of(execute, home, account, told)
        for entry in told.entries:
            if log.person is not None or entry.mine == (entry.user == account.user_id):
                new += _keep(execute, home, account, log, entry)
    return new


def _log_of(execute: Execute, home: Home, account: Account, told: Entries) -> _Log:
    if told.address is None:
        return _Log(group_told(execute, home, account, told), None)
    person = person_named(execute, home, account, UserId(told.of), told.address)
    return _Log(conversation_of(execute, account, person), person)


def _keep(execute: Execute, home: Home, account: Account, log: _Log, entry: LogEntry) -> bool:
    sender = log.sender(account, entry)
    sql = "SELECT cursor, state FROM message WHERE account = ? AND sender = ? AND message = ?"
    known = first(execute, sql, (account.id, sender, entry.message))
    if known is None:
        return _add(execute, home, account, log, entry)
    if log.person is not None:
        _follow_key(execute, known[0], log.person, log.conversation, entry)
    if not entry.content:
        return hide(execute, known[0])
    if entry.mine and entry.state != "received":
        message_state(execute, home.events, account.id, entry.message, MessageState(entry.state), home.clock())
    return False


def _follow_key(execute: Execute, cursor: int, person: Person, conversation: int, entry: LogEntry) -> None:
    """What was said to a key that had no account any more was said again to the one that took its place."""
    row = first(execute, "SELECT conversation FROM message WHERE cursor = ?", (cursor,))
    if entry.mine and row is not None and row[0] != conversation and row[0] in lineage(execute, person.id):
        execute("UPDATE message SET conversation = ?, counter = ? WHERE cursor = ?", (conversation, entry.counter, cursor))


def _add(execute: Execute, home: Home, account: Account, log: _Log, entry: LogEntry) -> bool:
    if entry.place > home.clock() * 1_000_000 + MAX_AHEAD:
        return False
    try:
        said = decode(entry.content) if entry.content else Content(0, Text(""))
    except ConnexaError:
        return False
    body = has_place(said)
    if body is None:
        return False
    sender = log.sender(account, entry)
    shown = columns_of(body, sender)
    place = free_place(execute, entry.place)
    execute(
        "INSERT INTO message (cursor, account, conversation, message, sender, device, counter, mine, kind, text, subject, reply_to,"
        " target, target_user, has, content, sent, received, state, receipted, hidden, author, vanishes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            place,
            account.id,
            log.conversation,
            entry.message,
            sender,
            entry.device,
            entry.counter,
            entry.mine,
            shown.kind,
            shown.text,
            shown.subject,
            shown.reply_to,
            shown.target,
            shown.target_user,
            shown.has,
            entry.content,
            said.sent_ms / 1000,
            entry.place / 1_000_000,
            (entry.state or MessageState.EXPIRED.value) if entry.mine else MessageState.RECEIVED.value,
            log.person is None or log.person.state is not ContactState.PENDING,
            not entry.content,
            entry.author,
            entry.ends / 1000 if entry.content else 0,
        ),
    )
    _settle(execute, account, log.conversation, entry, place)
    settle(execute, place)
    if entry.mine and log.person is not None:
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


def tell_deleted(execute: Execute, home: Home, account: Account, cursors: Sequence[int]) -> None:
    """Tell the own devices which entries were deleted here."""
    for start in range(0, len(cursors), DELETED_AT_ONCE):
        group = cursors[start : start + DELETED_AT_ONCE]
        sql = f"SELECT {COLUMNS} {SHARED} AND m.cursor IN ({','.join('?' * len(group))})"
        for told in in_conversations(execute, account.id, rows(execute, sql, group)):
            content = encode(Content(int(home.clock() * 1000), told))
            of, address = (account.user_id, account.address) if told.address is None else (UserId(told.of), told.address)
            add_own_copy(execute, account, OwnCopy(of, address, content, home.rng(16), 0))
