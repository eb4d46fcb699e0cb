"""The outbox: everything that has to reach somebody, from the moment it was said until nobody can refuse it any more.

A row of kind `text` is written in the operation that makes the message visible, sealed in the operation that numbers its envelope,
accepted when the homeserver has committed it, and kept until a device has answered or it has expired, in case the recipient's devices
turn out stale. Kind `again` is an entry that one device lacks: what becomes of that envelope changes nothing at the message.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connexa.content import NOTHING_SEEN, Body, Content, encode
from connexa.crypto import Rng
from connexa.node.events import EventLog
from connexa.node.home import Query, first, rows
from connexa.node.sealing import Outgoing
from connexa.node.states import message_state
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = [
    "Waiting",
    "done_with",
    "enqueue",
    "expire",
    "keep_texts",
    "mark_sealed",
    "only_receipts",
    "people_waiting",
    "say",
    "unsealed_again",
    "waiting_for",
]

CONTROL_LIFE = 7 * 86_400
_TEXT = "text"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row that is to be encrypted."""

    id: int
    kind: str
    what: Outgoing = field(repr=False)


def enqueue(execute: Execute, account: int, person: int, kind: str, what: Outgoing, now: float) -> None:
    """Put something into the outbox."""
    execute(
        "INSERT INTO outbox (account, person, kind, message, counter, last_seen, content, created, expires)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (account, person, kind, what.message, what.counter, what.last_seen, what.content, now, what.expires),
    )


def say(execute: Execute, account: int, person: int, kind: str, body: Body, now: float, rng: Rng) -> Outgoing:
    """Put a receipt or a control into the outbox: it has no place in the log."""
    what = Outgoing(rng(16), 0, NOTHING_SEEN, encode(Content(int(now * 1000), body)), now + CONTROL_LIFE)
    enqueue(execute, account, person, kind, what, now)
    return what


def people_waiting(query: Query, account: int) -> list[int]:
    """Everybody for whom something is to be encrypted, the longest waiting first."""
    return [
        row[0]
        for row in query("SELECT person FROM outbox WHERE account = ? AND state = 'waiting' GROUP BY person ORDER BY min(id)", (account,))
    ]


def only_receipts(query: Query, account: int, person: int) -> bool:
    """Whether nothing but receipts is to be encrypted for somebody."""
    sql = "SELECT 1 FROM outbox WHERE account = ? AND person = ? AND state = 'waiting' AND kind != 'receipt' LIMIT 1"
    return first(query, sql, (account, person)) is None


def waiting_for(query: Query, account: int, person: int, limit: int) -> list[Waiting]:
    """What is to be encrypted for somebody, in order."""
    sql = (
        "SELECT id, kind, message, counter, last_seen, content, expires FROM outbox"
        " WHERE account = ? AND person = ? AND state = 'waiting' ORDER BY id LIMIT ?"
    )
    return [Waiting(row[0], row[1], Outgoing(*row[2:])) for row in query(sql, (account, person, limit))]


def keep_texts(execute: Execute, account: int, person: int) -> bool:
    """Drop what is for contacts alone, receipts and controls, where no door of theirs is open; True where a text waits."""
    execute("DELETE FROM outbox WHERE account = ? AND person = ? AND state = 'waiting' AND kind != ?", (account, person, _TEXT))
    return bool(waiting_for(execute, account, person, 1))


def mark_sealed(execute: Execute, account: int, row: Waiting, devices: Iterable[bytes], now: float) -> None:
    """Note that an envelope was made, and for which devices."""
    execute("UPDATE outbox SET state = 'sealed' WHERE id = ?", (row.id,))
    if row.kind == _TEXT:
        execute(
            "DELETE FROM message_device WHERE account = ? AND message = ? AND state IN ('queued', 'accepted')", (account, row.what.message)
        )
        for device in devices:
            execute(
                "INSERT OR IGNORE INTO message_device (account, message, device, state, at) VALUES (?, ?, ?, 'queued', ?)",
                (account, row.what.message, device, now),
            )


def unsealed_again(execute: Execute, outbox: int) -> None:
    """Encrypt a row anew, with the same message id: its envelope was refused for a reason that passes."""
    execute("UPDATE outbox SET state = 'waiting' WHERE id = ?", (outbox,))


def done_with(execute: Execute, outbox: int) -> None:
    """Forget a row whose end is known, and its envelopes, but for those that still hold a number of their stream."""
    execute("DELETE FROM envelope WHERE outbox = ? AND raw = x''", (outbox,))
    execute("DELETE FROM outbox WHERE id = ?", (outbox,))


def expire(execute: Execute, events: EventLog, account: int, now: float) -> None:
    """End what nobody took in time: by the sender's own clock (first-message §10)."""
    over = rows(execute, "SELECT id, kind, message FROM outbox WHERE account = ? AND expires <= ? LIMIT 256", (account, now))
    for outbox, kind, message in over:
        if kind == _TEXT:
            message_state(execute, events, account, message, MessageState.EXPIRED, now, reason="envelope.expired")
        done_with(execute, outbox)


def is_waiting(query: Query, account: int, person: int) -> bool:
    """Whether anything is to be encrypted for somebody."""
    return (
        first(query, "SELECT 1 FROM outbox WHERE account = ? AND person = ? AND state = 'waiting' LIMIT 1", (account, person)) is not None
    )
