"""The log of a conversation: entries come in once, keep the place in which they arrived, and know what is missing before them.

A place is the microsecond of the arrival, so that the log of another own device can be merged in (`own_log`). Counters run per sending
device and conversation (first-message §3). A jump leaves gaps, which show and are filled when the missing entries arrive. Everything here
runs inside an operation of the writer.
"""

from __future__ import annotations

from collections.abc import Iterable

from connexa.content import conversation_id, last_seen_hash
from connexa.crypto import sha256
from connexa.identity import UserId
from connexa.node.account import Account
from connexa.node.acts import settle
from connexa.node.entry import Entry, columns_of
from connexa.node.home import Query, first, returned, rows
from connexa.node.people import Person
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = [
    "add_entry",
    "close_gaps",
    "conversation_of",
    "count_from",
    "highest_counter",
    "next_counter",
    "note_highest",
    "sent_as",
    "settle_conversation",
]

MOST_AHEAD = 10_000  # a contact cannot push our counter further than this at a time
MAX_GAPS = 1_000  # missing entries of a device that are named one by one: the newest


def conversation_of(execute: Execute, account: Account, person: Person) -> int:
    """The number of the conversation with somebody; made at its first use."""
    row = first(execute, "SELECT id FROM conversation WHERE account = ? AND person = ?", (account.id, person.id))
    if row:
        return int(row[0])
    # Until a look-up has found the user id, the id of the conversation is a stand-in that stays known afterwards.
    public = conversation_id(account.user_id, UserId(person.user)) if person.user else _stand_in(account, person)
    inserted = returned(
        execute,
        "INSERT INTO conversation (account, public, provisional, person) VALUES (?, ?, ?, ?) RETURNING id",
        (account.id, public, b"" if person.user else public, person.id),
    )
    return int(inserted)


def settle_conversation(execute: Execute, account: Account, person: int, user: bytes) -> None:
    """Give a conversation its lasting id, now that the other person's is known."""
    public = conversation_id(account.user_id, UserId(user))
    execute("UPDATE conversation SET public = ? WHERE account = ? AND person = ?", (public, account.id, person))


def _stand_in(account: Account, person: Person) -> bytes:
    return sha256(b"connexa/stand-in/v1\0", account.device, f"{person.id} {person.address}".encode())


def next_counter(execute: Execute, conversation: int) -> tuple[int, bytes]:
    """Count one more entry of this device, and tell the hash of the newest entry before it."""
    row = rows(execute, "UPDATE conversation SET counter = counter + 1 WHERE id = ? RETURNING counter, newest", (conversation,))
    return int(row[0][0]), bytes(row[0][1])


def count_from(execute: Execute, conversation: int, seen: int) -> None:
    """Give no counter twice: somebody has seen more of this device than it remembers, for its store was rolled back."""
    sql = "UPDATE conversation SET counter = ? WHERE id = ? AND counter < ? AND counter + ? >= ?"
    execute(sql, (seen, conversation, seen, MOST_AHEAD, seen))


def add_entry(execute: Execute, account: int, conversation: int, entry: Entry, now: float) -> int | None:
    """Add an entry and return its cursor; None where it is in the log already: shown once per sender and message id."""
    place, filled = _place(execute, account, conversation, entry, now)
    shown = columns_of(entry.body, entry.sender)
    row = first(
        execute,
        "INSERT INTO message (cursor, account, conversation, message, sender, device, counter, mine, kind, text, subject, reply_to,"
        " target, target_user, has, content, sent, received, state, last_seen, author, vanishes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING cursor",
        (
            place,
            account,
            conversation,
            entry.message,
            entry.sender,
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
            entry.sent,
            now,
            entry.state.value,
            entry.last_seen,
            entry.author,
            entry.vanishes,
        ),
    )
    if row is None:
        return None
    execute(
        "UPDATE conversation SET newest = ?, read_cursor = CASE read_message WHEN ? THEN max(read_cursor, ?) ELSE read_cursor END"
        " WHERE id = ?",
        (last_seen_hash(entry.message, entry.content), entry.message, row[0], conversation),
    )
    if filled and not entry.mine:  # nobody has seen it, though what stands behind it may be read: it shows as new, in its place
        execute("UPDATE conversation SET read_cursor = min(read_cursor, ?) WHERE id = ?", (place - 1, conversation))
    settle(execute, row[0])
    if entry.state is not MessageState.QUEUED:  # what this device says itself has no gaps here
        _count(execute, account, conversation, entry.device, entry.counter, now)
    return int(row[0])


