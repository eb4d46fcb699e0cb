"""Commit bundles: taken whole in one operation, or not at all (groups §5.2).

The epoch is compared and swapped, the commit appended, places changed, the Welcome split, the record for joiners replaced. Of two
bundles for one epoch exactly one wins; the loser hears what it has missed. The same commit sent again has the same answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from connexa.crypto import equal, sha256
from connexa.errors import RefusedError
from connexa.homeserver.groups.assisted import begin, follow_commit
from connexa.homeserver.groups.headers import Header, check_welcome, read_header
from connexa.homeserver.groups.ledger import (
    ALL_GROUPS,
    GroupRow,
    Member,
    append,
    group_of,
    insert_group,
    is_going,
    keep_record,
    load_of,
    member_of,
    members_of,
    page,
    part_with,
    put_member,
    stored_entry,
)
from connexa.homeserver.groups.refusals import HubRefused, not_allowed, unknown_group
from connexa.homeserver.groups.rejects import go_back
from connexa.homeserver.groups.waiting import check_news_room, put_news, put_welcomes
from connexa.homeserver.limits import RateTable
from connexa.homeserver.settings import LimitSettings
from connexa.homeserver.tables import Query
from connexa.identity import GroupAdmins, read_admins, verify_admins
from connexa.store import Execute, Row
from connexa.wire import malformed
from connexa.wire.v1.groups_pb2 import (
    GroupBundle,
    GroupCreate,
    GroupEntryKind,
    GroupMode,
    GroupNews,
    GroupOffered,
    GroupRecord,
    GroupStandby,
    GroupStored,
    SignedAdmins,
)

__all__ = ["Asked", "Bundles", "Taken", "admins_of", "announce_standby", "check_room", "right_of", "wrong_epoch"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks: from which domain, and by which right."""

    domain: str
    now: float
    token_hash: bytes = b""  # of a member
    join_hash: bytes = b""  # of the join key that was shown


@dataclass(slots=True)
class Taken:
    """What an operation has done, and whom to tell once it is committed."""

    stored: GroupStored
    tell: list[Member] = field(default_factory=list)
    domains: set[str] = field(default_factory=set)  # for which there are news that must not be lost
    offered: GroupOffered | None = None  # a take-over that is not done yet


