"""What the person's other devices tell this one: copies of what was said, decisions, history; and which devices there are (P25).

Copies are applied like the acts that they copy, without doing anything outward again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from connexa.content import (
    Accept,
    Buckets,
    ContactState,
    Content,
    Digests,
    Edit,
    Entries,
    History,
    HistoryWanted,
    Listing,
    LogBody,
    NewerVersion,
    OwnCopies,
    OwnCopy,
    Reaction,
    Registers,
    Text,
    Timer,
    Wanted,
    Withdrawal,
    decode,
)
from connexa.errors import ConnexaError
from connexa.identity import follow_device_lists, read_device_list
from connexa.node.account import Account, own_device_list
from connexa.node.announcing import announce
from connexa.node.arrivals import Taken
from connexa.node.contacts import accept
from connexa.node.converge import person_named, take_register
from connexa.node.digests import take_buckets, take_digests, take_entries, take_listing, take_wanted
from connexa.node.entry import Entry, end_of
from connexa.node.history import owe_history, take_history
from connexa.node.home import Home
from connexa.node.log import add_entry, conversation_of
from connexa.node.own_list import keep_own_list, note_seen
from connexa.node.people import Person
from connexa.node.sessions import Opened
from connexa.node.states import apply_early_receipts
from connexa.node.views import MessageState
from connexa.pairwise import Reason, Reject
from connexa.store import Execute

__all__ = ["check_own_sender", "take_own"]

T = TypeVar("T")


def check_own_sender(execute: Execute, home: Home, account: Account, opened: Opened, content: Content, at: float) -> None:
    """Check that the sender is one of our devices; a newer list in its introduction counts if it follows ours."""
    known = own_device_list(execute, account)
    if known is None:
        raise Reject(Reason.IDENTITY)
    newest = known[0]
    if content.intro is not None:
        newest = follow_device_lists(known[0], content.intro.device_lists, account.user, at)
        keep_own_list(execute, home, account, newest)
    if opened.sender.device not in read_device_list(newest, account.user).device_ids():
        raise Reject(Reason.IDENTITY)
    note_seen(execute, account.id, opened.sender.device, home.clock())


def take_own(execute: Execute, home: Home, account: Account, opened: Opened, content: Content, taken: Taken) -> None:
    """Apply what one of the own devices says."""
    body, device = content.body, opened.sender.device
    taken.own = True
    match body:
        case NewerVersion():
            pass
        case OwnCopies(copies):
            _each(execute, copies, lambda copy: _take_copy(execute, home, account, device, copy, taken))
        case Registers(registers):
            _each(execute, registers, lambda register: take_register(execute, home, account, register, taken, live=False))
        case HistoryWanted():
            owe_history(execute, home, account, device, body)
        case History():
            take_history(execute, home, account, device, body)
        case Digests():
            take_digests(execute, home, account, device, body)
        case Buckets():
            take_buckets(execute, home, account, device, body)
        case Listing():
            take_listing(execute, home, account, device, body)
        case Wanted():
            take_wanted(execute, home, account, device, body)
        case Entries():
            take_entries(execute, home, account, body)
        case _:
            raise Reject(Reason.MALFORMED)


def _each(execute: Execute, parts: Iterable[T], take: Callable[[T], None]) -> None:
    """Take the parts of a batch one by one; one that does not hold is left out, the others count."""
    for part in parts:
        execute("SAVEPOINT part")
        try:
            take(part)
        except ConnexaError:
            execute("ROLLBACK TO part")
        execute("RELEASE part")


def _take_copy(execute: Execute, home: Home, account: Account, device: bytes, copy: OwnCopy, taken: Taken) -> None:
    content = decode(copy.content)
    match content.body:
        case Registers(registers):
            for register in registers:
                take_register(execute, home, account, register, taken, live=True)
            return
        case Entries():
            take_entries(execute, home, account, content.body)
            return
    person = person_named(execute, home, account, copy.user, copy.address)
    match content.body:
        case Text() | Edit() | Reaction() | Withdrawal() | Timer() | NewerVersion():
            _take_entry(execute, home, account, person, device, copy, content, content.body)
        case Accept() if person.state in (ContactState.REQUESTED, ContactState.PENDING):  # not against what the owner did since
            execute("UPDATE person SET profile_key = ? WHERE id = ? AND profile_key = x''", (content.body.profile_key, person.id))
            accept(execute, home, account, person, answer=False, ours=False)
            taken.outbox.add(person.id)
            taken.receipts = True
        case _:
            pass


def _take_entry(
    execute: Execute, home: Home, account: Account, person: Person, device: bytes, copy: OwnCopy, content: Content, body: LogBody
) -> None:
    conversation, sent = conversation_of(execute, account, person), content.sent_ms / 1000
    entry = Entry(
        message=copy.message,
        sender=account.user_id,
        device=device,
        counter=copy.counter,
        mine=True,
        body=body,
        content=copy.content,
        sent=sent,
        state=MessageState.ACCEPTED,  # its device copies it once the homeserver has it
        vanishes=end_of(sent, home.clock(), content.timer),
    )
    cursor = add_entry(execute, account.id, conversation, entry, home.clock())
    if cursor is None:
        return
    announce(execute, home, account, conversation, entry, cursor, None)
    apply_early_receipts(execute, home.events, account.id, copy.message)
