"""Coming in from outside, by an external commit: with a link, or again after this device has lost the group's state.

What stands beside the epoch at the hub is opened with the room key, checked like a Welcome, and joined; the leaf that had this place goes
in the same commit, be it this device's own old one or that of the lost device whose backup was restored here. Nothing is stored before
the hub has taken it: where the answer is lost, it is done once more.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from connexa.content import GroupPerson, MemberCard, RoomRecord, SharedChange, SharedState, write_state
from connexa.crypto import sha256
from connexa.errors import ConnexaError, IntegrityError, RefusedError
from connexa.identity import Domain
from connexa.mls.framing import MLSMessage
from connexa.mls.group import Group
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.welcome import GroupInfo
from connexa.node.account import Account
from connexa.node.group_calls import Asker, GroupAt, WrongEpoch, fetch_info, submit_commit
from connexa.node.groups.acts import check_act
from connexa.node.groups.book import AUTHENTICATION, RULES, GroupRow, Parts, changed, group_of
from connexa.node.groups.cards import alias_of, by_signature_key, device_of
from connexa.node.groups.choices import choose, has_accepted
from connexa.node.groups.commits import join_hash
from connexa.node.groups.joining import check_members
from connexa.node.groups.mending import check_record
from connexa.node.groups.missed import ask_for_what_lacks
from connexa.node.groups.pool import SUITE, card_for, make_key_package
from connexa.node.groups.rules import Act, Removal, person_in, state_after
from connexa.node.groups.sealing import EPOCH_GIVES, next_room_key, open_record, outside_key, seal_change, seal_record
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
        info = await fetch_info(ask, at)
        record = _open(room_keys, row.public, info.record.sealed)
        if row.disputed:
            check_record(row, record.state)
        entry = _Entry(home, account, row, record.state)
        bundle = entry.make(record, info.epoch)
        try:
            stored = await submit_commit(ask, at, bundle)
        except WrongEpoch:
            continue
        await home.change(lambda execute, seq=stored.seq, done=entry: done.keep(execute, seq))  # type: ignore[misc]
        return
    raise RefusedError("group.busy", "The group went on each time that this device tried to come in.", retryable=True)


def _open(room_keys: list[bytes], group: bytes, sealed: bytes) -> RoomRecord:
    for key in room_keys[:-1]:
        with contextlib.suppress(ConnexaError):
            return open_record(key, group, sealed)
    return open_record(room_keys[-1], group, sealed)


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
        self._store = Parts(home.database.read, account.id)  # nothing is written before `keep`

    def make(self, record: RoomRecord, epoch: int) -> GroupBundle:
        """The bundle for the hub."""
        home, account, row, before = self._home, self._account, self._row, self._before
        package, proof, _ = make_key_package(home, account, row.alias)
        card = card_for(account, package, proof, row.token)
        act = self._act(card)
        check_act(act, before)
        after = state_after(before, act, room_key=EPOCH_GIVES)
        sealed = seal_change(outside_key(before.room_key), row.public, act.change, home.rng)
        self._group, self._staged = Group.external_join(
            record.group_info,
            package,
            auth=AUTHENTICATION,
            store=self._store,
            resync_leaf=self._old_leaf(record, act),
            aad=sealed,
            rules=RULES,
            now=int(home.clock()),
            rng=home.rng,
        )
        room_key = next_room_key(self._staged, row.public) if act.sheds else before.room_key
        self._after = replace(after, room_key=room_key)
        return GroupBundle(
            epoch=epoch,
            commit=self._staged.commit,
            sealed=seal_record(room_key, row.public, RoomRecord(self._staged.group_info, self._after), home.rng),
            own=GroupPlace(domain=account.address.domain, alias=row.alias, token_hash=sha256(row.token)),
            join_hash=join_hash(self._after),
        )

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
        group_info = MLSMessage.decode(record.group_info).body
        encoded = group_info.extensions.ratchet_tree if isinstance(group_info, GroupInfo) else None
        if encoded is None:
            raise IntegrityError("group.malformed", "What stands beside the epoch has no tree.")
        members = RatchetTree.decode(SUITE, encoded).members()
        return next((leaf for leaf, node in members if node.signature_key == key), None)

    def keep(self, execute: Execute, seq: int) -> None:
        """The hub has taken it: the group is ours."""
        home, account, row = self._home, self._account, self._row
        self._store.write_to(execute)
        execute("DELETE FROM group_part WHERE account = ? AND public = ?", (account.id, row.public))
        self._group.merge(self._staged, now=int(home.clock()))
        check_members(self._group, self._after, account)
        execute("DELETE FROM group_wish WHERE mls_group = ? AND kind = 'join'", (row.id,))
        execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (row.id,))
        execute("DELETE FROM group_outbox WHERE mls_group = ? AND said = x''", (row.id,))
        execute("DELETE FROM group_said WHERE mls_group = ?", (row.id,))  # the log is not read where it shows them
        state = row.state
        if row.state in (GroupStanding.JOINING, GroupStanding.WAITING):
            wanted = row.state is GroupStanding.JOINING or has_accepted(execute, account.id, row.public)
            state = GroupStanding.MEMBER if wanted else GroupStanding.INVITED
        execute(
            "UPDATE mls_group SET shared = ?, seq = ?, began = ?, state = ?, staged = x'', bundle = x'', staged_shared = x'',"
            " trouble = '', disputed = 0, offender = x'', room_key_before = x'', renewed = ?, said = 0 WHERE id = ?",
            (write_state(self._after), seq, seq, state.value, home.clock(), row.id),
        )
        if row.state is GroupStanding.JOINING:
            choose(execute, home, account, row.public, accepted=True)
        elif state is not GroupStanding.INVITED:
            ask_for_what_lacks(execute, home, row, (row.term, self._group.epoch))
        changed(execute, home, account, row.public, state=state.value, what="joined")
