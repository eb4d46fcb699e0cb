"""A commit of this device, with everything that goes to the hub in one bundle: made and stored in one operation, sent as often as it takes.

Nothing has happened before the log shows the commit (`intake`). Another commit that was first makes this one void; it is planned anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from connexa.content import GroupPerson, JoinExtra, MemberCard, RoomRecord, SharedChange, SharedState, write_state
from connexa.crypto import sha256
from connexa.errors import RefusedError
from connexa.identity import Domain
from connexa.mls.codec import decode
from connexa.mls.extensions import Extensions
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage
from connexa.mls.staged import StagedCommit
from connexa.node.account import Account
from connexa.node.groups.admins import admins_of
from connexa.node.groups.book import GroupRow, change_state, changed, group_of, open_group
from connexa.node.groups.cards import alias_of
from connexa.node.groups.joining import SHARED_STATE
from connexa.node.groups.mending import plan_mending, reject
from connexa.node.groups.pool import SUITE
from connexa.node.groups.rules import Act, Removal, group_full, person_in, state_after
from connexa.node.groups.sealing import EPOCH_GIVES, change_key, next_room_key, seal_change, seal_extra, seal_record
from connexa.node.groups.views import GroupStanding
from connexa.node.groups.wishes import Plan, due_set, leaves_of_card, plan
from connexa.node.home import Home
from connexa.store import Execute
from connexa.wire import MAX_FRAME
from connexa.wire.v1.groups_pb2 import GroupAdd, GroupBundle, GroupPlace

__all__ = ["created", "drop_commit", "first_bundle", "join_hash", "stage_commit"]

BAD_ADMINS = "group.bad_admins"
_FRAME_ROOM = 4_096  # of the frame around a bundle


def stage_commit(
    execute: Execute,
    home: Home,
    account: Account,
    number: int,
    found: Iterable[tuple[GroupPerson, tuple[MemberCard, ...]]] = (),
    own: Iterable[MemberCard] = (),
) -> bool:
    """Make the commit that is due, if there is one; what the owner wished and may not have is dropped and shown."""
    row = group_of(execute, number)
    if row.staged:
        return True
    made = plan_mending(execute, row) if row.disputed else plan(execute, home, account, row, found, own)
    if made.is_empty:
        for wish in made.wishes:  # done already, by somebody else
            execute("DELETE FROM group_wish WHERE id = ?", (wish,))
        return False
    execute("SAVEPOINT staging")
    try:
        _stage(execute, home, account, row, made)
    except RefusedError as error:
        execute("ROLLBACK TO staging")
        execute("RELEASE staging")
        for wish in made.wishes:
            execute("DELETE FROM group_wish WHERE id = ?", (wish,))
        changed(execute, home, account, row.public, refused=error.code)
        return False
    execute("RELEASE staging")
    return True


def _stage(execute: Execute, home: Home, account: Account, row: GroupRow, made: Plan) -> None:
    group, before = open_group(execute, home, row), row.shared
    tokens = {alias_of(card): home.rng(32) for card in made.cards}
    made.cards = [replace(card, token_hash=sha256(tokens[alias_of(card)])) for card in made.cards]
    act = _act(account, made, made.change, row.offender)
    after = state_after(before, act, room_key=EPOCH_GIVES)
    if (admins := due_set(home, account, row, after)) is not None:
        act = replace(act, change=replace(act.change, admins=admins))
        after = state_after(before, act, room_key=EPOCH_GIVES)
    staged = group.commit(
        add=[decode(KeyPackage.read, card.key_package) for card in made.cards],
        remove=leaves_of_card(group, made.removes),
        by_ref=list(made.by_ref),
        force_path=made.renew or not made.cards,
        welcome_extensions=Extensions(((SHARED_STATE, write_state(after)),)),
        aad=seal_change(change_key(group), group.group_id, act.change, home.rng),
        now=int(home.clock()),
    )
    if act.sheds:
        after = replace(after, room_key=next_room_key(staged, group.group_id))
    bundle = _bundle(home, row, group, staged, after, act, tokens)
    if bundle.ByteSize() > MAX_FRAME - _FRAME_ROOM:
        raise group_full()
    execute(
        "UPDATE mls_group SET staged = ?, bundle = ?, staged_shared = ? WHERE id = ?",
        (group.dump_staged(staged), bundle.SerializeToString(), write_state(after), row.id),
    )
    for wish in made.wishes:
        execute("UPDATE group_wish SET staged = 1 WHERE id = ?", (wish,))


def _act(account: Account, made: Plan, change: SharedChange, offender: bytes) -> Act:
    by_self = [Removal(card, card.user if card.user == offender else account.user_id) for card in made.removes]
    by_ref = [Removal(card, card.user) for card in made.by_ref.values()]
    return Act(account.user_id, False, tuple(made.cards), (*by_self, *by_ref), change, account.device)


def _bundle(
    home: Home, row: GroupRow, group: Group, staged: StagedCommit, after: SharedState, act: Act, tokens: Mapping[bytes, bytes]
) -> GroupBundle:
    adds = []
    for card in act.added:
        token, person = tokens[alias_of(card)], person_in(after, card.user)
        package = decode(KeyPackage.read, card.key_package)
        place = GroupPlace(domain=person.address.domain if person else "", alias=alias_of(card), token_hash=card.token_hash)
        extra = seal_extra(package.init_key, row.public, JoinExtra(token, Domain(row.hub), row.term))
        adds.append(GroupAdd(place=place, ref=package.ref(SUITE), extra=extra))
    record = RoomRecord(staged.group_info, after)
    return GroupBundle(
        epoch=group.epoch,
        commit=staged.commit,
        welcome=staged.welcome or b"",
        sealed=seal_record(after.room_key, row.public, record, home.rng),
        adds=adds,
        removes=[] if row.disputed else [alias_of(one.card) for one in act.removed],
        join_hash=join_hash(after),
        admins=act.change.admins,
        after=row.seq,
        reject=reject(row, staged.commit, after) if row.disputed else None,
    )


def drop_commit(execute: Execute, home: Home, account: Account, number: int, code: str) -> None:
    """The hub will never take this commit: what it was for is given up, and shown.

    Only where it knows another set of admins than the members do, the commit is made again without the next one.
    """
    if code == BAD_ADMINS:
        execute("UPDATE mls_group SET unheard = ? WHERE id = ?", (admins_of(group_of(execute, number).shared).version + 1, number))
        execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (number,))
    execute("DELETE FROM group_wish WHERE mls_group = ? AND staged = 1", (number,))
    execute("UPDATE mls_group SET staged = x'', bundle = x'', staged_shared = x'' WHERE id = ?", (number,))
    changed(execute, home, account, group_of(execute, number).public, refused=code)


def created(execute: Execute, home: Home, account: Account, number: int) -> None:
    """The hub keeps a new group's order from now on."""
    execute("UPDATE mls_group SET bundle = x'', trouble = '' WHERE id = ?", (number,))
    change_state(execute, home, account, group_of(execute, number), GroupStanding.MEMBER)


def join_hash(state: SharedState) -> bytes:
    """What the hub knows of the invitation link; empty where there is none."""
    return sha256(state.join_key) if state.join_key else b""


def first_bundle(home: Home, row: GroupRow, group: Group, domain: Domain) -> GroupBundle:
    """A new group's first state, for its hub."""
    record = RoomRecord(group.group_info(), row.shared)
    return GroupBundle(
        epoch=group.epoch,
        sealed=seal_record(row.shared.room_key, row.public, record, home.rng),
        own=GroupPlace(domain=domain, alias=row.alias, token_hash=sha256(row.token)),
        join_hash=join_hash(row.shared),
        admins=row.shared.admins,
    )
