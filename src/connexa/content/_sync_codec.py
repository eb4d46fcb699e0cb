"""What own devices say to each other, to the wire form and back; every size is held to its limit before anybody sees the values."""

from __future__ import annotations

from dataclasses import replace

from connexa.content._fields import Malformed, need, profile_key
from connexa.content._kinds import Contact, ContactState, ProfileKey, VerifiedHow
from connexa.content._sync import (
    AccountName,
    Buckets,
    DeviceName,
    Digest,
    Digests,
    Draft,
    Entries,
    Flags,
    GroupChoice,
    History,
    HistoryWanted,
    Item,
    Listing,
    LogEntry,
    ReadMark,
    Register,
    Registers,
    RegisterValue,
    Sync,
    Wanted,
)
from connexa.identity import Address, check_user_id
from connexa.wire.v1 import message_pb2 as pb

__all__ = ["MAX_CHUNKS", "read_sync", "write_sync"]

MAX_CHUNKS = 256
MAX_NAME = 256
MAX_AUTHOR = 400  # an address, with what the node has put before one that it does not believe
MAX_DRAFT_SUBJECT = 1_024
BUCKET_HASHES = 256 * 16
ITEM_SIZE = 17
_STATES = frozenset({"received", "accepted", "delivered", "read", "refused", "expired"})


def read_sync(sync: pb.Sync) -> Sync:
    """The value of a message, or `Malformed`."""
    match sync.WhichOneof("kind"):
        case "registers":
            need(len(sync.registers.registers) >= 1)
            return Registers(tuple(_read_register(one) for one in sync.registers.registers))
        case "entries":
            return _read_entries(sync.entries)
        case "history_wanted":
            need(1 <= sync.history_wanted.chunks <= MAX_CHUNKS)
            return HistoryWanted(sync.history_wanted.before, sync.history_wanted.chunks)
        case "history":
            return _read_history(sync.history)
        case "digests":
            need(len(sync.digests.digests) >= 1)
            return Digests(sync.digests.until, tuple(_read_digest(one) for one in sync.digests.digests))
        case "buckets":
            need(len(sync.buckets.hashes) == BUCKET_HASHES)
            return Buckets(sync.buckets.until, _id(sync.buckets.of), sync.buckets.hashes)
        case "listing":
            need(1 <= len(sync.listing.buckets) == len(set(sync.listing.buckets)))
            items = _read_items(sync.listing.items)
            need(all(identity[0] in sync.listing.buckets for _, identity in items))
            return Listing(sync.listing.until, _id(sync.listing.of), sync.listing.buckets, items)
        case "wanted":
            need(len(sync.wanted.items) >= ITEM_SIZE)
            return Wanted(_id(sync.wanted.of), _read_items(sync.wanted.items))
        case _:
            raise Malformed


def _read_register(register: pb.OwnRegister) -> Register:
    need(len(register.device) == (32 if register.at else 0))
    return Register(register.at, register.device, _read_value(register))


def _read_value(register: pb.OwnRegister) -> RegisterValue:
    match register.WhichOneof("value"):
        case "contact":
            return _read_contact(register.contact)
        case "read":
            need(len(register.read.message) == 16)
            return ReadMark(_id(register.read.of), register.read.message, register.read.group)
        case "flags":
            flags = register.flags
            return Flags(_id(flags.of), flags.muted, flags.archived, flags.group, flags.pinned, flags.favourite)
        case "draft":
            need(len(register.draft.subject.encode()) <= MAX_DRAFT_SUBJECT)
            return Draft(_id(register.draft.of), register.draft.text, register.draft.subject, register.draft.group)
        case "account":
            return AccountName(_name(register.account.name))
        case "name":
            need(len(register.name.device) == 32)
            return DeviceName(register.name.device, _name(register.name.name))
        case "profile_key":
            return ProfileKey(profile_key(register.profile_key.profile_key))
        case "group":
            return GroupChoice(_id(register.group.group), register.group.accepted)
        case _:
            raise Malformed


def _id(raw: bytes) -> bytes:
    """The id of a person or a group."""
    need(len(raw) == 32)
    return raw


def _read_contact(contact: pb.Contact) -> Contact:
    need(len(contact.user_key) == 42 and len(contact.profile_key) in (0, 32))
    need(contact.state in ContactState._value2member_map_)
    need(len(contact.rival) in (0, 32) and len(contact.replaces) in (0, 32))
    need(contact.verified_how in VerifiedHow._value2member_map_ if contact.verified_at else not contact.verified_how)
    return Contact(
        check_user_id(contact.user),
        Address.from_wire(contact.address),
        contact.user_key,
        ContactState(contact.state),
        contact.attestation if contact.HasField("attestation") else None,
        contact.device_list if contact.HasField("device_list") else None,
        contact.profile_key,
        _name(contact.name),
        contact.verified_at,
        VerifiedHow(contact.verified_how) if contact.verified_at else None,
        contact.rival,
        contact.replaces,
    )


def _name(name: str) -> str:
    need(len(name.encode()) <= MAX_NAME)
    return name


