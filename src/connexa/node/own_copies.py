"""What leaves for the person's other devices: gathered in the store by whoever changes something, sent on a clock of its own (P38)."""

from __future__ import annotations

from connexa.content import NOTHING_SEEN, Body, Contact, Content, OwnCopies, OwnCopy, batch_own_copies, decode, encode
from connexa.identity import Address, UserId
from connexa.node.account import Account, own_device_list
from connexa.node.devices import OWN, Recipient, recipient_of, sending_sessions
from connexa.node.home import Home, Query, first, returned, rows
from connexa.node.link_frames import CommittedUpTo
from connexa.node.people import Person, all_people
from connexa.node.sealing import Door, Outgoing, seal_envelope
from connexa.node.sessions import SendingSessions
from connexa.pairwise import week_of
from connexa.store import Execute
from connexa.wire import is_retried
from connexa.wire.v1 import message_pb2
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import Status

__all__ = [
    "add_own_copy",
    "contact_of",
    "copies_waiting",
    "copy_to_own_devices",
    "gather_again",
    "greet_new_devices",
    "has_other_devices",
    "lacks_keys",
    "own_recipient",
    "seal_own_copies",
    "settle_own",
    "unsent_own",
]

OWN_LIFE = 30 * 86_400


def copy_to_own_devices(execute: Execute, home: Home, account: Account, person: Person, body: Body) -> None:
    """Tell the own devices something about a person that is no entry of the log."""
    content = encode(Content(int(home.clock() * 1000), body))
    add_own_copy(execute, account, OwnCopy(UserId(person.user), person.address, content, home.rng(16), 0))


def add_own_copy(execute: Execute, account: Account, copy: OwnCopy) -> None:
    """Gather a copy for the own devices; without any there is nothing to gather."""
    if not has_other_devices(execute, account.id):
        return
    message = message_pb2.OwnCopy(
        user=copy.user, address=str(copy.address), content=copy.content, message=copy.message, counter=copy.counter
    )
    execute("INSERT INTO own_copy (account, copy) VALUES (?, ?)", (account.id, message.SerializeToString()))


def has_other_devices(query: Query, account: int) -> bool:
    """Whether the person has another device than this one."""
    return first(query, "SELECT 1 FROM person_device WHERE account = ? AND person = ? LIMIT 1", (account, OWN)) is not None


def lacks_keys(query: Query, account: int, now: float) -> bool:
    """Whether an own device cannot be written to yet this week."""
    sql = "SELECT 1 FROM person_device WHERE account = ? AND person = ? AND sek_week != ? LIMIT 1"
    return first(query, sql, (account, OWN, week_of(now))) is not None


def contact_of(person: Person) -> Contact:
    """The whole state of a contact, as own devices learn it."""
    return Contact(
        user=UserId(person.user),
        address=person.address,
        user_key=person.user_key,
        state=person.state,
        attestation=Signed.FromString(person.attestation) if person.attestation else None,
        device_list=Signed.FromString(person.device_list) if person.device_list else None,
        profile_key=person.profile_key,
        name=person.name,
    )


def copies_waiting(query: Query, account: int) -> bool:
    """Whether copies are gathered that no envelope holds yet."""
    return first(query, "SELECT 1 FROM own_copy WHERE account = ? LIMIT 1", (account,)) is not None


def own_recipient(query: Query, account: Account, now: float) -> Recipient | None:
    """The own other devices as a recipient; None without a list."""
    own = own_device_list(query, account)
    if own is None:
        return None
    return recipient_of(query, account.id, OWN, account.user_id, account.address.domain, *own, now)


def seal_own_copies(execute: Execute, home: Home, account: Account, sender: Signed) -> int:
    """Make envelopes of what was gathered, numbered for the mailbox link; returns how many."""
    now = home.clock()
    to = own_recipient(execute, account, now)
    if to is None or not to.devices:
        return 0  # the copies wait until one of the devices can read
    gathered = rows(execute, "SELECT id, copy FROM own_copy WHERE account = ? ORDER BY id LIMIT 256", (account.id,))
    copies = [_copy(raw) for _, raw in gathered]
    count, sessions = 0, sending_sessions(execute, account.id, to, now)
    for content in batch_own_copies(copies, int(now * 1000)):
        _seal(execute, home, account, to, sessions, content, sender)
        count += 1
    sessions.store(execute)
    if gathered:
        execute("DELETE FROM own_copy WHERE account = ? AND id <= ?", (account.id, gathered[-1][0]))
    return count


def _copy(raw: bytes) -> OwnCopy:
    message = message_pb2.OwnCopy.FromString(raw)  # our own row
    return OwnCopy(UserId(message.user), Address.from_wire(message.address), message.content, message.message, message.counter)


def settle_own(execute: Execute, account: Account, committed: CommittedUpTo) -> None:
    """Forget what the homeserver has; what it refused for a reason that passes is gathered again."""
    for refusal in committed.refused:
        row = first(execute, "SELECT content FROM own_envelope WHERE account = ? AND number = ?", (account.id, refusal.number))
        stale = refusal.status == Status.STATUS_STALE_DEVICES
        if stale:
            execute("UPDATE person_device SET sek_week = 0 WHERE account = ? AND person = ?", (account.id, OWN))
        if row is not None and (stale or is_retried(refusal.status)):
            gather_again(execute, account, row[0])
    execute("DELETE FROM own_envelope WHERE account = ? AND number <= ?", (account.id, committed.up_to))


def gather_again(execute: Execute, account: Account, content: bytes) -> None:
    """Put the copies of a batch back: it was refused for a reason that passes."""
    body = decode(content).body
    if isinstance(body, OwnCopies):
        for copy in body.copies:
            add_own_copy(execute, account, copy)


def greet_new_devices(execute: Execute, home: Home, account: Account) -> None:
    """Give every contact to own devices that were linked since, as soon as they can read; the primary does this (product §1, U2)."""
    sql = (
        "SELECT o.device FROM own_device o JOIN person_device p ON p.account = o.account AND p.person = ? AND p.device = o.device"
        " WHERE o.account = ? AND o.greeted = 0 AND p.sek_week = ?"
    )
    new = rows(execute, sql, (OWN, account.id, week_of(home.clock())))
    if not new or not account.is_primary:
        return
    for person in all_people(execute, account.id):
        if person.user_key:
            copy_to_own_devices(execute, home, account, person, contact_of(person))
    for (device,) in new:
        execute("UPDATE own_device SET greeted = 1 WHERE account = ? AND device = ?", (account.id, device))


def _seal(execute: Execute, home: Home, account: Account, to: Recipient, sessions: SendingSessions, content: bytes, sender: Signed) -> None:
    now = home.clock()
    what = Outgoing(home.rng(16), 0, NOTHING_SEEN, content, now + OWN_LIFE)
    raw, _ = seal_envelope(execute, account, to, sessions, what, Door("own"), sender, now, home.rng)
    number = returned(execute, "UPDATE account SET own_number = own_number + 1 WHERE id = ? RETURNING own_number", (account.id,))
    execute(
        "INSERT INTO own_envelope (account, number, content, sealed, raw) VALUES (?, ?, ?, ?, ?)", (account.id, number, content, now, raw)
    )


def unsent_own(query: Query, account: int, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Envelopes to own devices behind a number, in order."""
    sql = "SELECT number, raw FROM own_envelope WHERE account = ? AND number > ? ORDER BY number LIMIT ?"
    return [(number, raw) for number, raw in query(sql, (account, after, limit))]
