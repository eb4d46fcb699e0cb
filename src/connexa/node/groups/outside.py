"""Coming in from outside, by an external commit: with a link, or again after this device has lost the group's state.

What stands beside the epoch at the hub is opened with the room key, checked like a Welcome, and joined; the leaf that had this place goes
in the same commit, be it this device's own old one or that of the lost device whose backup was restored here. The commit is stored before
it is sent (`arrivals`); the group is as it was until the hub has taken it.
"""

from __future__ import annotations

import functools
from dataclasses import replace

from connexa.content import GroupPerson, MemberCard, RoomRecord, SharedChange, SharedState, write_state
from connexa.crypto import sha256
from connexa.errors import RefusedError
from connexa.identity import Domain
from connexa.mls.group import Group
from connexa.mls.store import MemoryStore
from connexa.node.account import Account
from connexa.node.group_calls import Asker, GroupAt, GroupInfo, GroupMoved, WrongEpoch, fetch_info, submit_commit
from connexa.node.groups.acts import check_act
from connexa.node.groups.arrivals import Arrival, arrival_of, drop_arrival, keep_arrival
from connexa.node.groups.book import AUTHENTICATION, RULES, GroupRow, Parts, changed, end_group, group_of
from connexa.node.groups.cards import alias_of, by_signature_key, device_of
from connexa.node.groups.choices import choose, has_accepted
from connexa.node.groups.commits import join_hash
from connexa.node.groups.joining import check_members
from connexa.node.groups.mending import check_record
from connexa.node.groups.missed import ask_for_what_lacks
from connexa.node.groups.pool import card_for, make_key_package
from connexa.node.groups.records import believed_record, leaves_beside
from connexa.node.groups.rules import Act, Removal, person_in, state_after
from connexa.node.groups.sealing import EPOCH_GIVES, next_room_key, outside_key, seal_change, seal_record
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, first
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupPlace

__all__ = ["come_in"]

TRIES = 8


async def come_in(home: Home, account: Account, ask: Asker, number: int) -> None:
    """Join from outside; where another commit is first, once more from the epoch that it has begun."""
    for _ in range(TRIES):
        row = group_of(home.database.read, number)
        join_key, room_keys = _keys(home, row)
        at = GroupAt(Domain(row.hub), row.public, row.term, token=b"" if join_key else row.token, join_key=join_key)
        arrival = arrival_of(home.database.read, number)
        if arrival is None and row.state is GroupStanding.LEAVING and not row.raw_shared:  # it has left before it was in
            await home.change(lambda execute, gone=row: end_group(execute, home, account, gone, GroupStanding.LEFT))  # type: ignore[misc]
            return
        if arrival is None:
            info = await fetch_info(ask, at)
            make = functools.partial(_prepare, home=home, account=account, row=row, info=info, room_keys=room_keys)
            arrival = await home.change(make)
        try:
            stored = await submit_commit(ask, at, GroupBundle.FromString(arrival.bundle))
        except GroupMoved:
            raise
        except RefusedError as error:
            if not error.retryable or isinstance(error, WrongEpoch):
                await home.change(lambda execute: drop_arrival(execute, number))
            if not isinstance(error, WrongEpoch):
                raise
            continue
        await home.change(lambda execute, seq=stored.seq: _keep(execute, home, account, number, seq))  # type: ignore[misc]
        return
    raise RefusedError("group.busy", "The group went on each time that this device tried to come in.", retryable=True)


def _prepare(execute: Execute, home: Home, account: Account, row: GroupRow, info: GroupInfo, room_keys: list[bytes]) -> Arrival:
    record = believed_record(execute, home, account, row, info.record.sealed, room_keys)
    if row.disputed:
        check_record(row, record.state)
    arrival = _Entry(home, account, row, record.state).make(record, info.epoch)
    keep_arrival(execute, row.id, arrival)
    return arrival


def _keys(home: Home, row: GroupRow) -> tuple[bytes, list[bytes]]:
    """The join key and room key of the link by which one comes; a member has room keys alone: its epoch may have become void."""
    sql = "SELECT subject, content FROM group_wish WHERE mls_group = ? AND kind = 'join'"
    link = first(home.database.read, sql, (row.id,))
    if link:
        return link[0], [link[1]]
    return b"", [row.shared.room_key, *([row.room_key_before] if row.room_key_before else [])]