class Bundles:
    """Takes bundles, inside operations of the writer."""

    def __init__(self, domain: str, limits: LimitSettings) -> None:
        self._domain = domain
        self._limits = limits
        self._adds: RateTable[bytes] = RateTable(lambda: limits.group_adds_per_day, seconds=86_400)

    def create(self, execute: Execute, group: bytes, asked: Asked, create: GroupCreate) -> Taken:
        """Store a new group; the same one again has the same answer."""
        first, own = create.first, Member.of(create.first.own)
        if own.domain != asked.domain:
            raise not_allowed("A place is at the homeserver of whoever asks.")
        if (known := group_of(execute, group)) is not None:
            if known.seq == 0 and member_of(execute, group, own.token_hash) == own:
                return Taken(GroupStored(seq=0, epoch=known.epoch))
            raise HubRefused("group.exists", "There is a group of that id.")
        if is_going(execute, group):
            raise HubRefused("group.exists", "There was a group of that id.")
        admins = verify_admins(first.admins, group)
        signed = first.admins.SerializeToString()
        row = GroupRow(group, create.mode, 0, first.epoch, int(asked.now), 0, 0, first.join_hash, signed)
        record = GroupRecord(sealed=first.sealed)
        if create.mode == GroupMode.GROUP_MODE_ASSISTED:
            record = begin(execute, group, first.epoch, first.sealed, first.group_info, asked.now)
        check_room(execute, row, record.ByteSize(), self._limits)
        insert_group(execute, row)
        put_member(execute, group, own)
        keep_record(execute, group, record)
        taken = Taken(GroupStored(seq=0, epoch=first.epoch))
        check_news_room(execute, self._domain, admins.fallback_hubs, len(signed), self._limits)
        taken.domains |= announce_standby(execute, self._domain, row, admins, first.admins, asked.now)
        return taken

    def commit(self, execute: Execute, row: GroupRow, asked: Asked, bundle: GroupBundle) -> Taken:
        """Take one bundle for the epoch that follows, or say why not."""
        commit_id = sha256(bundle.commit)
        if (known := stored_entry(execute, row.id, commit_id)) is not None:
            return Taken(GroupStored(seq=known[0], epoch=known[1] + 1))
        gone: list[Member] = []
        if bundle.HasField("reject"):
            row, gone = go_back(execute, row, admins_of(row), bundle, asked.now)
        member = right_of(execute, row, asked)
        if bundle.epoch != row.epoch:
            raise wrong_epoch(execute, row, bundle.after if member else row.seq)  # the log is for members
        _check_header(read_header(bundle.commit), row, bundle, member)
        self._check_rules(execute, row, asked, bundle, member)
        record = GroupRecord(sealed=bundle.sealed)
        if row.mode == GroupMode.GROUP_MODE_ASSISTED:
            record = follow_commit(execute, row, bundle, asked.now)
        taken = self._swap(execute, row, bundle, commit_id, asked.now)
        gone += self._change_places(execute, row, bundle, member, taken.stored.seq, asked.now)
        keep_record(execute, row.id, record)
        taken.domains |= self._hand_over_welcomes(execute, bundle, taken.stored.seq, asked.now)
        taken.domains |= self._change_admins(execute, row, bundle, asked.now)
        everybody = members_of(execute, row.id)
        own = bundle.own.alias if bundle.HasField("own") else member.alias if member else b""
        new = {add.place.alias for add in bundle.adds}
        taken.tell = [place for place in (*everybody, *gone) if place.alias != own and place.alias not in new]
        return taken

    def _check_rules(self, execute: Execute, row: GroupRow, asked: Asked, bundle: GroupBundle, member: Member | None) -> None:
        own = bundle.own if bundle.HasField("own") else None
        if own is not None and own.domain != asked.domain:
            raise not_allowed("A place is at the homeserver of whoever asks.")
        if member is None and (own is None or bundle.adds or bundle.removes or bundle.join_hash != row.join_hash):
            raise not_allowed("Who joins by a link adds nobody else and changes no link.")
        if member is None and bundle.HasField("admins"):
            raise not_allowed("Who joins by a link is no admin.")
        if bool(bundle.adds) != bool(bundle.welcome):
            raise malformed("a bundle adds somebody without a Welcome, or has one for nobody")
        if member is not None and own is None and member.alias in bundle.removes:
            raise not_allowed("Who commits stays a member.")
        self._check_places(execute, row, bundle, member)
        check_room(execute, row, len(bundle.commit), self._limits)
        if bundle.adds and not self._adds.take(row.id, asyncio.get_running_loop().time(), len(bundle.adds)):
            raise RefusedError("rate.limited", "Too many devices are added to this group.", retryable=True)

    def _check_places(self, execute: Execute, row: GroupRow, bundle: GroupBundle, member: Member | None) -> None:
        """Nobody takes another's place but where that one is removed, and there is room for everybody."""
        gone = {*bundle.removes, member.alias if member and bundle.HasField("own") else b""}
        everybody = members_of(execute, row.id)
        others = [place for place in everybody if place.alias not in gone]
        taken = {place.alias for place in others} | {place.token_hash for place in others}
        new = [*(add.place for add in bundle.adds), *([bundle.own] if bundle.HasField("own") else [])]
        if any(place.alias in taken or place.token_hash in taken for place in new):
            raise not_allowed("Somebody else has that place.")
        most = self._limits.group_members if row.mode == GroupMode.GROUP_MODE_ASSISTED else self._limits.blind_group_members
        if len(others) + len(new) > max(most, len(everybody)):  # one that came from a larger hub may go on, and shrink
            raise HubRefused("group.full", f"This homeserver keeps groups of at most {most} devices.")

    def _swap(self, execute: Execute, row: GroupRow, bundle: GroupBundle, commit_id: bytes, now: float) -> Taken:
        swapped: list[Row] = execute(
            "UPDATE mls_group SET epoch = epoch + 1, epoch_at = ?, began = seq + 1, join_hash = ? WHERE id = ? AND epoch = ?"
            " RETURNING epoch",
            (int(now), bundle.join_hash, row.id, bundle.epoch),
        ).fetchall()
        if len(swapped) != 1:
            raise wrong_epoch(execute, row, bundle.after)
        seq = append(execute, row, GroupEntryKind.GROUP_ENTRY_COMMIT, bundle.epoch, commit_id, bundle.commit, now)
        return Taken(GroupStored(seq=seq, epoch=swapped[0][0]))

    def _change_places(
        self, execute: Execute, row: GroupRow, bundle: GroupBundle, member: Member | None, seq: int, now: float
    ) -> list[Member]:
        """Who is a member from this entry on; returns those who are none any more."""
        gone = part_with(execute, row.id, bundle.removes, seq, now)
        if bundle.HasField("own"):
            put_member(execute, row.id, Member.of(bundle.own), instead_of=member)
        for add in bundle.adds:
            put_member(execute, row.id, Member.of(add.place))
        return gone

    def _hand_over_welcomes(self, execute: Execute, bundle: GroupBundle, seq: int, now: float) -> set[str]:
        if not bundle.adds:
            return set()
        check_welcome(bundle.welcome, [add.ref for add in bundle.adds])
        domains = {add.place.domain for add in bundle.adds}
        check_news_room(execute, self._domain, domains, bundle.ByteSize(), self._limits)
        put_welcomes(execute, bundle.welcome, bundle.adds, seq, now)
        return domains

    def _change_admins(self, execute: Execute, row: GroupRow, bundle: GroupBundle, now: float) -> set[str]:
        if not bundle.HasField("admins"):
            return set()
        current = admins_of(row)
        admins = verify_admins(bundle.admins, row.id, current)
        if admins == current:
            return set()  # who signed it is known already
        signed = bundle.admins.SerializeToString()
        check_news_room(execute, self._domain, admins.fallback_hubs, len(signed), self._limits)
        execute("UPDATE mls_group SET admins = ? WHERE id = ?", (signed, row.id))
        return announce_standby(execute, self._domain, row, admins, bundle.admins, now)


