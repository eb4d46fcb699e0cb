"""How far the account's own messages have come: states only go forward, and each step is an event (first-message §10)."""

from __future__ import annotations

from typing import Final

from connexa.node.events import EventLog
from connexa.node.home import first, rows
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = ["apply_early_receipts", "back_to_queue", "device_state", "message_state", "waits"]

# A device may have stored a message whose refusal by another way is still on its record: what the device says is later.
_RANK: Final = {
    MessageState.QUEUED: 0,
    MessageState.ACCEPTED: 1,
    MessageState.EXPIRED: 2,
    MessageState.REFUSED: 2,
    MessageState.DELIVERED: 3,
    MessageState.READ: 4,
}


def message_state(
    execute: Execute, events: EventLog, account: int, message: bytes, state: MessageState, now: float, *, reason: str = "", path: str = ""
) -> bool:
    """Move a message of ours forward; a step back or sideways does nothing."""
    row = first(
        execute,
        "SELECT m.state, m.cursor, a.address, c.public FROM message m JOIN account a ON a.id = m.account"
        " JOIN conversation c ON c.id = m.conversation WHERE m.account = ? AND m.sender = a.user AND m.message = ?",
        (account, message),
    )
    if row is None or _RANK[state] <= _RANK[MessageState(row[0])]:
        return False
    execute(
        "UPDATE message SET state = ?, reason = ?, path = CASE WHEN ? = '' THEN path ELSE ? END WHERE cursor = ?",
        (state.value, reason, path, path, row[1]),
    )
    execute("INSERT OR IGNORE INTO message_time (account, message, state, at) VALUES (?, ?, ?, ?)", (account, message, state.value, now))
    events.record(
        execute, row[2], "message.state", now, id=message.hex(), conversation=row[3].hex(), state=state.value, reason=reason, cursor=row[1]
    )
    return True


def back_to_queue(execute: Execute, events: EventLog, account: int, message: bytes, reason: str, now: float) -> None:
    """A message that was accepted is in the outbox again: its recipient's homeserver did not take it (first-message §9)."""
    found = rows(
        execute,
        "UPDATE message SET state = 'queued', reason = ? WHERE account = ? AND message = ? AND mine = 1 AND state IN ('queued', 'accepted')"
        " RETURNING cursor, conversation",
        (reason, account, message),
    )
    for cursor, conversation in found:
        row = first(
            execute, "SELECT a.address, c.public FROM conversation c JOIN account a ON a.id = c.account WHERE c.id = ?", (conversation,)
        )
        if row is not None:
            fields = {"id": message.hex(), "conversation": row[1].hex(), "state": "queued", "reason": reason, "cursor": cursor}
            events.record(execute, row[0], "message.state", now, **fields)


def device_state(execute: Execute, events: EventLog, account: int, message: bytes, device: bytes, state: MessageState, now: float) -> None:
    """Note what one device of the recipient says of a message of ours; an event tells of it, the message's own where that moves too."""
    row = first(execute, "SELECT state FROM message_device WHERE account = ? AND message = ? AND device = ?", (account, message, device))
    moved = row is None or _RANK[state] > _RANK[MessageState(row[0])]
    if moved:
        execute(
            "INSERT OR REPLACE INTO message_device (account, message, device, state, at) VALUES (?, ?, ?, ?, ?)",
            (account, message, device, state.value, now),
        )
    if message_state(execute, events, account, message, state, now) or not moved:
        return
    address = first(execute, "SELECT address FROM account WHERE id = ?", (account,))
    if address is not None:
        events.record(execute, address[0], "message.device", now, id=message.hex(), device=device.hex(), state=state.value)


def apply_early_receipts(execute: Execute, events: EventLog, account: int, message: bytes) -> None:
    """Apply receipts that came before the copy of the message itself, which another device of ours had sent."""
    early = rows(execute, "DELETE FROM early_receipt WHERE account = ? AND message = ? RETURNING device, state, at", (account, message))
    for device, state, at in early:
        device_state(execute, events, account, message, device, MessageState(state), at)


def waits(execute: Execute, account: int, person: int, reason: str) -> None:
    """Show at the queued messages to somebody why they wait."""
    execute(
        "UPDATE message SET reason = ? WHERE account = ? AND state = 'queued' AND mine = 1 AND reason != ?"
        " AND conversation = (SELECT id FROM conversation WHERE account = ? AND person = ?)",
        (reason, account, reason, account, person),
    )
