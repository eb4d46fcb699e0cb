"""What the log of a group brings, entry by entry and in order: each is taken in the operation that moves the place in the log.

A message that does not open is left out. A commit that does not hold, or that its maker may not make, is void: the group stays where it
is and shows why (`trouble`), until another commit takes its place (`mending`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connexa.content import HistoryKind, SharedState, read_state, write_state
from connexa.errors import ConnexaError
from connexa.mls.errors import ReplayError
from connexa.mls.events import Application, ProposalStored, Removed, Staged
from connexa.mls.group import Group
from connexa.mls.proposals import Remove
from connexa.node.account import Account
from connexa.node.groups.acts import act_of, check_act, read_change_of, unknown_leaf
from connexa.node.groups.book import GroupRow, changed, end_group, group_of, note_trouble, open_group
from connexa.node.groups.cards import by_signature_key
from connexa.node.groups.mending import BEHIND, ROLLED_BACK, SUPERSEDED, dispute, refuse
from connexa.node.groups.messages import give_past, take_said
from connexa.node.groups.missed import forget_sent
from connexa.node.groups.places import place_own
from connexa.node.groups.pool import forget_key_packages
from connexa.node.groups.rules import person_in, state_after
from connexa.node.groups.sealing import next_room_key
from connexa.node.groups.views import GroupStanding
from connexa.node.groups.wishes import may_stay
from connexa.node.home import Home
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupEntry, GroupEntryKind

__all__ = ["take_entries"]


@dataclass(slots=True)
class _Reader:
    """The entries of one operation: the group is opened once, as long as nothing has to be undone."""

    execute: Execute
    home: Home
    account: Account
    number: int
    mls: Group | None = None

    def group(self, row: GroupRow) -> Group:
        if self.mls is None:
            self.mls = open_group(self.execute, self.home, row)
        return self.mls


def take_entries(execute: Execute, home: Home, account: Account, number: int, entries: Sequence[GroupEntry]) -> bool:
    """Take entries of a group's log, those that are here already left out; False where this device has no state of it to go on with."""
    reader = _Reader(execute, home, account, number)
    for entry in entries:
        row = group_of(execute, number)
        if entry.seq <= row.seq:
            continue
        if not row.is_live:
            return False
        if not _take(reader, row, entry):
            return False
        execute("UPDATE mls_group SET seq = ?, heard = max(heard, ?) WHERE id = ?", (entry.seq, entry.seq, number))
    return True


def _take(reader: _Reader, row: GroupRow, entry: GroupEntry) -> bool:
    """Take one entry; False where it shows that this store is an old copy of itself."""
    group = reader.group(row)
    if entry.kind == GroupEntryKind.GROUP_ENTRY_COMMIT:
        return _try_commit(reader, row, group, entry)
    if place_own(reader.execute, reader.home, reader.account, row, entry.message, entry.seq):
        return True
    reader.execute("SAVEPOINT heard")
    try:
        event = group.process(entry.message, now=int(reader.home.clock()))
    except ConnexaError as error:  # of a time before this device came, or nothing that opens
        if entry.epoch >= group.epoch and not isinstance(error, ReplayError):
            reader.execute("UPDATE mls_group SET unopened = unopened + 1 WHERE id = ?", (row.id,))
        reader.execute("RELEASE heard")
        return not _is_put_back(reader, row, group, entry)
    if isinstance(event, ProposalStored) and not may_stay(group, row.shared, event):
        reader.execute("ROLLBACK TO heard")
        reader.mls = None
    reader.execute("RELEASE heard")
    if isinstance(event, Application):
        _take_message(reader, row, event)
    return True


def _try_commit(reader: _Reader, row: GroupRow, group: Group, entry: GroupEntry) -> bool:
    """Take a commit that holds; of several for one epoch the first that does."""
    if entry.epoch < group.epoch:  # it was put in the place of one that holds here
        if entry.epoch + 1 != group.epoch:  # and the hub takes nothing of this epoch any more
            dispute(reader.execute, reader.home, reader.account, row, entry.seq, SUPERSEDED)
        return True
    if entry.epoch > group.epoch:
        if not row.disputed:  # one that stood before it did not come here
            note_trouble(reader.execute, reader.home, reader.account, row.id, BEHIND)
            return False
        dispute(reader.execute, reader.home, reader.account, row, entry.seq, row.trouble)  # it follows one that is void
        return True
    try:
        _take_commit(reader, row, group, entry)
    except ConnexaError as error:
        reader.mls = None
        if _is_put_back(reader, row, group, entry):
            return False
        refuse(reader.execute, reader.home, reader.account, row, entry, error)
    return True


def _is_put_back(reader: _Reader, row: GroupRow, group: Group, entry: GroupEntry) -> bool:
    """Whether this device has said what nothing here remembers: its keys were used beyond what stands in this store."""
    if not group.is_own(entry.message):
        return False
    forget_key_packages(reader.execute, reader.account)
    note_trouble(reader.execute, reader.home, reader.account, row.id, ROLLED_BACK)
    return True