def admins_of(row: GroupRow) -> GroupAdmins:
    """The group's current admins."""
    return read_admins(SignedAdmins.FromString(row.admins), row.id)


def announce_standby(execute: Execute, own: str, row: GroupRow, admins: GroupAdmins, signed: SignedAdmins, now: float) -> set[str]:
    """Tell every fallback hub, and those that are none any more, who may call it; returns their domains."""
    rows: list[Row] = execute("DELETE FROM group_fallback WHERE mls = ? RETURNING domain", (row.id,)).fetchall()
    gone = {str(domain) for (domain,) in rows}
    others = {str(hub) for hub in admins.fallback_hubs if hub != own}
    for hub in others:
        execute("INSERT INTO group_fallback (mls, domain) VALUES (?, ?)", (row.id, hub))
    for hub in others | gone:
        put_news(execute, hub, GroupNews(standbys=[GroupStandby(group=row.id, term=row.term, admins=signed)]), now)
    return others | gone


def wrong_epoch(query: Query, row: GroupRow, after: int) -> HubRefused:
    """Another commit was first: the current epoch, and what the loser has missed."""
    return HubRefused("group.wrong_epoch", "Another commit was first.", retryable=True, epoch=row.epoch, entries=page(query, row, after))


def right_of(query: Query, row: GroupRow, asked: Asked) -> Member | None:
    """The member that asks; None for somebody with the join key."""
    if asked.token_hash:
        member = member_of(query, row.id, asked.token_hash)
        if member is not None and member.domain == asked.domain:
            return member
    elif asked.join_hash and row.join_hash and equal(asked.join_hash, row.join_hash):
        return None
    raise unknown_group()


def check_room(query: Query, row: GroupRow, size: int, limits: LimitSettings) -> None:
    """Refuse what the group's log, or the logs of all groups, have no room for."""
    if load_of(query, row.id) + size > limits.group_bytes or load_of(query, ALL_GROUPS) + size > limits.groups_bytes:
        raise HubRefused("group.full", "There is no room in the log of this group.", retryable=True)


def _check_header(header: Header, row: GroupRow, bundle: GroupBundle, member: Member | None) -> None:
    """Hold the commit's open part against the bundle: whom it is of, and that nobody but a joiner commits from outside."""
    if (header.group, header.epoch, header.kind) != (row.id, bundle.epoch, GroupEntryKind.GROUP_ENTRY_COMMIT):
        raise HubRefused("group.invalid_commit", "The commit is of another group or epoch, or none.")
    if member is None and not header.joining:
        raise not_allowed("Who joins by a link commits from outside.")
    if not header.joining and header.private != (row.mode == GroupMode.GROUP_MODE_BLIND):
        raise not_allowed("Handshakes are private where the hub is blind, and public where it assists.")
