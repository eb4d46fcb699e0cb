"""Between the store and the records of a backup: what an account knows, as messages of `backup.proto`, and back into another store.

A record's fields bear the names of the columns that they are. What is not in a record is not in a backup: this device's keys, sessions,
prekeys, passes, the MLS state of groups, and everything that is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import Message

from connexa.backup import Order, parse_record
from connexa.errors import IntegrityError
from connexa.identity import read_device_list
from connexa.node.devices import keep_list
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Query, first, returned, rows
from connexa.node.own_log import free_place
from connexa.node.stored import stored_user
from connexa.node.views import MessageState
from connexa.store import Execute, Row
from connexa.wire.v1.backup_pb2 import (
    BackupAccount,
    BackupContact,
    BackupConversation,
    BackupCounters,
    BackupDevice,
    BackupDomain,
    BackupEntry,
    BackupGroup,
    BackupGroupChoice,
    BackupInvite,
    BackupRecord,
    BackupRegister,
    BackupTrustNote,
)
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "Contents",
    "changed_entries",
    "count",
    "describe",
    "entry_record",
    "load_contents",
    "load_entries",
    "new_entries",
    "place_read_marks",
    "read_contents",
]

PAGE: Final = 500
WAITING, LEFT, OVER = GroupStanding.WAITING, GroupStanding.LEFT, (GroupStanding.LEFT, GroupStanding.REMOVED)
COMES_BACK: Final = (GroupStanding.MEMBER, GroupStanding.INVITED, GroupStanding.WAITING)


def columns(kind: type[Message]) -> list[str]:
    """The columns of a record: its fields, but for the messages inside it."""
    return [one.name for one in kind.DESCRIPTOR.fields if one.message_type is None]


_BESIDE_THE_LOG: Final = (
    *(BackupAccount, BackupContact, BackupConversation, BackupDevice, BackupGroup, BackupGroupChoice, BackupInvite, BackupRegister),
    BackupTrustNote,
)
_LISTED: Final = {kind: ", ".join(columns(kind)) for kind in _BESIDE_THE_LOG}
_ENTRY: Final = ", ".join(columns(BackupEntry))


def describe(query: Query, account: int) -> Iterator[bytes]:
    """Every record but those of the log, as it stands now."""
    yield BackupRecord(account=next(_messages(query, BackupAccount, "account", "id", account))).SerializeToString()
    for domain, record in query("SELECT domain, record FROM remote ORDER BY domain", ()):
        yield BackupRecord(domain=BackupDomain(domain=domain, record=record)).SerializeToString()
    for device in _messages(query, BackupDevice, "own_device", "listed = 1 AND account", account):
        yield BackupRecord(device=device).SerializeToString()
    for contact in _messages(query, BackupContact, "person", "account", account):
        contact.notes.extend(_messages(query, BackupTrustNote, "trust_note", "person", contact.id))
        yield BackupRecord(contact=contact).SerializeToString()
    for group in _messages(query, BackupGroup, "mls_group", "account", account):
        yield BackupRecord(group=group).SerializeToString()
    for choice in _messages(query, BackupGroupChoice, "group_choice", "account", account):
        yield BackupRecord(choice=choice).SerializeToString()
    for conversation in _messages(query, BackupConversation, "conversation", "account", account):
        conversation.counters.extend(_counters(query, account, conversation.id))
        yield BackupRecord(conversation=conversation).SerializeToString()
    for invite in _messages(query, BackupInvite, "invite", "account", account):
        yield BackupRecord(invite=invite).SerializeToString()
    for register in _messages(query, BackupRegister, "register", "account", account):
        yield BackupRecord(register=register).SerializeToString()


def _messages(query: Query, kind: type[Any], table: str, where: str, of: int) -> Iterator[Any]:
    names = columns(kind)
    for row in rows(query, f"SELECT {_LISTED[kind]} FROM {table} WHERE {where} = ?", (of,)):  # noqa: S608 - constants
        yield kind(**dict(zip(names, row, strict=True)))


def _counters(query: Query, account: int, conversation: int) -> Iterator[BackupCounters]:
    where = "account = ? AND conversation = ?"
    gaps: dict[bytes, list[int]] = {}
    for device, counter in query(f"SELECT device, counter FROM counter_gap WHERE {where}", (account, conversation)):  # noqa: S608
        gaps.setdefault(device, []).append(counter)
    for device, high in query(f"SELECT device, counter FROM counter_high WHERE {where}", (account, conversation)):  # noqa: S608
        yield BackupCounters(device=device, high=high, missing=gaps.get(device, []))


def new_entries(query: Query, account: int, after: int, up_to: int) -> list[Row]:
    """A page of the log: its cursor first in each row."""
    sql = f"SELECT {_ENTRY} FROM message WHERE account = ? AND cursor > ? AND cursor <= ? ORDER BY cursor LIMIT ?"  # noqa: S608
    return rows(query, sql, (account, after, up_to, PAGE))


def changed_entries(query: Query, account: int, after: int, up_to: int) -> list[Row]:
    """A page of the entries that this increment takes again."""
    sql = (
        f"SELECT {_ENTRY} FROM message WHERE account = ? AND cursor IN"  # noqa: S608 - constants
        " (SELECT cursor FROM backup_changed WHERE account = ? AND taken = 1 AND cursor > ? AND cursor <= ? ORDER BY cursor LIMIT ?)"
        " ORDER BY cursor"
    )
    return rows(query, sql, (account, account, after, up_to, PAGE))


def entry_record(row: Row) -> bytes:
    """An entry as a record."""
    return BackupRecord(entry=BackupEntry(**dict(zip(columns(BackupEntry), row, strict=True)))).SerializeToString()


@dataclass(slots=True)
class Contents:
    """What a backup's newest file says of everything but the log."""

    account: BackupAccount = field(default_factory=BackupAccount)
    domains: list[BackupDomain] = field(default_factory=list)
    devices: list[BackupDevice] = field(default_factory=list)
    contacts: list[BackupContact] = field(default_factory=list)
    groups: list[BackupGroup] = field(default_factory=list)
    choices: list[BackupGroupChoice] = field(default_factory=list)
    conversations: list[BackupConversation] = field(default_factory=list)
    invites: list[BackupInvite] = field(default_factory=list)
    registers: list[BackupRegister] = field(default_factory=list)


