"""What the owner decides, as registers that converge on all own devices: of two decisions the newest (time, device) wins (protocol §15).

Only the time and the device are kept here; the values stand where they are used. A time is unix milliseconds and never goes back: it lies
behind every time that this device knows (a hybrid clock), so a decision that follows another on any device is also the newer one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum

from connexa.content import (
    MAX_OWN_CONTENT,
    AccountName,
    Contact,
    Content,
    DeviceName,
    Draft,
    Flags,
    GroupChoice,
    OwnCopy,
    ProfileKey,
    ReadMark,
    Register,
    Registers,
    RegisterValue,
    encode,
)
from connexa.crypto import sha256
from connexa.node.account import Account, profile_key
from connexa.node.home import Home, Query, first
from connexa.node.own_copies import add_own_copy, contact_of
from connexa.node.people import all_people
from connexa.store import Execute

__all__ = ["Kind", "all_registers", "decide", "in_batches", "is_newer", "keep_stamp", "register_id", "set_by_this"]


class Kind(IntEnum):
    """What a register is about; the numbers stand in the store."""

    CONTACT = 1
    READ = 2
    FLAGS = 3
    DRAFT = 4
    ACCOUNT = 5
    NAME = 6
    DOOR = 7
    GROUP = 8


Stamp = tuple[int, bytes]
NOBODY: Stamp = (0, b"")
ROOM = MAX_OWN_CONTENT - 256


def _named(value: RegisterValue) -> tuple[Kind, bytes]:
    """Which register holds this value."""
    match value:
        case Contact(user=user):
            return Kind.CONTACT, user
        case ReadMark(of=of):
            return Kind.READ, of
        case Flags(of=of):
            return Kind.FLAGS, of
        case Draft(of=of):
            return Kind.DRAFT, of
        case AccountName():
            return Kind.ACCOUNT, b""
        case DeviceName(device=device):
            return Kind.NAME, device
        case ProfileKey():
            return Kind.DOOR, b""
        case GroupChoice(group=group):
            return Kind.GROUP, group


def decide(execute: Execute, home: Home, account: Account, value: RegisterValue) -> None:
    """The owner has decided this here and now; the other own devices are told. The caller has stored the value itself."""
    now = int(home.clock() * 1000)
    kind, key = _named(value)
    row = first(execute, "SELECT coalesce(max(at), 0) + 1 FROM register WHERE account = ?", (account.id,))
    register = Register(max(now, row[0] if row else 0), account.device, value)
    keep_stamp(execute, account.id, register)
    content = encode(Content(now, Registers((register,))))
    copy = OwnCopy(account.user_id, account.address, content, home.rng(16), 0)
    add_own_copy(execute, account, copy, register=bytes([kind]) + key)


def keep_stamp(execute: Execute, account: int, register: Register) -> None:
    """Note when and where a value was decided that is stored now."""
    kind, key = _named(register.value)
    if register.at:
        execute(
            "INSERT OR REPLACE INTO register (account, kind, key, at, device) VALUES (?, ?, ?, ?, ?)",
            (account, kind, key, register.at, register.device),
        )


def is_newer(query: Query, account: int, register: Register) -> bool:
    """Whether a register wins over what is here; what nobody has decided fills gaps alone."""
    kind, key = _named(register.value)
    stamp = _stamp(query, account, kind, key)
    return (register.at, register.device) > stamp or stamp == NOBODY


def set_by_this(query: Query, account: Account, value: RegisterValue) -> bool:
    """Whether the decision that holds was made on this device."""
    return _stamp(query, account.id, *_named(value))[1] == account.device


def _stamp(query: Query, account: int, kind: Kind, key: bytes) -> Stamp:
    row = first(query, "SELECT at, device FROM register WHERE account = ? AND kind = ? AND key = ?", (account, kind, key))
    return (int(row[0]), bytes(row[1])) if row else NOBODY


def register_id(register: Register) -> bytes:
    """What a register is called when devices compare what they hold: another decision is another id."""
    kind, key = _named(register.value)
    return sha256(bytes([kind]), key, register.at.to_bytes(8, "big"), register.device)[:16]


def all_registers(query: Query, account: Account) -> list[Register]:
    """Everything that an own device has to know beside the log, with the values of now; what is empty counts where somebody emptied it."""
    stamps: dict[tuple[int, bytes], Stamp] = {
        (kind, key): (at, device)
        for kind, key, at, device in query("SELECT kind, key, at, device FROM register WHERE account = ?", (account.id,))
    }
    found = []
    for value, is_empty in _values(query, account):
        stamp = stamps.get(_named(value), NOBODY)
        if stamp != NOBODY or not is_empty:
            found.append(Register(*stamp, value))
    return found


def _values(query: Query, account: Account) -> Iterator[tuple[RegisterValue, bool]]:
    for person in all_people(query, account.id):
        if person.user_key:
            yield contact_of(person), False
    conversations = query(
        "SELECT coalesce(p.user, c.public), c.person = 0, c.muted, c.archived, c.pinned, c.favourite, c.draft, c.draft_subject,"
        " CASE c.read_message WHEN x'' THEN (SELECT m.message FROM message m"
        " WHERE m.account = c.account AND m.conversation = c.id AND m.mine = 0 AND m.cursor <= c.read_cursor"
        " ORDER BY m.cursor DESC LIMIT 1) ELSE c.read_message END"
        " FROM conversation c LEFT JOIN person p ON p.id = c.person WHERE c.account = ? AND (c.person = 0 OR p.user != x'')",
        (account.id,),
    )
    for of, group, muted, archived, pinned, favourite, draft, subject, read in conversations:
        flags = Flags(of, bool(muted), bool(archived), bool(group), bool(pinned), bool(favourite))
        yield flags, not (muted or archived or pinned or favourite)
        yield Draft(of, draft, subject, bool(group)), not (draft or subject)
        if read:
            yield ReadMark(of, read, bool(group)), False
    for public, accepted in query("SELECT public, accepted FROM group_choice WHERE account = ?", (account.id,)):
        yield GroupChoice(public, bool(accepted)), False
    for device, name in query("SELECT device, name FROM own_device WHERE account = ? AND listed = 1", (account.id,)):
        yield DeviceName(device, name), not name
    row = first(query, "SELECT name FROM account WHERE id = ?", (account.id,))
    name = row[0] if row else ""
    yield AccountName(name), not name
    yield ProfileKey(profile_key(query, account.id)), False


def in_batches(registers: Iterable[Register]) -> list[tuple[Register, ...]]:
    """Registers as they fit into bodies."""
    batches: list[tuple[Register, ...]] = []
    size = ROOM
    for register in registers:
        more = len(encode(Content(0, Registers((register,)))))
        if size + more > ROOM:
            batches.append(())
            size = 0
        batches[-1] = (*batches[-1], register)
        size += more
    return batches
