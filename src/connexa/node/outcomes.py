"""What became of envelopes: committed by the homeserver, or refused there or at the recipient's (first-message §5, §10).

Each status leads to one of four ends: accepted, encrypted anew (stale devices, a right that no longer opens), tried again later
(quota, rate, temporary), or final.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connexa.content import OwnCopy
from connexa.identity import UserId
from connexa.node.account import Account, load_account
from connexa.node.events import EventLog
from connexa.node.home import first, rows
from connexa.node.link_frames import Refusal
from connexa.node.outbox import done_with, unsealed_again
from connexa.node.own_copies import add_own_copy, has_other_devices
from connexa.node.people import person_of
from connexa.node.states import back_to_queue, message_state
from connexa.node.succession import hand_over, successor_of
from connexa.node.views import MessageState
from connexa.store import Execute
from connexa.wire import is_retried, status_code
from connexa.wire.v1.link_pb2 import Status

__all__ = ["PATH", "Settled", "door_closed", "key_gone", "settle_committed", "settle_outcomes"]

PATH = "server"  # the carrier's word in a message's history
TOKEN_WAIT = 86_400  # first-message §7: after BAD_RIGHT at a contact, before a request


@dataclass(slots=True)
class Settled:
    """Whose mail can go on at once, and whose after a pause."""

    again: set[int] = field(default_factory=set)
    later: set[int] = field(default_factory=set)
    own_copies: bool = False


def settle_committed(
    execute: Execute, events: EventLog, account: Account, stream: int, up_to: int, refused: Iterable[Refusal], now: float
) -> Settled:
    """Record that the homeserver has everything up to a number, but for what it refused."""
    settled = Settled()
    refusals = {refusal.number: refusal.status for refusal in refused}
    sealed = rows(
        execute, "SELECT number, outbox FROM envelope WHERE stream = ? AND number <= ? AND raw != x'' ORDER BY number", (stream, up_to)
    )
    for number, outbox in sealed:
        status = refusals.get(number, Status.STATUS_ACCEPTED)
        if status == Status.STATUS_ACCEPTED:
            settled.own_copies |= _accepted(execute, events, account, outbox, now)
        else:
            _refused(execute, events, account.id, stream, number, status, now, settled)
        execute("UPDATE envelope SET raw = x'' WHERE stream = ? AND number = ?", (stream, number))
    execute("UPDATE stream SET committed = max(committed, ?) WHERE id = ?", (up_to, stream))
    return settled


def settle_outcomes(execute: Execute, events: EventLog, account: int, stream: int, outcomes: Iterable[Refusal], now: float) -> Settled:
    """Record what became, later, of envelopes that were committed."""
    settled = Settled()
    for outcome in outcomes:
        if outcome.status != Status.STATUS_ACCEPTED:
            _refused(execute, events, account, stream, outcome.number, outcome.status, now, settled)
            execute("UPDATE envelope SET raw = x'' WHERE stream = ? AND number = ?", (stream, outcome.number))
    return settled


def _accepted(execute: Execute, events: EventLog, account: Account, outbox: int, now: float) -> bool:
    """Record that an envelope is durable; the own devices get their copy of a message from here on."""
    row = first(execute, "SELECT message, kind, person, content, counter FROM outbox WHERE id = ?", (outbox,))
    if row is None:
        return False
    message, kind, person, content, counter = row
    execute("UPDATE outbox SET state = 'accepted' WHERE id = ?", (outbox,))
    execute(
        "UPDATE message_device SET state = 'accepted', at = ? WHERE account = ? AND message = ? AND state = 'queued'",
        (now, account.id, message),
    )
    if kind != "text" or not message_state(execute, events, account.id, message, MessageState.ACCEPTED, now, path=PATH):
        return False
    if not has_other_devices(execute, account.id):
        return False
    to = person_of(execute, person)
    add_own_copy(execute, account, OwnCopy(UserId(to.user), to.address, content, message, counter))
    return True


def _refused(
    execute: Execute, events: EventLog, account: int, stream: int, number: int, status: Status, now: float, settled: Settled
) -> None:
    row = first(
        execute,
        "SELECT o.id, o.kind, o.message, o.person, e.door, e.profile FROM envelope e JOIN outbox o ON o.id = e.outbox"
        " WHERE e.stream = ? AND e.number = ?",
        (stream, number),
    )
    if row is None:
        return  # told before, or the message is gone
    outbox, kind, message, person, door, profile = row
    if status == Status.STATUS_STALE_DEVICES:
        execute("UPDATE person SET looked_week = 0 WHERE id = ?", (person,))
        settled.later.add(person)  # the first wait is short, and a homeserver that says so for ever is not asked for ever
    elif status == Status.STATUS_BAD_RIGHT and door != "stranger":
        door_closed(execute, person, door, profile, now)
        if kind != "text":
            done_with(execute, outbox)  # receipts and controls are for contacts alone
            return
        settled.again.add(person)
    elif status == Status.STATUS_NO_SUCH_USER and door == "token":
        key_gone(execute, person)
        if kind != "text":
            done_with(execute, outbox)
            return
        settled.again.add(person)
    elif is_retried(status):
        settled.later.add(person)
    else:
        state = MessageState.EXPIRED if status == Status.STATUS_EXPIRED else MessageState.REFUSED
        if kind == "text":
            message_state(execute, events, account, message, state, now, reason=status_code(status))
        if door != "token":
            execute("UPDATE person SET stranger_from = 0 WHERE id = ?", (person,))
        done_with(execute, outbox)
        return
    unsealed_again(execute, outbox)
    execute("UPDATE envelope SET outbox = 0 WHERE stream = ? AND number = ?", (stream, number))  # its number is spent
    if kind == "text":
        back_to_queue(execute, events, account, message, status_code(status), now)
    if (heir := successor_of(execute, person_of(execute, person))) is not None:  # their key was replaced meanwhile
        hand_over(execute, load_account(execute, account), person_of(execute, person), heir)
        settled.again.add(heir.id)


def key_gone(execute: Execute, person: int) -> None:
    """Note that a contact's key has no account at its homeserver any more: the address is asked who is there now (P26)."""
    execute(
        "UPDATE person SET anew = 1, looked_week = 0, profile_key = x'', stranger_from = 0 WHERE id = ? AND state != 'replaced'", (person,)
    )


def door_closed(execute: Execute, person: int, door: str, profile: bytes, now: float) -> None:
    """Note that a token or an invite no longer opens: a request takes its place, after a day where the two were contacts."""
    if door == "invite":
        execute("UPDATE person SET invite = x'', invite_secret = x'', stranger_from = 0 WHERE id = ?", (person,))
        return
    # A newer key may have come meanwhile; only the one that was shown is known to be refused.
    execute("UPDATE person SET profile_key = x'', stranger_from = ? WHERE id = ? AND profile_key = ?", (now + TOKEN_WAIT, person, profile))
