"""A hub's rows: the group, its members' places, its log without gaps (groups §5.1, §5.4).

Functions over the tables for operations of the writer; the same functions read what is committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connexa.homeserver.tables import Query, first
from connexa.store import Execute, Row
from connexa.wire.v1.groups_pb2 import GroupEntry, GroupEntryKind, GroupInfoPiece, GroupMode, GroupPage, GroupPlace, GroupRecord

__all__ = [
    "ALL_GROUPS",
    "ENTRY_LIFE",
    "GroupRow",
    "Member",
    "append",
    "clear_group",
    "drop_group",
    "expire_entries",
    "group_of",
    "info_piece",
    "insert_group",
    "keep_record",
    "load_of",
    "member_of",
    "members_of",
    "page",
    "part_with",
    "put_member",
    "record_of",
    "remove_members",
    "removed_at",
    "stored_entry",
]

ALL_GROUPS: Final = b""  # whose load is that of all
ENTRY_LIFE: Final = 30 * 86_400  # as long as mail; who was away for longer joins anew
PAGE_ENTRIES: Final = 256
PAGE_BYTES: Final = 160 * 1024
PIECE_BYTES: Final = 192 * 1024


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group as its hub knows it."""

    id: bytes
    mode: GroupMode
    term: int
    epoch: int
    epoch_at: int
    began: int
    seq: int
    join_hash: bytes
    admins: bytes
    took: bytes = b""
    moved: bytes = b""


@dataclass(frozen=True, slots=True)
class Member:
    """A place in a group: where hints for it go, and what it shows."""

    domain: str
    alias: bytes
    token_hash: bytes

    @classmethod
    def of(cls, place: GroupPlace) -> Member:
        """The place of the wire."""
        return cls(place.domain, place.alias, place.token_hash)


_COLUMNS: Final = "id, mode, term, epoch, epoch_at, began, seq, join_hash, admins, took, moved"


def group_of(query: Query, group: bytes) -> GroupRow | None:
    """A group that this homeserver is, or was, the hub of."""
    row = first(query, f"SELECT {_COLUMNS} FROM mls_group WHERE id = ?", (group,))  # noqa: S608 - constants
    return GroupRow(*row) if row else None


def insert_group(execute: Execute, row: GroupRow) -> None:
    """Store a new group."""
    execute(
        f"INSERT INTO mls_group ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
        (
            row.id,
            int(row.mode),
            row.term,
            row.epoch,
            row.epoch_at,
            row.began,
            row.seq,
            row.join_hash,
            row.admins,
            row.took,
            row.moved,
        ),
    )


def clear_group(execute: Execute, group: bytes) -> None:
    """Forget everything in a group."""
    for table in ("group_record", "group_public", "group_member", "group_entry", "group_fallback"):
        execute(f"DELETE FROM {table} WHERE mls = ?", (group,))  # noqa: S608 - one of five names


def drop_group(execute: Execute, group: bytes) -> None:
    """Forget a group with everything in it."""
    clear_group(execute, group)
    execute("DELETE FROM mls_group WHERE id = ?", (group,))


# ---- members


def member_of(query: Query, group: bytes, token_hash: bytes) -> Member | None:
    """The member whose token has this hash."""
    row = first(
        query, "SELECT domain, alias, token_hash FROM group_member WHERE mls = ? AND token_hash = ? AND until = 0", (group, token_hash)
    )
    return Member(*row) if row else None


def removed_at(query: Query, group: bytes, token_hash: bytes, domain: str) -> int:
    """The entry by which the device with this token was removed; 0 where it was not, or long ago."""
    sql = "SELECT until FROM group_member WHERE mls = ? AND token_hash = ? AND domain = ?"
    row = first(query, sql, (group, token_hash, domain))
    return int(row[0]) if row else 0


def members_of(query: Query, group: bytes) -> list[Member]:
    """Every place of a group."""
    sql = "SELECT domain, alias, token_hash FROM group_member WHERE mls = ? AND until = 0 ORDER BY alias"
    return [Member(*row) for row in query(sql, (group,))]


def put_member(execute: Execute, group: bytes, member: Member) -> None:
    """Store a place; one of the same alias is replaced."""
    execute(
        "INSERT OR REPLACE INTO group_member (mls, alias, domain, token_hash) VALUES (?, ?, ?, ?)",
        (group, member.alias, member.domain, member.token_hash),
    )


