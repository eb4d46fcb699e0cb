"""A group that goes on at another hub: what this device makes of the proof of it, and its own part in one (groups §5.12).

A homeserver alone leads no group away: a proof is held against the admins' keys that the members know. All devices of one epoch make the
same bytes of a take-over, so that nobody has to propose anything; `mover` brings them to the fallbacks.
"""

from __future__ import annotations

from connexa.content import GroupLack, RoomRecord
from connexa.crypto import sha256
from connexa.errors import ConnexaError
from connexa.identity import Domain, beats, read_take_over, sign_take_over
from connexa.mls.group import Group
from connexa.node.account import Account
from connexa.node.groups.admins import admins_of, checked_record, may_sign, places_of, signers_left
from connexa.node.groups.arrivals import drop_arrival
from connexa.node.groups.book import UNPROVED, GroupRow, changed, group_of, note_wait, open_group
from connexa.node.groups.commits import join_hash
from connexa.node.groups.missed import ask_for_what_lacks, say_again
from connexa.node.groups.sealing import seal_record
from connexa.node.home import Home
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupMode, GroupState, GroupTakeOver, TakeOver

__all__ = [
    "SILENT",
    "VOID",
    "follow",
    "has_say",
    "is_fallback",
    "is_planned",
    "note_silence",
    "outlives_its_hub",
    "sign",
]

SILENT = "group.hub_silent"  # the own homeserver cannot reach the group's
VOID = "mls.other_branch"  # this device's epoch is not the one that the group goes on from: it comes in once more


# ---- following


def follow(execute: Execute, home: Home, account: Account, number: int, record: GroupTakeOver) -> bool:
    """Go on at the hub that a record proves to have taken over; False where that is known, IntegrityError where it proves nothing here."""
    row, read = group_of(execute, number), read_take_over(record)
    if read.group != row.public or not _is_newer(row, read):
        return False
    drop_arrival(execute, number)
    if not row.is_live:  # it only wants to come in: what opens there under the room key is of somebody who has it
        execute("UPDATE mls_group SET hub = ?, term = ? WHERE id = ?", (read.hub, read.term, number))
        return True
    proof = checked_record(row.shared, record).SerializeToString()
    group = _group_of(execute, home, row, read)
    rival = read.term == row.term  # another hub has taken the same place: what this one had is void
    lacks = (row.term - 1, read.seq) if rival else (row.lacks_term, row.lacks_seq) if row.lacks_seq >= 0 else (row.term, row.seq)
    execute(
        "UPDATE mls_group SET hub = ?, term = ?, took = ?, seq = ?, heard = ?, began = ?, silent = 0, hurried = 0, unheard = 0,"
        " staged = x'', bundle = x'', staged_shared = x'', disputed = 0, offender = x'', trouble = ?, waits = '', lacks_term = ?,"
        " lacks_seq = ? WHERE id = ?",
        (read.hub, read.term, proof, read.seq, read.seq, read.seq, VOID if group is None else "", *lacks, number),
    )
    execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (number,))
    execute("DELETE FROM group_outbox WHERE mls_group = ? AND said = x''", (number,))
    execute("DELETE FROM group_said WHERE mls_group = ?", (number,))  # that log will not show their place
    moved = group_of(execute, number)
    if group is None or rival:  # nobody else has read what was said where it is void
        execute("UPDATE group_outbox SET sealed = x'' WHERE mls_group = ?", (number,))
        say_again(execute, home, account, moved, GroupLack((row.term, 0 if rival else read.seq), (row.term + 1, 0)))
    if group is not None:
        group.drop_proposals()  # not everybody has them; whoever wants to go asks again
        ask_for_what_lacks(execute, home, moved, (read.term, 0))
    changed(execute, home, account, row.public, what="hub", hub=read.hub, before=row.hub)
    return True


def _group_of(execute: Execute, home: Home, row: GroupRow, read: TakeOver) -> Group | None:
    """This device's MLS state, if it is of the epoch that the group goes on from."""
    try:
        group = open_group(execute, home, row)
    except ConnexaError:
        return None
    return group if (group.epoch, group.confirmation_tag) == (read.epoch, read.tag) else None


def _is_newer(row: GroupRow, read: TakeOver) -> bool:
    if not row.took:
        return read.term > row.term
    return beats(read, read_take_over(GroupTakeOver.FromString(row.took)))


# ---- bringing it about


def note_silence(execute: Execute, home: Home, account: Account, number: int) -> None:
    """The hub does not answer; people see since when."""
    row = group_of(execute, number)
    if not row.silent:
        execute("UPDATE mls_group SET silent = ? WHERE id = ?", (home.clock(), number))
        changed(execute, home, account, row.public, what="silent", hub=row.hub)
    if row.waits != UNPROVED:  # which says more
        note_wait(execute, home, account, number, SILENT)


def is_fallback(row: GroupRow, hub: str) -> bool:
    """Whether a domain that speaks of a group like its hub could be it."""
    return bool(row.raw_shared) and hub != row.hub and hub in admins_of(row.shared).fallback_hubs


def has_say(row: GroupRow) -> bool:
    """Whether this device is one of those that say where the group is, and there is a place to go."""
    if not row.is_live or not row.admin_key:
        return False  # its state need not be read
    return may_sign(row.shared, row.admin_secret) and bool(admins_of(row.shared).fallback_hubs)


def outlives_its_hub(row: GroupRow) -> bool:
    """Whether the admins' devices that are not at home at the hub are enough to sign when it is lost."""
    return signers_left(row.shared, row.hub) >= admins_of(row.shared).needed


def is_planned(row: GroupRow) -> bool:
    """Whether the owner wants the group to move, and this device can help."""
    return has_say(row) and row.shared.moving not in ("", row.hub)


def sign(home: Home, row: GroupRow, hub: Domain, *, planned: bool) -> GroupTakeOver:
    """A take-over by this hub, with this device's signature and what the hub needs to begin."""
    query, shared, key = home.database.read, row.shared, row.admin_secret
    group = open_group(query, home, row)
    state = GroupState(places=places_of(shared), join_hash=join_hash(shared)).SerializeToString(deterministic=True)
    body = TakeOver(
        group=row.public,
        term=row.term + 1,
        hub=hub,
        old_hub=row.hub,
        mode=GroupMode.GROUP_MODE_BLIND,
        epoch=group.epoch,
        seq=row.began,
        tag=group.confirmation_tag,
        state=sha256(state),
        planned=planned,
    ).SerializeToString(deterministic=True)
    sealed = seal_record(shared.room_key, row.public, RoomRecord(group.group_info(), shared), home.rng)
    return GroupTakeOver(body=body, signatures=[sign_take_over(body, key, home.clock())] if key else [], state=state, sealed=sealed)