def read_contents(records: Iterable[bytes]) -> tuple[Contents, Iterator[BackupEntry]]:
    """Read a file's records up to its first entry; the iterator gives the entries and has checked all of the file when it ends."""
    order, contents = Order(), Contents()
    parsed = iter(_parsed(records, order))
    places: dict[str, list[Any]] = {
        "domain": contents.domains,
        "device": contents.devices,
        "contact": contents.contacts,
        "group": contents.groups,
        "choice": contents.choices,
        "conversation": contents.conversations,
        "invite": contents.invites,
        "register": contents.registers,
    }
    for kind, record in parsed:
        if kind == "entry":
            return contents, _entries(record, parsed)
        if kind == "account":
            contents.account.CopyFrom(record.account)
        else:
            places[kind].append(getattr(record, kind))
    return contents, iter(())


def _parsed(records: Iterable[bytes], order: Order) -> Iterator[tuple[str, BackupRecord]]:
    for raw in records:
        kind, record = parse_record(raw)
        order.take(kind)
        yield kind, record
    order.end()


def _entries(record: BackupRecord, rest: Iterator[tuple[str, BackupRecord]]) -> Iterator[BackupEntry]:
    yield record.entry
    for _, record in rest:
        yield record.entry


class Places:
    """Where the rows of a backup have come to lie: its numbers are those of another store."""

    def __init__(self, contents: Contents) -> None:
        self.conversations: dict[int, int] = {}
        self.cursors: dict[int, int] = {one.read_cursor: 0 for one in contents.conversations}  # those that are asked for alone


