"""A hub's rows: the group, its members' places, its log without gaps (groups §5.1, §5.4).

Functions over the tables for operations of the writer; the same functions read what is committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from connexa.homeserver.groups.waiting import put_news
from connexa.homeserver.tables import Query, first
from connexa.store import Execute, Row
from connexa.wire.v1.groups_pb2 import (
    GroupEntry,
    GroupEntryKind,
    GroupInfoPiece,
    GroupMode,
    GroupNews,
    GroupPage,
    GroupPlace,
    GroupRecord,
    GroupStandby,
)

__all__ = [
    "ALL_GROUPS",
    "ENTRY_LIFE",
    "GroupRow",
    "Member",
    "append",
    "clear_gone",
    "is_going",
    "as_it_ended",
    "clear_group",
    "drop_group",
    "expire_entries",
    "expire_places",
    "forget_member",
    "group_of",
    "info_piece",
    "insert_group",
    "keep_places",
    "keep_record",
    "load_of",
    "member_of",
    "members_of",
    "page",
    "part_with",
    "put_member",
    "record_of",
    "stored_entry",
]

ALL_GROUPS: Final = b""  # whose load is that of all
ENTRY_LIFE: Final = 30 * 86_400  # as long as mail; who was away for longer joins anew
# Places of a group that were removed and may read up to there, or be given back by a reject: more than two days of adds and removes.
MAX_GONE: Final = 4_096
ENTRIES_AT_ONCE: Final = 1_024
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
    """Store a new group; what is left of an older one of its id goes."""
    for table in ("group_entry", "group_gone"):
        execute(f"DELETE FROM {table} WHERE mls = ?", (row.id,))  # noqa: S608 - one of two names
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
    """Forget everything in a group; of a long log the rest a little later, so that nobody waits for it."""
    for table in ("group_record", "group_public", "group_member", "group_fallback"):
        execute(f"DELETE FROM {table} WHERE mls = ?", (group,))  # noqa: S608 - one of four names
    if _clear_entries(execute, group, ENTRIES_AT_ONCE) == ENTRIES_AT_ONCE:
        execute("INSERT INTO group_gone (mls) VALUES (?) ON CONFLICT DO NOTHING", (group,))


def _clear_entries(execute: Execute, group: bytes, limit: int) -> int:
    sql = "DELETE FROM group_entry WHERE id IN (SELECT id FROM group_entry WHERE mls = ? LIMIT ?) RETURNING id"
    return len(execute(sql, (group, limit)).fetchall())


def is_going(query: Query, group: bytes) -> bool:
    """Whether entries of a group of this id that has ended are still there."""
    return first(query, "SELECT 1 FROM group_gone WHERE mls = ?", (group,)) is not None


def clear_gone(execute: Execute, now: float, limit: int) -> int:
    """Forget some entries of groups that have ended."""
    row = first(execute, "SELECT mls FROM group_gone LIMIT 1")
    if row is None:
        return 0
    if _clear_entries(execute, row[0], limit) < limit:
        execute("DELETE FROM group_gone WHERE mls = ?", row)
    return limit


def drop_group(execute: Execute, group: bytes, now: float) -> None:
    """Forget a group with everything in it; nobody need stand by for it any more."""
    fallbacks: list[Row] = execute("SELECT domain FROM group_fallback WHERE mls = ?", (group,)).fetchall()
    for (domain,) in fallbacks:
        put_news(execute, domain, GroupNews(standbys=[GroupStandby(group=group, ended=True)]), now)
    clear_group(execute, group)
    execute("DELETE FROM mls_group WHERE id = ?", (group,))


# ---- members


def member_of(query: Query, group: bytes, token_hash: bytes) -> Member | None:
    """The member whose token has this hash."""
    row = first(
        query, "SELECT domain, alias, token_hash FROM group_member WHERE mls = ? AND token_hash = ? AND until = 0", (group, token_hash)
    )
    return Member(*row) if row else None


def as_it_ended(query: Query, row: GroupRow, token_hash: bytes, domain: str) -> GroupRow | None:
    """The group as it was for the device with this token when it was removed; None where it was not, or long ago."""
    sql = (
        "SELECT until, epoch + 1 FROM group_member JOIN group_entry ON group_entry.mls = group_member.mls AND seq = until"
        " WHERE group_member.mls = ? AND token_hash = ? AND domain = ? AND until != 0"
    )
    ended = first(query, sql, (row.id, token_hash, domain))
    return replace(row, seq=ended[0], epoch=ended[1]) if ended else None


def members_of(query: Query, group: bytes) -> list[Member]:
    """Every place of a group."""
    sql = "SELECT domain, alias, token_hash FROM group_member WHERE mls = ? AND until = 0 ORDER BY alias"
    return [Member(*row) for row in query(sql, (group,))]


def put_member(execute: Execute, group: bytes, member: Member, *, instead_of: Member | None = None) -> None:
    """Store a place; one of the same alias is replaced, and the one that it is there instead of."""
    if instead_of is not None:
        execute("DELETE FROM group_member WHERE mls = ? AND alias = ?", (group, instead_of.alias))
    execute("DELETE FROM group_member WHERE mls = ? AND (alias = ? OR token_hash = ?)", (group, member.alias, member.token_hash))
    execute(
        "INSERT INTO group_member (mls, alias, domain, token_hash) VALUES (?, ?, ?, ?)",
        (group, member.alias, member.domain, member.token_hash),
    )


def part_with(execute: Execute, group: bytes, aliases: Iterable[bytes], until: int, now: float) -> list[Member]:
    """Take places away by the entry `until`, which they may read yet; returns those that were there."""
    sql = "UPDATE group_member SET until = ?, gone = ? WHERE mls = ? AND alias = ? AND until = 0 RETURNING domain, alias, token_hash"
    gone: list[Row] = [row for alias in aliases for row in execute(sql, (until, int(now), group, alias)).fetchall()]
    if gone:  # the newest of them alone are remembered
        execute(
            "DELETE FROM group_member WHERE mls = ? AND until != 0 AND until <="
            " (SELECT until FROM group_member WHERE mls = ? AND until != 0 ORDER BY until DESC LIMIT 1 OFFSET ?)",
            (group, group, MAX_GONE),
        )
    return [Member(*row) for row in gone]


def keep_places(execute: Execute, group: bytes, aliases: Iterable[bytes], until: int, now: float) -> list[Member]:
    """Let these places be the group's, those too that were taken away and may still read, and no others; returns those that go."""
    kept = set(aliases)
    for alias in kept:
        execute("UPDATE group_member SET until = 0 WHERE mls = ? AND alias = ?", (group, alias))
    return part_with(execute, group, {place.alias for place in members_of(execute, group)} - kept, until, now)