def _take_message(reader: _Reader, row: GroupRow, said: Application) -> None:
    card = by_signature_key(row.shared.cards).get(said.signature_key)
    if card is None:
        return
    reader.execute("SAVEPOINT said")
    try:
        take_said(reader.execute, reader.home, reader.account, row, card, said.data)
    except ConnexaError:  # its key is spent, whatever it said
        reader.execute("ROLLBACK TO said")
    reader.execute("RELEASE said")


def _take_commit(reader: _Reader, row: GroupRow, group: Group, entry: GroupEntry) -> None:
    execute, home, account, now = reader.execute, reader.home, reader.account, int(reader.home.clock())
    message = entry.message
    if row.bundle and GroupBundle.FromString(row.bundle).commit == message:
        group.merge(group.load_staged(row.staged), now=now)
        after = read_state(row.staged_shared)
        execute("DELETE FROM group_wish WHERE mls_group = ? AND staged = 1", (row.id,))
        execute("UPDATE mls_group SET renewed = ?, said = 0 WHERE id = ?", (home.clock(), row.id))
        _begin_epoch(reader, row, after, account.user_id, entry.seq)
        return
    before = row.shared
    change, outside = read_change_of(message, group, before)
    keys = {member.leaf: member.signature_key for member in group.members()}  # which a removed device cannot look up any more
    own_leaf = group.own_leaf
    event = group.process(message, now=now)
    if isinstance(event, Removed):
        _end(reader, row, _has_asked(event, own_leaf), keys.get(event.sender if event.sender is not None else -1, b""))
        return
    if not isinstance(event, Staged):
        raise unknown_leaf()
    act = act_of(group, event.commit, before, change, outside, row.offender)
    check_act(act, before)
    state_after(before, act, room_key=before.room_key)  # refused before anything is merged
    group.merge(event.commit, now=now)
    after = state_after(before, act, room_key=next_room_key(group, group.group_id) if act.sheds else before.room_key)
    _begin_epoch(reader, row, after, act.by, entry.seq)


def _begin_epoch(reader: _Reader, row: GroupRow, after: SharedState, by: bytes, seq: int) -> None:
    """Store what the members know now; what waited for the epoch that is over is made anew."""
    execute, home = reader.execute, reader.home
    execute(
        "UPDATE mls_group SET shared = ?, began = ?, staged = x'', bundle = x'', staged_shared = x'', trouble = '',"
        " disputed = 0, offender = x'', unopened = 0 WHERE id = ?",
        (write_state(after), seq, row.id),
    )
    if after.room_key != row.shared.room_key:
        execute("UPDATE mls_group SET room_key_before = ? WHERE id = ?", (row.shared.room_key, row.id))
    if _has_come(row.shared, after):
        forget_sent(execute, row.id)
    execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (row.id,))
    execute("DELETE FROM group_outbox WHERE mls_group = ? AND said = x''", (row.id,))
    called: dict[bytes, str] = {person.user: str(person.address) for person in (*row.shared.people, *after.people)}
    for code, user in _news(row.shared, after):
        names = {"address": called.get(user, ""), "by_address": called.get(by, "")}
        changed(execute, home, reader.account, row.public, what=code, user=user.hex(), by=by.hex(), **names)
    if by == reader.account.user_id and row.bundle and after.history.kind is HistoryKind.LAST and _has_come(row.shared, after):
        give_past(execute, home, reader.account, group_of(execute, row.id), after.history.last)


def _news(before: SharedState, after: SharedState) -> list[tuple[str, bytes]]:
    """What people see of a new epoch."""
    news: list[tuple[str, bytes]] = []
    news += [("joined", person.user) for person in after.people if person_in(before, person.user) is None]
    news += [("gone", person.user) for person in before.people if person_in(after, person.user) is None]
    for person in after.people:
        old = person_in(before, person.user)
        if old is not None and old.role is not person.role:
            news.append(("role", person.user))
    facts = ("name", "avatar", "timer", "history", "join_key", "moving")
    news += [(fact, b"") for fact in facts if getattr(before, fact) != getattr(after, fact)]
    if not news:
        news.append(("devices" if before.cards != after.cards else "keys", b""))
    return news


def _has_come(before: SharedState, after: SharedState) -> bool:
    return any(person_in(before, person.user) is None for person in after.people)


def _has_asked(event: Removed, own_leaf: int) -> bool:
    """Whether it was proposed that this device goes, which only its owner's devices may; others may go in the same commit."""
    return any(one.ref is not None and isinstance(one.proposal, Remove) and one.proposal.removed == own_leaf for one in event.proposals)


def _end(reader: _Reader, row: GroupRow, asked: bool, committer: bytes) -> None:
    """This device was removed: by its owner, on whichever device, or by somebody else."""
    card = by_signature_key(row.shared.cards).get(committer)
    own = row.state is GroupStanding.LEAVING or (card is not None and card.user == reader.account.user_id)
    end_group(reader.execute, reader.home, reader.account, row, GroupStanding.LEFT if own or asked else GroupStanding.REMOVED)
    reader.mls = None