def load_contents(execute: Execute, account: int, contents: Contents) -> Places:
    """Store everything but the log for an account that was just made; raises where something in it does not hold."""
    places, people = Places(contents), {0: 0}  # nobody: a group's
    for domain in contents.domains:
        execute("INSERT OR IGNORE INTO remote (domain, record) VALUES (?, ?)", (domain.domain, domain.record))
    for device in contents.devices:
        _insert(execute, "own_device", device, account=account, listed=1)
    for contact in contents.contacts:
        people[contact.id] = _insert(execute, "person", contact, ("id",), "id", account=account)
        if contact.device_list:
            devices = read_device_list(Signed.FromString(contact.device_list), stored_user(contact.user_key))
            keep_list(execute, account, people[contact.id], devices)
        for note in contact.notes:
            _insert(execute, "trust_note", note, person=people[contact.id])
    for group in contents.groups:
        if group.state not in OVER:  # it may come in again; what was only begun was never in
            group.state = (WAITING if group.state in COMES_BACK else LEFT).value
        _insert(execute, "mls_group", group, account=account)
    for choice in contents.choices:
        _insert(execute, "group_choice", choice, account=account)
    for conversation in contents.conversations:
        if conversation.person not in people:
            raise IntegrityError("backup.damaged", "A conversation in this backup is with nobody.")
        number = _insert(
            execute,
            "conversation",
            conversation,
            ("id", "person", "read_cursor"),
            "id",
            account=account,
            person=people[conversation.person],
        )
        places.conversations[conversation.id] = number
        for counters in conversation.counters:
            _load_counters(execute, account, number, counters)
    for invite in contents.invites:
        _insert(execute, "invite", invite, account=account)
    for register in contents.registers:
        _insert(execute, "register", register, account=account)
    return places


def _load_counters(execute: Execute, account: int, conversation: int, counters: BackupCounters) -> None:
    execute(
        "INSERT INTO counter_high (account, conversation, device, counter) VALUES (?, ?, ?, ?)",
        (account, conversation, counters.device, counters.high),
    )
    for missing in counters.missing:
        execute(
            "INSERT INTO counter_gap (account, conversation, device, counter, since) VALUES (?, ?, ?, ?, 0)",
            (account, conversation, counters.device, missing),
        )


def load_entries(execute: Execute, account: int, places: Places, entries: Iterable[BackupEntry]) -> None:
    """Store entries at their places; one that is there already takes the newer state."""
    names = [name for name in columns(BackupEntry) if name != "cursor"]
    insert = f"INSERT INTO message (cursor, account, {', '.join(names)}) VALUES (?, ?{', ?' * len(names)})"  # noqa: S608 - constants
    update = f"UPDATE message SET {', '.join(f'{name} = ?' for name in names)} WHERE cursor = ?"  # noqa: S608 - constants
    for entry in entries:
        conversation = places.conversations.get(entry.conversation)
        if conversation is None:
            continue  # the conversation is gone since
        entry.conversation = conversation
        if entry.mine and entry.state == MessageState.QUEUED:  # whether it left is not known, and its device is no more
            entry.state, entry.reason = MessageState.REFUSED.value, "device.lost"
        values = [getattr(entry, name) for name in names]
        known = first(
            execute, "SELECT cursor FROM message WHERE account = ? AND sender = ? AND message = ?", (account, entry.sender, entry.message)
        )
        if known is not None:
            execute(update, (*values, known[0]))
            continue
        cursor = free_place(execute, entry.cursor)
        execute(insert, (cursor, account, *values))
        if entry.cursor in places.cursors:
            places.cursors[entry.cursor] = cursor


def place_read_marks(execute: Execute, contents: Contents, places: Places) -> None:
    """Move the read cursors to where their entries have come to lie."""
    for conversation in contents.conversations:
        where = (places.cursors[conversation.read_cursor], places.conversations[conversation.id])
        execute("UPDATE conversation SET read_cursor = ? WHERE id = ?", where)


def count(query: Query, account: int) -> tuple[int, int, int]:
    """How many contacts, conversations and messages an account holds."""
    row = first(
        query,
        "SELECT (SELECT count(*) FROM person WHERE account = ? AND state = 'accepted'),"
        " (SELECT count(*) FROM conversation WHERE account = ?), (SELECT count(*) FROM message WHERE account = ? AND hidden = 0)",
        (account, account, account),
    )
    return (row[0], row[1], row[2]) if row else (0, 0, 0)


def _insert(execute: Execute, table: str, message: Any, but: Sequence[str] = (), result: str = "1", **more: int) -> int:
    names = [name for name in columns(type(message)) if name not in but and name not in more]
    sql = f"INSERT INTO {table} ({', '.join([*more, *names])}) VALUES (?{', ?' * (len(more) + len(names) - 1)}) RETURNING {result}"  # noqa: S608
    return int(returned(execute, sql, (*more.values(), *(getattr(message, name) for name in names))))
