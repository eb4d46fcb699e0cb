"""What leaves for the person's other devices, gathered in the store by whoever changes something, then sealed for the mailbox link.

Copies of what the person does leave on a clock of their own (P38). What no send causes (history, repair) leaves at once.
"""

from __future__ import annotations

from dataclasses import replace

from connexa.content import NOTHING_SEEN, Body, Contact, Content, OwnCopies, OwnCopy, batch_own_copies, decode, encode
from connexa.identity import Address, UserId
from connexa.node.account import Account, own_device_list
from connexa.node.devices import OWN, Recipient, recipient_of, sending_sessions
from connexa.node.home import Home, Query, first, returned, rows
from connexa.node.link_frames import CommittedUpTo
from connexa.node.people import Person
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
    "has_other_devices",
    "is_own_device",
    "lacks_keys",
    "messages_waiting",
    "own_recipient",
    "seal_own",
    "seal_own_copies",
    "settle_own",
    "seal_own_messages",
    "tell_own_devices",
    "unsent_own",
]

OWN_LIFE = 30 * 86_400
AT_ONCE = 16  # envelopes sealed in one operation: they hold the loop for some milliseconds


def copy_to_own_devices(execute: Execute, home: Home, account: Account, person: Person, body: Body) -> None:
    """Tell the own devices something about a person that is no entry of the log."""
    content = encode(Content(int(home.clock() * 1000), body))
    add_own_copy(execute, account, OwnCopy(UserId(person.user), person.address, content, home.rng(16), 0))


def add_own_copy(execute: Execute, account: Account, copy: OwnCopy, *, register: bytes = b"") -> None:
    """Gather a copy for the own devices; without any there is nothing to gather. Of one register only the newest is gathered."""
    if not has_other_devices(execute, account.id):
        return
    message = message_pb2.OwnCopy(
        user=copy.user, address=str(copy.address), content=copy.content, message=copy.message, counter=copy.counter
    )
    if register:
        execute("DELETE FROM own_copy WHERE account = ? AND register = ?", (account.id, register))
    execute("INSERT INTO own_copy (account, register, copy) VALUES (?, ?, ?)", (account.id, register, message.SerializeToString()))


def tell_own_devices(execute: Execute, home: Home, account: Account, body: Body, *, only: bytes = b"") -> None:
    """Tell the own devices, or one of them, something that no send of the person causes: it leaves at once."""
    content = encode(Content(int(home.clock() * 1000), body))
    execute("INSERT INTO own_message (account, device, content) VALUES (?, ?, ?)", (account.id, only, content))


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
        verified_at=person.verified_at,
        verified_how=person.verified_how,
        rival=person.rival,
        replaces=person.replaces,
    )


def copies_waiting(query: Query, account: int) -> bool:
    """Whether copies are gathered that no envelope holds yet."""
    return first(query, "SELECT 1 FROM own_copy WHERE account = ? LIMIT 1", (account,)) is not None


def messages_waiting(query: Query, account: int) -> bool:
    """Whether something for own devices shall leave at once."""
    return first(query, "SELECT 1 FROM own_message WHERE account = ? LIMIT 1", (account,)) is not None


def own_recipient(query: Query, account: Account, now: float, only: bytes = b"") -> Recipient | None:
    """The own other devices as a recipient, or one of them; None while there is no list, or nobody who can read."""
    own = own_device_list(query, account)
    if own is None:
        return None
    to = recipient_of(query, account.id, OWN, account.user_id, account.address.domain, *own, now)
    devices = tuple(key for key in to.devices if only in (b"", key.device))
    return replace(to, devices=devices) if devices else None


def seal_own_copies(execute: Execute, home: Home, account: Account, sender: Signed) -> int:
    """Make envelopes of what was gathered, numbered for the mailbox link; returns how many."""
    now = home.clock()
    to = own_recipient(execute, account, now)
    if to is None:
        return 0  # the copies wait until one of the devices can read
    gathered = rows(execute, "SELECT id, copy FROM own_copy WHERE account = ? ORDER BY id LIMIT 256", (account.id,))
    copies = [_copy(raw) for _, raw in gathered]
    count, sessions = 0, sending_sessions(execute, account.id, to, now)
    for content in batch_own_copies(copies, int(now * 1000)):
        _seal(execute, home, account, to, sessions, content, Door("own"), sender)
        count += 1
    sessions.store(execute)
    if gathered:
        execute("DELETE FROM own_copy WHERE account = ? AND id <= ?", (account.id, gathered[-1][0]))
    return count


def _copy(raw: bytes) -> OwnCopy:
    message = message_pb2.OwnCopy.FromString(raw)  # our own row
    return OwnCopy(UserId(message.user), Address.from_wire(message.address), message.content, message.message, message.counter)


def settle_own(execute: Execute, account: Account, committed: CommittedUpTo) -> None:
    """Forget what the homeserver has; copies that it refused for a reason that passes are gathered again, the rest is asked for again."""
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


def seal_own_messages(execute: Execute, home: Home, account: Account, sender: Signed) -> int:
    """Make envelopes of what leaves at once; returns how many. What is for a device that cannot read yet waits."""
    sealed = 0
    waiting = rows(execute, "SELECT id, device, content FROM own_message WHERE account = ? ORDER BY id LIMIT ?", (account.id, AT_ONCE))
    for number, device, content in waiting:
        if seal_own(execute, home, account, sender, content, only=device):
            sealed += 1
        elif is_own_device(execute, account.id, device):
            continue
        execute("DELETE FROM own_message WHERE id = ?", (number,))
    return sealed


def seal_own(execute: Execute, home: Home, account: Account, sender: Signed, content: bytes, *, only: bytes) -> bool:
    """Make one envelope for one own device or (empty) all; False where nobody can read it yet."""
    now = home.clock()
    to = own_recipient(execute, account, now, only)
    if to is None:
        return False
    sessions = sending_sessions(execute, account.id, to, now)
    _seal(execute, home, account, to, sessions, content, Door("own", id=only), sender)
    sessions.store(execute)
    return True


def is_own_device(query: Query, account: int, device: bytes) -> bool:
    """Whether this is one of the listed other devices, or (empty) there is any."""
    sql = "SELECT 1 FROM person_device WHERE account = ? AND person = ? AND ? IN (x'', device) LIMIT 1"
    return first(query, sql, (account, OWN, device)) is not None


def _seal(
    execute: Execute, home: Home, account: Account, to: Recipient, sessions: SendingSessions, content: bytes, door: Door, sender: Signed
) -> None:
    now = home.clock()
    what = Outgoing(home.rng(16), 0, NOTHING_SEEN, content, now + OWN_LIFE)
    raw, _ = seal_envelope(execute, account, to, sessions, what, door, sender, now, home.rng)
    number = returned(execute, "UPDATE account SET own_number = own_number + 1 WHERE id = ? RETURNING own_number", (account.id,))
    execute(
        "INSERT INTO own_envelope (account, number, content, sealed, raw) VALUES (?, ?, ?, ?, ?)", (account.id, number, content, now, raw)
    )


def unsent_own(query: Query, account: int, after: int, limit: int) -> list[tuple[int, bytes]]:
    """Envelopes to own devices behind a number, in order."""
    sql = "SELECT number, raw FROM own_envelope WHERE account = ? AND number > ? ORDER BY number LIMIT ?"
    return [(number, raw) for number, raw in query(sql, (account, after, limit))]