def _place(execute: Execute, account: int, conversation: int, entry: Entry, now: float) -> tuple[int, bool]:
    """The place of a new entry: behind everything, with room for what is missing before it; or the one that was missing, and True."""
    newest = first(execute, "SELECT coalesce(max(cursor), 0) + 1 FROM message")
    behind = max(int(now * 1_000_000), int(newest[0]) if newest else 1)
    where = (account, conversation, entry.device)
    if entry.counter <= 1 or entry.state is MessageState.QUEUED or entry.counter == highest_counter(execute, *where) + 1:
        return behind, False
    sql = "SELECT cursor, counter FROM message WHERE account = ? AND conversation = ? AND device = ? AND counter"
    later = first(execute, f"{sql} > ? ORDER BY counter LIMIT 1", (*where, entry.counter))
    if later is None:
        before = first(execute, f"{sql} < ? ORDER BY counter DESC LIMIT 1", (*where, entry.counter))
        return behind + min(entry.counter - 1 - (before[1] if before else 0), MAX_GAPS), False
    place = int(later[0]) - min(int(later[1]) - entry.counter, MAX_GAPS)  # so far room was left: no counter leads out of time
    while first(execute, "SELECT 1 FROM message WHERE cursor = ?", (place,)) is not None:
        place -= 1
    return place, True


def sent_as(execute: Execute, account: Account, message: bytes, content: bytes) -> None:
    """Note the bytes in which an entry of ours left: what its recipients have seen is named by their hash."""
    row = first(
        execute,
        "SELECT m.cursor, m.conversation, m.content FROM message m WHERE m.account = ? AND m.sender = ? AND m.message = ? AND m.hidden = 0",
        (account.id, account.user_id, message),
    )
    if row is None or row[2] == content:
        return
    cursor, conversation, before = row
    execute("UPDATE message SET content = ? WHERE cursor = ?", (content, cursor))
    execute(
        "UPDATE conversation SET newest = ? WHERE id = ? AND newest = ?",
        (last_seen_hash(message, content), conversation, last_seen_hash(message, before)),
    )


def _count(execute: Execute, account: int, conversation: int, device: bytes, counter: int, now: float) -> None:
    """Note which counters of a device are here, so that gaps show (P32)."""
    if counter < 1:
        return
    where = (account, conversation, device)
    high = highest_counter(execute, *where)
    if counter <= high:
        execute("DELETE FROM counter_gap WHERE account = ? AND conversation = ? AND device = ? AND counter = ?", (*where, counter))
        return
    _open_gaps(execute, where, high, counter, now)
    execute("INSERT OR REPLACE INTO counter_high (account, conversation, device, counter) VALUES (?, ?, ?, ?)", (*where, counter))


def highest_counter(query: Query, account: int, conversation: int, device: bytes) -> int:
    """The highest counter of a device that is known to have been given; 0 for none."""
    sql = "SELECT counter FROM counter_high WHERE account = ? AND conversation = ? AND device = ?"
    row = first(query, sql, (account, conversation, device))
    return int(row[0]) if row else 0


def note_highest(execute: Execute, account: int, conversation: int, device: bytes, highest: int, now: float) -> None:
    """A device says how far it has counted: what is not here of that is missing."""
    where = (account, conversation, device)
    high = highest_counter(execute, *where)
    if highest > high:
        _open_gaps(execute, where, high, highest + 1, now)
        execute("INSERT OR REPLACE INTO counter_high (account, conversation, device, counter) VALUES (?, ?, ?, ?)", (*where, highest))


def close_gaps(execute: Execute, account: int, conversation: int, device: bytes, below: int, gone: Iterable[int]) -> None:
    """A device says what it will not send any more: everything below a counter, and some single ones."""
    where = (account, conversation, device)
    execute("DELETE FROM counter_gap WHERE account = ? AND conversation = ? AND device = ? AND counter < ?", (*where, below))
    for counter in gone:
        execute("DELETE FROM counter_gap WHERE account = ? AND conversation = ? AND device = ? AND counter = ?", (*where, counter))


def _open_gaps(execute: Execute, where: tuple[int, int, bytes], high: int, end: int, now: float) -> None:
    """Name what is missing behind `high` and before `end`, the newest first to be kept."""
    if high == 0 and _is_being_filled(execute, where[0]):
        return  # what that device said before this one was there comes with the history
    for missing in range(max(high + 1, end - MAX_GAPS), end):
        execute(
            "INSERT OR IGNORE INTO counter_gap (account, conversation, device, counter, since) VALUES (?, ?, ?, ?, ?)",
            (*where, missing, now),
        )
    if end > high + 1:
        execute(
            "DELETE FROM counter_gap WHERE account = ? AND conversation = ? AND device = ? AND counter < (SELECT counter FROM counter_gap"
            " WHERE account = ? AND conversation = ? AND device = ? ORDER BY counter DESC LIMIT 1 OFFSET ?)",
            (*where, *where, MAX_GAPS - 1),
        )


def _is_being_filled(query: Query, account: int) -> bool:
    return first(query, "SELECT 1 FROM history WHERE account = ? AND waiting = 1", (account,)) is not None