def forget_member(execute: Execute, group: bytes, alias: bytes, now: float) -> None:
    """Forget a place; the last one takes the group along, once nobody who was removed may read it any more."""
    execute("DELETE FROM group_member WHERE mls = ? AND alias = ?", (group, alias))
    _drop_if_empty(execute, group, now)


def _drop_if_empty(execute: Execute, group: bytes, now: float) -> None:
    if first(execute, "SELECT 1 FROM group_member WHERE mls = ? LIMIT 1", (group,)) is None:
        drop_group(execute, group, now)


def expire_places(execute: Execute, now: float, limit: int) -> int:
    """Forget some of those who were removed, when what they might read is gone too."""
    old = "SELECT mls, alias FROM group_member WHERE until != 0 AND gone <= ? LIMIT ?"
    sql = f"DELETE FROM group_member WHERE (mls, alias) IN ({old}) RETURNING mls"  # noqa: S608 - constants
    rows: list[Row] = execute(sql, (int(now) - ENTRY_LIFE, limit)).fetchall()
    for group in {row[0] for row in rows}:
        _drop_if_empty(execute, group, now)
    return len(rows)


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


def page(query: Query, row: GroupRow, after: int, limit: int = PAGE_ENTRIES) -> GroupPage:
    """The entries behind a number, as many as fit into an answer."""
    oldest = first(query, "SELECT min(seq) FROM group_entry WHERE mls = ?", (row.id,))
    answer = GroupPage(newest=row.seq, oldest=row.seq + 1 if oldest is None or oldest[0] is None else oldest[0], epoch=row.epoch)
    last = _last_of_page(query, row, after, max(1, min(limit, PAGE_ENTRIES)))
    sql = "SELECT seq, kind, epoch, at, message FROM group_entry WHERE mls = ? AND seq > ? AND seq <= ? ORDER BY seq"
    for seq, kind, of, at, message in query(sql, (row.id, after, last)):
        answer.entries.append(GroupEntry(seq=seq, kind=kind, epoch=of, at=at, message=message))
    return answer


def _last_of_page(query: Query, row: GroupRow, after: int, limit: int) -> int:
    """The last entry that fits into an answer, by the sizes alone: 256 messages may be sixteen megabytes."""
    room, last = PAGE_BYTES, after
    sql = "SELECT seq, length(message) FROM group_entry WHERE mls = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
    for seq, size in query(sql, (row.id, after, row.seq, limit)):
        room -= size + 64
        if room < 0 and last > after:
            break
        last = seq
    return last


def load_of(query: Query, group: bytes) -> int:
    """Bytes in a group's log."""
    row = first(query, "SELECT bytes FROM group_load WHERE mls = ?", (group,))
    return int(row[0]) if row else 0


def expire_entries(execute: Execute, now: float, limit: int) -> int:
    """Forget some of the entries whose time is over."""
    sql = "DELETE FROM group_entry WHERE id IN (SELECT id FROM group_entry WHERE at <= ? LIMIT ?) RETURNING seq"
    return len(execute(sql, (int(now) - ENTRY_LIFE, limit)).fetchall())


# ---- what joiners are given


def keep_record(execute: Execute, group: bytes, record: GroupRecord) -> None:
    """Replace what is handed to joiners."""
    sql = "INSERT INTO group_record (mls, record) VALUES (?, ?) ON CONFLICT (mls) DO UPDATE SET record = excluded.record"
    execute(sql, (group, record.SerializeToString()))


def record_of(query: Query, group: bytes) -> GroupRecord:
    """What is handed to joiners, whole."""
    row = first(query, "SELECT record FROM group_record WHERE mls = ?", (group,))
    return GroupRecord.FromString(row[0]) if row else GroupRecord()


def info_piece(query: Query, row: GroupRow, offset: int) -> GroupInfoPiece:
    """A piece of it."""
    sql = "SELECT length(record), substr(record, CAST(? AS INTEGER), CAST(? AS INTEGER)) FROM group_record WHERE mls = ?"
    total, piece = first(query, sql, (offset + 1, PIECE_BYTES, row.id)) or (0, b"")
    return GroupInfoPiece(epoch=row.epoch, term=row.term, seq=row.began, mode=row.mode, total=total, piece=piece)