def part_with(execute: Execute, group: bytes, aliases: Iterable[bytes], until: int) -> list[Member]:
    """Take places away by the entry `until`, which they may read yet; returns those that were there."""
    sql = "UPDATE group_member SET until = ? WHERE mls = ? AND alias = ? AND until = 0 RETURNING domain, alias, token_hash"
    gone: list[Row] = [row for alias in aliases for row in execute(sql, (until, group, alias)).fetchall()]
    return [Member(*row) for row in gone]


def remove_members(execute: Execute, group: bytes, aliases: Iterable[bytes]) -> None:
    """Forget places; those that are not there are gone already."""
    for alias in aliases:
        execute("DELETE FROM group_member WHERE mls = ? AND alias = ?", (group, alias))


# ---- the log


def append(execute: Execute, row: GroupRow, kind: GroupEntryKind, epoch: int, entry: bytes, message: bytes, now: float) -> int:
    """Add the next entry to the log; returns its number."""
    numbered = first(execute, "UPDATE mls_group SET seq = seq + 1 WHERE id = ? RETURNING seq", (row.id,))
    if numbered is None:
        raise LookupError("the group was read in this operation")
    execute(
        "INSERT INTO group_entry (mls, seq, kind, epoch, at, entry, message) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.id, numbered[0], int(kind), epoch, int(now), entry, message),
    )
    return int(numbered[0])


def stored_entry(query: Query, group: bytes, entry: bytes) -> tuple[int, int] | None:
    """Number and epoch of an entry that came before."""
    row = first(query, "SELECT seq, epoch FROM group_entry WHERE mls = ? AND entry = ?", (group, entry))
    return (row[0], row[1]) if row else None


def page(query: Query, row: GroupRow, after: int, limit: int = PAGE_ENTRIES, until: int = 0) -> GroupPage:
    """The entries behind a number, as many as fit into an answer; with `until` none that come later."""
    oldest = first(query, "SELECT min(seq) FROM group_entry WHERE mls = ?", (row.id,))
    answer = GroupPage(newest=row.seq, oldest=row.seq + 1 if oldest is None or oldest[0] is None else oldest[0], epoch=row.epoch)
    room = PAGE_BYTES
    sql = "SELECT seq, kind, epoch, at, message FROM group_entry WHERE mls = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    for seq, kind, of, at, message in query(sql, (row.id, after, until or row.seq, max(1, min(limit, PAGE_ENTRIES)))):
        room -= len(message) + 64
        if room < 0 and answer.entries:
            break
        answer.entries.append(GroupEntry(seq=seq, kind=kind, epoch=of, at=at, message=message))
    return answer


def load_of(query: Query, group: bytes) -> int:
    """Bytes in a group's log."""
    row = first(query, "SELECT bytes FROM group_load WHERE mls = ?", (group,))
    return int(row[0]) if row else 0


def expire_entries(execute: Execute, now: float, limit: int) -> int:
    """Forget some of the entries whose time is over."""
    execute(
        "DELETE FROM group_member WHERE until != 0 AND NOT EXISTS (SELECT 1 FROM group_entry WHERE mls = group_member.mls AND seq = until)"
    )
    sql = "DELETE FROM group_entry WHERE id IN (SELECT id FROM group_entry WHERE at <= ? LIMIT ?) RETURNING seq"
    return len(execute(sql, (int(now) - ENTRY_LIFE, limit)).fetchall())


# ---- what joiners are given


def keep_record(execute: Execute, group: bytes, record: GroupRecord) -> None:
    """Replace what is handed to joiners."""
    execute("INSERT OR REPLACE INTO group_record (mls, record) VALUES (?, ?)", (group, record.SerializeToString()))


def record_of(query: Query, group: bytes) -> GroupRecord:
    """What is handed to joiners, whole."""
    row = first(query, "SELECT record FROM group_record WHERE mls = ?", (group,))
    return GroupRecord.FromString(row[0]) if row else GroupRecord()


def info_piece(query: Query, row: GroupRow, offset: int) -> GroupInfoPiece:
    """A piece of it."""
    sql = "SELECT length(record), substr(record, ?, ?) FROM group_record WHERE mls = ?"
    total, piece = first(query, sql, (offset + 1, PIECE_BYTES, row.id)) or (0, b"")
    return GroupInfoPiece(epoch=row.epoch, term=row.term, seq=row.began, mode=row.mode, total=total, piece=piece)