def _read_entries(entries: pb.Entries) -> Entries:
    need(len(entries.entries) >= 1)
    of, group = _id(entries.of), not entries.address
    need(group or not (entries.name or entries.over))
    read = tuple(_read_entry(one, group=group) for one in entries.entries)
    return Entries(of, None if group else Address.from_wire(entries.address), read, _name(entries.name), entries.over)


def _read_entry(entry: pb.LogEntry, *, group: bool) -> LogEntry:
    need(len(entry.message) == 16 and len(entry.device) == 32 and entry.place > 0)
    need(entry.state in _STATES if entry.content else not entry.state)
    read = LogEntry(entry.message, entry.mine, entry.device, entry.counter, entry.place, entry.content, entry.state, ends=entry.ends)
    if not group:
        need(not (entry.user or entry.author))
        return read
    need(1 <= len(entry.author.encode()) <= MAX_AUTHOR and entry.author.isprintable())
    return replace(read, user=_id(entry.user), author=entry.author)


def _read_history(history: pb.History) -> History:
    need(history.next < history.before or history.before == 0)
    need(history.chunks < MAX_CHUNKS)
    conversations = tuple(_read_entries(one) for one in history.conversations)
    return History(history.before, history.next, history.chunks, history.left, conversations)


def _read_digest(digest: pb.Digest) -> Digest:
    need(len(digest.hash) == 32)
    return Digest(_id(digest.of), digest.count, digest.hash)


def _read_items(raw: bytes) -> tuple[Item, ...]:
    need(len(raw) % ITEM_SIZE == 0)
    items = tuple((raw[at], raw[at + 1 : at + ITEM_SIZE]) for at in range(0, len(raw), ITEM_SIZE))
    need(all(flags < 4 for flags, _ in items))
    return items


def write_sync(value: Sync) -> pb.Sync:
    """A value as a message."""
    match value:
        case Registers(registers):
            return pb.Sync(registers=pb.Registers(registers=[_write_register(one) for one in registers]))
        case Entries():
            return pb.Sync(entries=_write_entries(value))
        case HistoryWanted(before, chunks):
            return pb.Sync(history_wanted=pb.HistoryWanted(before=before, chunks=chunks))
        case History(before, following, chunks, left, conversations):
            parts = [_write_entries(one) for one in conversations]
            return pb.Sync(history=pb.History(before=before, next=following, chunks=chunks, left=left, conversations=parts))
        case Digests(until, digests):
            return pb.Sync(
                digests=pb.Digests(until=until, digests=[pb.Digest(of=one.of, count=one.count, hash=one.hash) for one in digests])
            )
        case Buckets(until, of, hashes):
            return pb.Sync(buckets=pb.Buckets(until=until, of=of, hashes=hashes))
        case Listing(until, of, buckets, items):
            return pb.Sync(listing=pb.Listing(until=until, of=of, buckets=buckets, items=_write_items(items)))
        case Wanted(of, items):
            return pb.Sync(wanted=pb.Wanted(of=of, items=_write_items(items)))


def _write_register(register: Register) -> pb.OwnRegister:
    message = pb.OwnRegister(at=register.at, device=register.device)
    match register.value:
        case Contact():
            message.contact.CopyFrom(_write_contact(register.value))
        case ReadMark(of, read, group):
            message.read.CopyFrom(pb.ReadMark(of=of, message=read, group=group))
        case Flags(of, muted, archived, group, pinned, favourite):
            flags = pb.Flags(of=of, muted=muted, archived=archived, group=group, pinned=pinned, favourite=favourite)
            message.flags.CopyFrom(flags)
        case Draft(of, text, subject, group):
            message.draft.CopyFrom(pb.Draft(of=of, text=text, subject=subject, group=group))
        case AccountName(name):
            message.account.CopyFrom(pb.AccountName(name=name))
        case DeviceName(device, name):
            message.name.CopyFrom(pb.DeviceName(device=device, name=name))
        case ProfileKey(key):
            message.profile_key.CopyFrom(pb.ProfileKey(profile_key=key))
        case GroupChoice(of, accepted):
            message.group.CopyFrom(pb.GroupChoice(group=of, accepted=accepted))
    return message


def _write_contact(contact: Contact) -> pb.Contact:
    return pb.Contact(
        user=contact.user,
        address=str(contact.address),
        user_key=contact.user_key,
        attestation=contact.attestation,
        device_list=contact.device_list,
        profile_key=contact.profile_key,
        state=contact.state,
        name=contact.name,
        verified_at=contact.verified_at,
        verified_how=contact.verified_how or "",
        rival=contact.rival,
        replaces=contact.replaces,
    )


def _write_entries(entries: Entries) -> pb.Entries:
    written = [
        pb.LogEntry(
            message=one.message,
            mine=one.mine,
            device=one.device,
            counter=one.counter,
            place=one.place,
            content=one.content,
            state=one.state,
            user=one.user,
            author=one.author,
            ends=one.ends,
        )
        for one in entries.entries
    ]
    address = str(entries.address) if entries.address is not None else ""
    return pb.Entries(of=entries.of, address=address, entries=written, name=entries.name, over=entries.over)


def _write_items(items: tuple[Item, ...]) -> bytes:
    return b"".join(bytes([flags]) + identity for flags, identity in items)
