"""What a message from another person means: an entry of the log, a receipt, a control; and what it does to the two as contacts.

A request is kept apart and answered by nothing until its owner decides (first-message §6). Requests that cross accept each other, and so
does one that shows an invite of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.content import (
    Accept,
    ContactState,
    Content,
    DeviceLists,
    Edit,
    InviteShown,
    LogBody,
    NewerVersion,
    ProfileKey,
    Reaction,
    Receipt,
    ReceiptState,
    Resend,
    Text,
    Timer,
    Withdrawal,
)
from connexa.crypto import equal
from connexa.identity import UserId
from connexa.node.account import Account, profile_key
from connexa.node.announcing import announce
from connexa.node.contacts import accepted_by_arrival, changed
from connexa.node.entry import Entry, end_of
from connexa.node.home import Home, first
from connexa.node.introductions import follow_list
from connexa.node.log import add_entry, conversation_of
from connexa.node.outbox import say
from connexa.node.people import Person, person_of
from connexa.node.receipts import apply_receipt, queue_receipt
from connexa.node.resends import take_resend
from connexa.node.views import MessageState
from connexa.pairwise import Reason, Reject, Wrap, invite_introduction_proof
from connexa.store import Execute

__all__ = ["Arrival", "Taken", "take_arrival"]

MAX_REQUEST_ENTRIES = 16  # of one stranger, before we answer


@dataclass(slots=True)
class Taken:
    """What an operation has changed, for the tasks that go on from here."""

    receipts: bool = False
    outbox: set[int] = field(default_factory=set)  # people whose mail may go on
    held: bool = False
    own_list: bool = False  # a newer list of our own devices was found
    own: bool = False  # another own device has said something, which may want an answer
    doors: bool = False  # our door has a new key


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that opened and whose sender is known."""

    person: Person
    device: bytes
    wrap: Wrap
    content: Content
    raw: bytes = field(repr=False)
    by_request: bool  # it came through the door of strangers


def take_arrival(execute: Execute, home: Home, account: Account, arrival: Arrival, taken: Taken) -> None:
    """Apply a message; raising undoes all of it."""
    body, person = arrival.content.body, arrival.person
    if person.state in (ContactState.BLOCKED, ContactState.REJECTED, ContactState.REPLACED):
        return  # they learn nothing, and nothing of it is kept
    match body:
        case Text() if body.attachments and arrival.by_request:
            raise Reject(Reason.MALFORMED)  # I71: strangers send words
        case Text() | NewerVersion():
            _take_entry(execute, home, account, arrival, body, taken)
        case Edit() | Reaction() | Withdrawal() | Timer() if person.state in (ContactState.ACCEPTED, ContactState.REQUESTED):
            _take_entry(execute, home, account, arrival, body, taken)  # a stranger's request is a text
        case Receipt() if person.state in (ContactState.ACCEPTED, ContactState.REQUESTED):
            apply_receipt(execute, home.events, person, arrival.device, body, home.clock())
        case Accept() if person.state in (ContactState.ACCEPTED, ContactState.REQUESTED) and not arrival.by_request:
            _take_profile_key(execute, home, account, person, body.profile_key, taken)
            if person.state is not ContactState.ACCEPTED:
                accepted_by_arrival(execute, home, account, person_of(execute, person.id), answer=False)
        case ProfileKey() if person.state is ContactState.ACCEPTED and not arrival.by_request:
            _take_profile_key(execute, home, account, person, body.profile_key, taken)
        case Resend() if person.state is ContactState.ACCEPTED and not arrival.by_request:
            if take_resend(execute, home, account, person, arrival.device, body):
                taken.outbox.add(person.id)
        case DeviceLists() if person.state is not ContactState.PENDING:  # a stranger's request is a text
            follow_list(execute, home, account, person, body.lists, home.clock())
        case _:
            raise Reject(Reason.MALFORMED)