class _Entry:
    """One try: the external commit and the group that it begins."""

    def __init__(self, home: Home, account: Account, row: GroupRow, before: SharedState) -> None:
        self._home = home
        self._account = account
        self._row = row
        self._before = before

    def make(self, record: RoomRecord, epoch: int) -> Arrival:
        """The bundle for the hub, and the group as it is once that has taken it."""
        home, account, row, before = self._home, self._account, self._row, self._before
        package, proof, _ = make_key_package(home, account, row.alias)
        card = card_for(account, package, proof, row.token)
        act = self._act(card)
        check_act(act, before)
        after = state_after(before, act, room_key=EPOCH_GIVES)
        sealed = seal_change(outside_key(before.room_key), row.public, act.change, home.rng)
        group, staged = Group.external_join(
            record.group_info,
            package,
            auth=AUTHENTICATION,
            store=MemoryStore(),
            resync_leaf=self._old_leaf(record, act),
            aad=sealed,
            rules=RULES,
            now=int(home.clock()),
            rng=home.rng,
        )
        room_key = next_room_key(staged, row.public) if act.sheds else before.room_key
        after = replace(after, room_key=room_key)
        bundle = GroupBundle(
            epoch=epoch,
            commit=staged.commit,
            sealed=seal_record(room_key, row.public, RoomRecord(staged.group_info, after), home.rng),
            own=GroupPlace(domain=account.address.domain, alias=row.alias, token_hash=sha256(row.token)),
            join_hash=join_hash(after),
        )
        group.merge(staged, now=int(home.clock()))
        check_members(group, after, account)
        return Arrival(bundle.SerializeToString(), group.dump(), write_state(after))

    def _act(self, card: MemberCard) -> Act:
        account, before = self._account, self._before
        old = [one for one in before.cards if one.user == account.user_id and alias_of(one) == self._row.alias]
        if any(device_of(one) == account.device and one not in old for one in before.cards):
            raise RefusedError("group.busy", "Another own device has just brought this one in.", retryable=True)  # by a Welcome
        people: tuple[GroupPerson, ...] = ()
        if person_in(before, account.user_id) is None:
            people = (GroupPerson(account.user_id, account.address, account.user.packet, account.attestation),)
        removed = tuple(Removal(one, account.user_id) for one in old)
        return Act(account.user_id, True, (card,), removed, SharedChange(people=people, cards=(card,)), account.device)

    def _old_leaf(self, record: RoomRecord, act: Act) -> int | None:
        """The leaf that had this place, by its keys in the tree beside the epoch."""
        if not act.removed:
            return None
        key = next(iter(by_signature_key(one.card for one in act.removed)))
        return next((leaf for leaf, signs in leaves_beside(record).items() if signs == key), None)


def _keep(execute: Execute, home: Home, account: Account, number: int, seq: int) -> None:
    """The hub has taken it: the group is ours."""
    row, arrival = group_of(execute, number), arrival_of(execute, number)
    if arrival is None:
        return  # the group went to another hub meanwhile, or a Welcome was first
    drop_arrival(execute, number)
    execute("DELETE FROM group_part WHERE account = ? AND public = ?", (account.id, row.public))
    mls = Group.load(arrival.mls, auth=AUTHENTICATION, store=Parts(execute, account.id), rules=RULES, rng=home.rng)
    execute("DELETE FROM group_wish WHERE mls_group = ? AND kind = 'join'", (number,))
    execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (number,))
    execute("DELETE FROM group_outbox WHERE mls_group = ? AND said = x''", (number,))
    execute("DELETE FROM group_said WHERE mls_group = ?", (number,))  # the log is not read where it shows them
    state = row.state
    if row.state in (GroupStanding.JOINING, GroupStanding.WAITING):
        wanted = row.state is GroupStanding.JOINING or has_accepted(execute, account.id, row.public)
        state = GroupStanding.MEMBER if wanted else GroupStanding.INVITED
    execute(
        "UPDATE mls_group SET shared = ?, seq = ?, began = ?, state = ?, staged = x'', bundle = x'', staged_shared = x'',"
        " trouble = '', disputed = 0, offender = x'', room_key_before = x'', renewed = ?, said = 0 WHERE id = ?",
        (arrival.shared, seq, seq, state.value, home.clock(), number),
    )
    if row.state is GroupStanding.JOINING:
        choose(execute, home, account, row.public, accepted=True)
    elif state is not GroupStanding.INVITED:
        ask_for_what_lacks(execute, home, row, (row.term, mls.epoch))
    changed(execute, home, account, row.public, state=state.value, what="joined")
