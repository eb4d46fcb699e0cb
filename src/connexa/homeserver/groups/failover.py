"""A hub's place taken by a fallback, when the hub is silent and half of the group's admins say so (groups §5.12).

The hub enrols its fallbacks and sends them heartbeats. A take-over is a record that admins have signed, with the state that the group
goes on from; it counts the term up. Admins bring their signatures one by one, and the fallback keeps them for an hour: those of one epoch
sign the same bytes. Whoever shows the record to the old hub ends the group there: what that took since is void.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from connexa.errors import IntegrityError
from connexa.homeserver.groups.assisted import begin
from connexa.homeserver.groups.commits import Taken, admins_of, announce_standby
from connexa.homeserver.groups.ledger import (
    GroupRow,
    Member,
    clear_group,
    drop_group,
    group_of,
    insert_group,
    keep_record,
    put_member,
)
from connexa.homeserver.groups.refusals import HubRefused, unknown_group
from connexa.homeserver.groups.requests import MAX_EPOCH, check_state
from connexa.homeserver.groups.waiting import put_news
from connexa.homeserver.settings import LimitSettings
from connexa.homeserver.tables import Query, first
from connexa.identity import (
    CLOCK_SKEW,
    Domain,
    GroupAdmins,
    beats,
    read_admins,
    read_take_over,
    signed_offer,
    signed_record,
    verify_admins,
    verify_first_admins,
    verify_take_over,
)
from connexa.store import Execute, Row
from connexa.wire import MAX_FRAME, malformed, parse
from connexa.wire.v1.groups_pb2 import (
    AdminSignature,
    GroupMode,
    GroupNews,
    GroupOffered,
    GroupRecord,
    GroupStandby,
    GroupState,
    GroupStored,
    GroupTakeOver,
    SignedAdmins,
    TakeOver,
)

__all__ = [
    "SILENCE_SECONDS",
    "Failover",
    "expire_offers",
    "expire_standbys",
    "fallbacks",
    "heard_of_hub",
    "moved",
    "note_hub",
    "stands_by_for",
]

SILENCE_SECONDS: Final = 600  # for each place in the order of fallbacks
MAX_STANDBYS: Final = 10_000  # of one hub
STANDBY_LIFE: Final = 90 * 86_400  # after the hub's last word
OFFER_LIFE: Final = 3_600  # an old word of admins does not lead a group back to where it was


@dataclass(frozen=True, slots=True)
class _Standby:
    """A group that this homeserver would take over."""

    hub: Domain
    term: int
    signed: SignedAdmins
    admins: GroupAdmins


class Failover:
    """Standbys, take-overs and their ends, inside operations of the writer."""

    def __init__(self, domain: Domain, limits: LimitSettings) -> None:
        self._domain = domain
        self._limits = limits

    def enrol(self, execute: Execute, hub: Domain, standby: GroupStandby, now: float) -> None:
        """A hub says that this homeserver is a fallback of one of its groups; what it said before must lead to what it says now."""
        if standby.ended:
            _stand_down(execute, standby.group, hub)
            return
        row = group_of(execute, standby.group)
        if row is not None and not row.moved:
            raise unknown_group()  # it is kept here, whatever another domain says
        known = _standby_of(execute, standby.group, hub)
        if known is None:
            count = first(execute, "SELECT count(*) FROM group_standby WHERE hub = ?", (hub,))
            if count is not None and count[0] >= MAX_STANDBYS:
                raise HubRefused("group.full", "This homeserver stands by for too many groups of that hub.")
            admins = verify_first_admins(standby.admins, standby.group)
        elif known.term != standby.term:
            raise unknown_group()
        else:
            admins = verify_admins(standby.admins, standby.group, known.admins)
        if self._domain not in admins.fallback_hubs:
            _stand_down(execute, standby.group, hub)
        elif known is None or admins != known.admins:
            signed = standby.admins.SerializeToString()
            execute(
                "INSERT INTO group_standby (mls, hub, term, admins) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (mls, hub) DO UPDATE SET term = excluded.term, admins = excluded.admins",
                (standby.group, hub, standby.term, signed),
            )
            _forget_offers(execute, standby.group, hub)  # keys that have signed may be no admins' any more
            note_hub(execute, hub, int(now))

    def take_over(self, execute: Execute, group: bytes, record: GroupTakeOver, now: float) -> Taken:
        """Become the hub, or stop being it, as a record says that holds."""
        read = read_take_over(record)
        if read.group != group or max(read.epoch, read.seq, read.term) >= MAX_EPOCH:
            raise malformed("a take-over is of another group, or counts too far")
        if read.hub == self._domain:
            return self._become(execute, record, read, now)
        heard = self.heard_of(execute, record, now)
        if not heard:
            raise unknown_group()
        return Taken(GroupStored(seq=read.seq, epoch=read.epoch))

    def heard_of(self, execute: Execute, record: GroupTakeOver, now: float) -> bool:
        """Another hub has taken over: end the group here, or stand by for the new hub; False where the group is not known.

        Each is held against the admins that are known for it, so what some domain has said of the group keeps nobody from ending it.
        """
        read, done, refused = read_take_over(record), False, None
        for take in (self._end, self._follow):
            try:
                done |= take(execute, record, read, now)
            except IntegrityError as error:
                refused = error
        if refused is not None and not done:
            raise refused
        return done

    def _end(self, execute: Execute, record: GroupTakeOver, read: TakeOver, now: float) -> bool:
        """End the group here, if it is here."""
        row = group_of(execute, read.group)
        if row is None:
            return False
        signed = signed_record(record, admins_of(row))
        newest = row.moved or row.took
        if beats(read, read_take_over(GroupTakeOver.FromString(newest))) if newest else read.term > row.term:
            clear_group(execute, row.id)
            execute("UPDATE mls_group SET moved = ? WHERE id = ?", (signed.SerializeToString(), row.id))
        return True

    def _follow(self, execute: Execute, record: GroupTakeOver, read: TakeOver, now: float) -> bool:
        """Stand by for the new hub, if this homeserver did so for the old one."""
        standby = _standby_of(execute, read.group, Domain(read.old_hub))
        if standby is None:
            return False
        verify_take_over(record, standby.admins)
        if read.term > standby.term:
            moved_on = "UPDATE OR IGNORE group_standby SET hub = ?, term = ? WHERE mls = ? AND hub = ?"
            execute(moved_on, (read.hub, read.term, read.group, read.old_hub))
            _stand_down(execute, read.group, Domain(read.old_hub))  # the new hub may have been first to say so
            note_hub(execute, read.hub, int(now))
        return True

    def _become(self, execute: Execute, record: GroupTakeOver, read: TakeOver, now: float) -> Taken:
        row = group_of(execute, read.group)
        if row is not None and not row.moved:
            if row.took and GroupTakeOver.FromString(row.took).body == record.body:
                return Taken(GroupStored(seq=row.seq, epoch=row.epoch))
            raise moved(row, read.term - 1) or HubRefused("group.exists", "This homeserver is the group's hub already.")
        standby = _standby_of(execute, read.group, Domain(read.old_hub))
        if standby is None:
            raise unknown_group()
        signed = signed_offer(record, standby.admins)
        if read.term != standby.term + 1:
            raise HubRefused("group.wrong_term", "The take-over is of another term.", term=standby.term)
        state = parse(GroupState, record.state, MAX_FRAME)
        check_state(state, record.sealed)
        if len(state.places) > self._limits.group_members:
            raise HubRefused("group.full", f"This homeserver keeps groups of at most {self._limits.group_members} devices.")
        whole = _with_others(execute, read.group, standby.hub, signed, now)
        count, wait = len(whole.signatures), 0 if read.planned else self._wait(execute, standby, now)
        if count < standby.admins.needed or wait:
            return Taken(GroupStored(), offered=GroupOffered(signed=count, needed=standby.admins.needed, wait=wait))
        drop_group(execute, read.group, now)
        return self._install(execute, standby, whole.SerializeToString(), read, state, record.sealed, now)

    def _wait(self, query: Query, standby: _Standby, now: float) -> int:
        """Each fallback waits longer than the one before it, from the last word of the hub on; returns the seconds that are left."""
        turn = standby.admins.fallback_hubs.index(self._domain) + 1
        return max(0, math.ceil(heard_of_hub(query, standby.hub) + SILENCE_SECONDS * turn - now))

    def _install(
        self, execute: Execute, standby: _Standby, proof: bytes, read: TakeOver, state: GroupState, sealed: bytes, now: float
    ) -> Taken:
        signed = standby.signed.SerializeToString()
        row = GroupRow(read.group, read.mode, read.term, read.epoch, int(now), read.seq, read.seq, state.join_hash, signed, took=proof)
        insert_group(execute, row)
        members = [Member.of(place) for place in state.places]
        for member in members:
            put_member(execute, row.id, member)
        record_now = GroupRecord(sealed=sealed)
        if read.mode == GroupMode.GROUP_MODE_ASSISTED:
            record_now = begin(execute, row.id, row.epoch, sealed, state.group_info, now)
        keep_record(execute, row.id, record_now)
        for table in ("group_standby", "group_offer"):
            execute(f"DELETE FROM {table} WHERE mls = ?", (row.id,))  # noqa: S608 - one of two names
        told = {str(standby.hub), *(str(hub) for hub in standby.admins.fallback_hubs if hub != self._domain)}
        for hub in told:
            put_news(execute, hub, GroupNews(moved=[GroupTakeOver.FromString(proof)]), now)
        told |= announce_standby(execute, self._domain, row, standby.admins, standby.signed, now)
        return Taken(GroupStored(seq=row.seq, epoch=row.epoch), tell=members, domains=told)


def moved(row: GroupRow, term: int) -> HubRefused | None:
    """What is said to somebody who asks for this term of a group: where it is now; None where this is the hub, and of that term."""
    if row.moved:
        record = GroupTakeOver.FromString(row.moved)
    elif term < row.term:
        record = GroupTakeOver.FromString(row.took)
    else:
        if term > row.term:
            return HubRefused("group.wrong_term", "This homeserver has not heard of that term.", term=row.term)
        return None
    read = read_take_over(record)
    return HubRefused("group.moved", "Another hub has taken over.", hub=read.hub, term=read.term, moved=record)


def fallbacks(query: Query) -> list[Domain]:
    """The domains that stand by for groups of this hub."""
    return [Domain(row[0]) for row in query("SELECT DISTINCT domain FROM group_fallback", ())]


def stands_by_for(query: Query, hub: Domain) -> bool:
    """Whether this homeserver is a fallback of a hub."""
    return first(query, "SELECT 1 FROM group_standby WHERE hub = ? LIMIT 1", (hub,)) is not None


def heard_of_hub(query: Query, hub: Domain) -> int:
    """When a hub was last heard of."""
    row = first(query, "SELECT at FROM hub_seen WHERE hub = ?", (hub,))
    return int(row[0]) if row else 0


def note_hub(execute: Execute, hub: str, at: int) -> None:
    """A hub was heard of then."""
    sql = "INSERT INTO hub_seen (hub, at) VALUES (?, ?) ON CONFLICT (hub) DO UPDATE SET at = excluded.at WHERE hub_seen.at < excluded.at"
    execute(sql, (hub, at))


def expire_standbys(execute: Execute, now: float, limit: int) -> int:
    """Forget some of the groups of hubs that have been silent for so long that nobody will take them over any more."""
    silent: list[Row] = execute("SELECT hub FROM hub_seen WHERE at <= ? LIMIT 1", (int(now) - STANDBY_LIFE,)).fetchall()
    gone = 0
    for (hub,) in silent:
        sql = "DELETE FROM group_standby WHERE hub = ? AND mls IN (SELECT mls FROM group_standby WHERE hub = ? LIMIT ?) RETURNING mls"
        gone = len(execute(sql, (hub, hub, limit)).fetchall())
        if gone < limit:
            execute("DELETE FROM hub_seen WHERE hub = ?", (hub,))
    return limit if silent else 0


def expire_offers(execute: Execute, now: float, limit: int) -> int:
    """Forget some of what admins have signed and nobody has added to."""
    sql = "DELETE FROM group_offer WHERE (mls, hub, key) IN (SELECT mls, hub, key FROM group_offer WHERE at <= ? LIMIT ?) RETURNING at"
    return len(execute(sql, (int(now) - OFFER_LIFE, limit)).fetchall())


def _standby_of(query: Query, group: bytes, hub: Domain) -> _Standby | None:
    row = first(query, "SELECT term, admins FROM group_standby WHERE mls = ? AND hub = ?", (group, hub))
    if row is None:
        return None
    signed = SignedAdmins.FromString(row[1])
    return _Standby(hub, row[0], signed, read_admins(signed, group))


def _stand_down(execute: Execute, group: bytes, hub: Domain) -> None:
    execute("DELETE FROM group_standby WHERE mls = ? AND hub = ?", (group, hub))
    _forget_offers(execute, group, hub)


def _forget_offers(execute: Execute, group: bytes, hub: Domain) -> None:
    execute("DELETE FROM group_offer WHERE mls = ? AND hub = ?", (group, hub))


def _with_others(execute: Execute, group: bytes, hub: Domain, offer: GroupTakeOver, now: float) -> GroupTakeOver:
    """A take-over with all that admins have signed of it in the last hour; each key's newest word counts, whoever brings an older one."""
    since = int(now) - OFFER_LIFE
    for one in offer.signatures:
        if since < one.at <= now + CLOCK_SKEW:
            execute(
                "INSERT INTO group_offer (mls, hub, key, body, signature, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (mls, hub, key)"
                " DO UPDATE SET body = excluded.body, signature = excluded.signature, at = excluded.at WHERE excluded.at >= group_offer.at",
                (group, hub, one.key, offer.body, one.signature, one.at),
            )
    sql = "SELECT key, signature, at FROM group_offer WHERE mls = ? AND hub = ? AND body = ? AND at > ? ORDER BY key"
    found: list[Row] = execute(sql, (group, hub, offer.body, since)).fetchall()
    signatures = [AdminSignature(key=key, signature=signature, at=at) for key, signature, at in found]
    return GroupTakeOver(body=offer.body, signatures=signatures)