def _take_profile_key(execute: Execute, home: Home, account: Account, person: Person, key: bytes, taken: Taken) -> None:
    """Their door has another key: what waited for it can go."""
    execute("UPDATE person SET profile_key = ?, stranger_from = 0 WHERE id = ?", (key, person.id))
    taken.outbox.add(person.id)
    if person.profile_key != key and person.state is ContactState.ACCEPTED:
        changed(execute, home, account, person.id, copy=False)  # it came to the own devices as well


def _take_entry(execute: Execute, home: Home, account: Account, arrival: Arrival, body: LogBody, taken: Taken) -> None:
    person = _decide(execute, home, account, arrival, taken)
    if arrival.by_request and arrival.person.state is ContactState.ACCEPTED:
        _renew_doors(execute, home, account, arrival, taken)
    conversation = conversation_of(execute, account, person)
    if person.state is ContactState.PENDING and _entries(execute, conversation) >= MAX_REQUEST_ENTRIES:
        return
    entry = _entry(arrival, body, home.clock())
    cursor = add_entry(execute, account.id, conversation, entry, home.clock())
    if cursor is None:
        return  # shown already: the same message in another envelope
    if person.state is ContactState.PENDING:
        home.events.record(execute, str(account.address), "request.new", home.clock(), user=person.user.hex(), domain=person.address.domain)
        return
    execute("UPDATE message SET receipted = 1 WHERE cursor = ?", (cursor,))
    if queue_receipt(execute, person, arrival.wrap.message_id, ReceiptState.DELIVERED, home.settings.privacy):
        taken.receipts = True
    announce(execute, home, account, conversation, entry, cursor, person.trust)


def _decide(execute: Execute, home: Home, account: Account, arrival: Arrival, taken: Taken) -> Person:
    """What this entry does to the two: the first word of somebody is a request, unless we have asked or invited them."""
    person, intro = arrival.person, arrival.content.intro
    asked = person.state is ContactState.REQUESTED
    invited = bool(intro and intro.invite and _is_our_invite(execute, home, account, person, intro.invite))
    if asked or (person.state is ContactState.PENDING and invited):
        accepted_by_arrival(execute, home, account, person, answer=invited and not asked)
        taken.outbox.add(person.id)
        taken.receipts = True
        return person_of(execute, person.id)
    return person


def _renew_doors(execute: Execute, home: Home, account: Account, arrival: Arrival, taken: Taken) -> None:
    """A contact came by the door of strangers: their key of our door opens no more (first-message §7). They get the one that does."""
    if arrival.content.intro is not None:
        _take_profile_key(execute, home, account, arrival.person, arrival.content.intro.profile_key, taken)
    say(execute, account.id, arrival.person.id, "control", ProfileKey(profile_key(execute, account.id)), home.clock(), home.rng)
    taken.outbox.add(arrival.person.id)


def _is_our_invite(execute: Execute, home: Home, account: Account, person: Person, shown: InviteShown) -> bool:
    row = first(execute, "SELECT secret FROM invite WHERE account = ? AND id = ? AND revoked = 0 AND used < uses", (account.id, shown.id))
    if row is None or not equal(invite_introduction_proof(row[0], UserId(person.user), account.user_id), shown.proof):
        return False
    execute("UPDATE invite SET used = used + 1 WHERE account = ? AND id = ?", (account.id, shown.id))
    return True


def _entries(execute: Execute, conversation: int) -> int:
    row = first(execute, "SELECT count(*) FROM message WHERE conversation = ?", (conversation,))
    return int(row[0]) if row else 0


def _entry(arrival: Arrival, body: LogBody, now: float) -> Entry:
    wrap, sent = arrival.wrap, arrival.content.sent_ms / 1000
    return Entry(
        message=wrap.message_id,
        sender=arrival.person.user,
        device=arrival.device,
        counter=wrap.counter,
        mine=False,
        body=body,
        content=arrival.raw,
        sent=sent,
        state=MessageState.RECEIVED,
        last_seen=wrap.last_seen,
        vanishes=end_of(sent, now, arrival.content.timer),
    )
