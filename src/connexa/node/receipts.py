"""Receipts: what this device tells contacts about their messages, gathered for a moment, and what they tell it about ours (P21).

Never to somebody who is not an accepted contact; switched off by a setting. Receipts for a message that another device of ours sent may
come before its copy and wait for it.
"""

from __future__ import annotations

from connexa.content import MAX_RECEIPTS, Receipt, ReceiptState
from connexa.crypto import Rng
from connexa.node.events import EventLog
from connexa.node.groups.seen import note_seen, written_in
from connexa.node.home import Query, first, rows
from connexa.node.outbox import done_with, say
from connexa.node.own_copies import has_other_devices
from connexa.node.people import Person, person_of
from connexa.node.settings import PrivacySettings
from connexa.node.states import device_state
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = ["apply_receipt", "most_among", "queue_receipt", "send_receipts"]

MAX_EARLY = 2_048  # receipts of one device for messages that are not here
_STATES = {ReceiptState.DELIVERED: MessageState.DELIVERED, ReceiptState.READ: MessageState.READ}


def queue_receipt(
    execute: Execute, person: Person, message: bytes, state: ReceiptState, privacy: PrivacySettings, *, among: int = 0
) -> bool:
    """Note that somebody is to be told; nobody but an accepted contact ever is. `among`: how many devices are in the message's group."""
    wanted = privacy.receipts and (privacy.read_receipts or state is ReceiptState.DELIVERED)
    if not wanted or not person.answers:
        return False
    execute(
        "INSERT OR IGNORE INTO receipt (account, person, message, state, among) VALUES (?, ?, ?, ?, ?)",
        (person.account, person.id, message, state.value, among),
    )
    if among and state is ReceiptState.READ:  # which says as much: what still waits is not worth an envelope
        sql = "DELETE FROM receipt WHERE account = ? AND person = ? AND message = ? AND state = ?"
        execute(sql, (person.account, person.id, message, ReceiptState.DELIVERED.value))
    return True


def most_among(query: Query, account: int) -> int:
    """How many devices are in the largest group of whose messages somebody is to be told."""
    row = first(query, "SELECT coalesce(max(among), 0) FROM receipt WHERE account = ?", (account,))
    return int(row[0]) if row else 0


def send_receipts(execute: Execute, account: int, now: float, rng: Rng, *, in_groups: bool = False) -> None:
    """Move what was noted of two, or of groups, into the outbox, many messages in one receipt."""
    which = "account = ? AND (among > 0) = ?"
    noted = rows(execute, f"SELECT DISTINCT person, state FROM receipt WHERE {which}", (account, in_groups))  # noqa: S608 - a constant
    for person, state in noted:
        sql = f"DELETE FROM receipt WHERE {which} AND person = ? AND state = ? RETURNING message"  # noqa: S608 - a constant
        messages = [row[0] for row in rows(execute, sql, (account, in_groups, person, state))]
        if not person_of(execute, person).answers:
            continue
        for start in range(0, len(messages), MAX_RECEIPTS):
            body = Receipt(ReceiptState(state), tuple(messages[start : start + MAX_RECEIPTS]))
            say(execute, account, person, "receipt", body, now, rng)


def apply_receipt(execute: Execute, events: EventLog, person: Person, device: bytes, receipt: Receipt, now: float) -> None:
    """Record what a device of a contact says about messages of ours in the conversation with that contact, or in a group with them."""
    state = _STATES[receipt.state]
    unknown = []
    for message in receipt.messages:
        row = first(
            execute,
            "SELECT c.person FROM message m JOIN conversation c ON c.id = m.conversation"
            " WHERE m.account = ? AND m.sender = (SELECT user FROM account WHERE id = ?) AND m.message = ?",
            (person.account, person.account, message),
        )
        if row is None:
            unknown.append(message)
        elif not row[0]:
            _seen_in_group(execute, events, person, message, state, now)
        elif row[0] == person.id:
            device_state(execute, events, person.account, message, device, state, now)
            _end_outbox(execute, person.account, message)
    if unknown and has_other_devices(execute, person.account):  # else no copy is on its way: the ids are invented
        _keep_early(execute, person.account, device, unknown, state, now)


def _seen_in_group(execute: Execute, events: EventLog, person: Person, message: bytes, state: MessageState, now: float) -> None:
    group = written_in(execute, person.account, message)
    if group is not None:
        note_seen(execute, events, group, message, person.user, state, now)


def _keep_early(execute: Execute, account: int, device: bytes, messages: list[bytes], state: MessageState, now: float) -> None:
    """Keep receipts until the copy of their message comes, so many of one device."""
    row = first(execute, "SELECT count(*) FROM early_receipt WHERE account = ? AND device = ?", (account, device))
    for message in messages[: max(0, MAX_EARLY - int(row[0] if row else 0))]:
        execute(
            "INSERT OR IGNORE INTO early_receipt (account, message, device, state, at) VALUES (?, ?, ?, ?, ?)",
            (account, message, device, state.value, now),
        )


def _end_outbox(execute: Execute, account: int, message: bytes) -> None:
    """A device has it: nobody can refuse the envelope any more. What another device has asked for again still goes."""
    sql = "SELECT id FROM outbox WHERE account = ? AND message = ? AND (kind != 'again' OR state = 'accepted')"
    for (outbox,) in rows(execute, sql, (account, message)):
        done_with(execute, outbox)
