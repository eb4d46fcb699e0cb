"""What only the devices of one person say to each other: decisions that converge, history, and digests that find what is missing.

Plain values; the wire form is `_sync_codec`'s matter, their meaning the node's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.content._kinds import Contact, ProfileKey
from connexa.identity import Address

__all__ = [
    "AccountName",
    "Buckets",
    "DeviceName",
    "Digest",
    "Digests",
    "Draft",
    "Entries",
    "Flags",
    "GroupChoice",
    "History",
    "HistoryWanted",
    "Item",
    "Listing",
    "LogEntry",
    "ReadMark",
    "Register",
    "RegisterValue",
    "Registers",
    "Sync",
    "Wanted",
]


@dataclass(frozen=True, slots=True)
class ReadMark:
    """A conversation was read up to a message of somebody else; `of` is their user id or (`group`) the group's id."""

    of: bytes
    message: bytes
    group: bool = False


@dataclass(frozen=True, slots=True)
class Flags:
    """How a conversation is kept; `of` as in a read mark."""

    of: bytes
    muted: bool
    archived: bool
    group: bool = False
    pinned: bool = False
    favourite: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What is typed in a conversation and not sent yet; empty where there is nothing. `of` as in a read mark."""

    of: bytes
    text: str = field(repr=False)
    subject: str = field(default="", repr=False)
    group: bool = False


@dataclass(frozen=True, slots=True)
class GroupChoice:
    """Whether the owner wants to be in a group."""

    group: bytes
    accepted: bool


@dataclass(frozen=True, slots=True)
class AccountName:
    """What the owner calls the account."""

    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceName:
    """What the owner calls one of the devices."""

    device: bytes
    name: str = field(repr=False)


RegisterValue = Contact | ReadMark | Flags | Draft | AccountName | DeviceName | ProfileKey | GroupChoice


@dataclass(frozen=True, slots=True)
class Register:
    """One decision of the owner; of two for the same thing the newest (at, device) wins."""

    at: int  # unix ms; 0: decided by nobody yet
    device: bytes
    value: RegisterValue


@dataclass(frozen=True, slots=True)
class Registers:
    """Some decisions."""

    registers: tuple[Register, ...]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of a log as one device tells it to another; without content it is the trace of a deleted one.

    `ends` is when it disappears (unix ms, 0: never); `user` and `author` are who said it and from where, in a group, else empty.
    """

    message: bytes
    mine: bool
    device: bytes
    counter: int
    place: int  # unix microseconds
    content: bytes = field(default=b"", repr=False)
    state: str = ""
    user: bytes = b""
    author: str = field(default="", repr=False)
    ends: int = 0


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of the conversation with one person, or (without address) of a group, what it is called and whether the person has gone."""

    of: bytes
    address: Address | None = field(repr=False)
    entries: tuple[LogEntry, ...]
    name: str = field(default="", repr=False)
    over: bool = False


@dataclass(frozen=True, slots=True)
class HistoryWanted:
    """A new device asks for what is older than a place; 0: from the newest entry on."""

    before: int
    chunks: int


@dataclass(frozen=True, slots=True)
class History:
    """All entries from `next` up to `before`, the newest first; `next` 0: there is nothing older."""

    before: int
    next: int
    chunks: int  # how many of those that were asked for follow
    left: int
    conversations: tuple[Entries, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """What a device holds of one collection: the log with a person or of a group, or under the owner's id the registers."""

    of: bytes
    count: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Digests:
    """Some collections, of what was said or decided before a time: later things may still be on their way."""

    until: int  # unix ms
    digests: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Buckets:
    """A collection whose digests differ: one hash of 16 bytes for each first byte of an item's id."""

    until: int
    of: bytes
    hashes: bytes


Item = tuple[int, bytes]
"""Flags (1 mine, 2 deleted) and id; a register has the flags 0. In groups two may give one id: there it is a hash of sender and id."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a device holds of some buckets."""

    until: int
    of: bytes
    buckets: bytes
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Items that the asking device lacks."""

    of: bytes
    items: tuple[Item, ...]


Sync = Registers | Entries | HistoryWanted | History | Digests | Buckets | Listing | Wanted
