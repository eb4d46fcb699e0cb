"""A group that goes on at another hub: this device follows the proof of it, and helps to bring it about where it may (groups §5.12).

All devices of one epoch make the same bytes of a take-over, so nobody has to propose anything: each admin's device brings its signature to
the first fallback that answers, and that becomes the hub once half of the admins' keys have signed and the old hub is silent for long
enough, or at once where the owner has planned it.
"""

from __future__ import annotations

from collections.abc import Iterable

from connexa.content import RoomRecord
from connexa.crypto import sha256
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import Domain, beats, read_take_over, sign_take_over, signed_record
from connexa.node.account import Account
from connexa.node.group_calls import Asker, GroupAt, GroupMoved, fetch_log, take_over
from connexa.node.groups.admins import admins_of, places_of
from connexa.node.groups.book import GroupRow, changed, group_of, open_group
from connexa.node.groups.commits import join_hash
from connexa.node.groups.missed import ask_for_what_lacks
from connexa.node.groups.sealing import seal_record
from connexa.node.home import Home
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupMode, GroupState, GroupTakeOver, TakeOver

__all__ = [
    "SILENT",
    "find_elsewhere",
    "follow",
    "has_say",
    "is_fallback",
    "is_planned",
    "move_as_planned",
    "note_silence",
    "take_its_place",
]

SILENT = "group.hub_silent"  # the own homeserver cannot reach the group's
SILENCE = 600.0  # seconds for each place in the order of fallbacks; they hold to it by what they heard of the hub themselves
VOID = "mls.other_branch"  # this device's epoch is not the one that the group goes on from: it comes in once more


# ---- following


def follow(execute: Execute, home: Home, account: Account, number: int, record: GroupTakeOver) -> None:
    """Go on at the hub that a record proves to have taken over; IntegrityError where it proves nothing to this device."""
    row, read = group_of(execute, number), read_take_over(record)
    if read.group != row.public or not _is_newer(row, read):
        return
    if not row.is_live:  # it only wants to come in: what opens there under the room key is of somebody who has it
        execute("UPDATE mls_group SET hub = ?, term = ? WHERE id = ?", (read.hub, read.term, number))
        return
    proof = _checked(row, record).SerializeToString()
    group = open_group(execute, home, row)
    same = (group.epoch, group.confirmation_tag) == (read.epoch, read.tag)
    lacks = (row.lacks_term, row.lacks_seq) if row.lacks_seq >= 0 else (row.term, row.seq)
    execute(
        "UPDATE mls_group SET hub = ?, term = ?, took = ?, seq = ?, heard = ?, began = ?, silent = 0, hurried = 0, staged = x'',"
        " bundle = x'', staged_shared = x'', disputed = 0, offender = x'', trouble = ?, waits = '', lacks_term = ?, lacks_seq = ?"
        " WHERE id = ?",
        (read.hub, read.term, proof, read.seq, read.seq, read.seq, "" if same else VOID, *lacks, number),
    )
    execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (number,))
    execute("DELETE FROM group_outbox WHERE mls_group = ? AND said = x''", (number,))
    execute("DELETE FROM group_said WHERE mls_group = ?", (number,))  # that log will not show their place
    if same:
        group.drop_proposals()  # not everybody has them; whoever wants to go asks again
        ask_for_what_lacks(execute, home, group_of(execute, number), (read.term, read.seq))
    changed(execute, home, account, row.public, what="hub", hub=read.hub, before=row.hub)


def _is_newer(row: GroupRow, read: TakeOver) -> bool:
    if not row.took:
        return read.term > row.term
    return beats(read, read_take_over(GroupTakeOver.FromString(row.took)))


def _checked(row: GroupRow, record: GroupTakeOver) -> GroupTakeOver:
    """Hold a record against the admins as this device knows them, without those who have gone since the set was made."""
    admins = admins_of(row.shared)
    present = {key for _, key in row.shared.admin_keys}
    signed = signed_record(record, admins)
    if sum(one.key in present for one in signed.signatures) < admins.needed:
        raise IntegrityError("group.bad_take_over", "A take-over was signed by people who have no say in the group any more.")
    return signed


async def find_elsewhere(home: Home, account: Account, ask: Asker, number: int, hubs: Iterable[str]) -> bool:
    """Ask whether one of these has become the hub, and follow if so; it is shown no right of ours before it has proved that."""
    row = group_of(home.database.read, number)
    for hub in hubs:
        try:
            await fetch_log(ask, GroupAt(Domain(hub), row.public, row.term), after=0, limit=1)
        except GroupMoved as moved:
            record = moved.record
            await home.change(lambda execute, proof=record: follow(execute, home, account, number, proof))  # type: ignore[misc]
            return True
        except ConnexaError:
            continue
    return False


# ---- bringing it about


def note_silence(execute: Execute, home: Home, account: Account, number: int) -> None:
    """The hub does not answer; people see since when."""
    row = group_of(execute, number)
    if not row.silent:
        execute("UPDATE mls_group SET silent = ? WHERE id = ?", (home.clock(), number))
        changed(execute, home, account, row.public, what="silent", hub=row.hub)


def is_fallback(row: GroupRow, hub: str) -> bool:
    """Whether a domain that speaks of a group like its hub could be it."""
    return bool(row.raw_shared) and hub != row.hub and hub in admins_of(row.shared).fallback_hubs


def has_say(row: GroupRow) -> bool:
    """Whether this device is one of those that say where the group is, and there is a place to go."""
    if not row.is_live or row.admin_secret is None:
        return False
    admins = admins_of(row.shared)
    return row.admin_secret.public.raw in admins.keys and bool(admins.fallback_hubs)


def is_planned(row: GroupRow) -> bool:
    """Whether the owner wants the group to move, and this device can help."""
    return has_say(row) and row.shared.moving not in ("", row.hub)


async def take_its_place(home: Home, account: Account, ask: Asker, number: int) -> None:
    """The hub is silent: look whether a fallback is the hub by now; else, when it is time, sign for the first one that answers."""
    row = group_of(home.database.read, number)
    if not row.is_live:
        return
    hubs = admins_of(row.shared).fallback_hubs
    if await find_elsewhere(home, account, ask, number, hubs) or not has_say(row) or row.trouble:
        return
    for place, hub in enumerate(hubs, 1):
        if not row.hurried and home.clock() < row.silent + SILENCE * place:
            return
        if await _bring(home, account, ask, row, hub, planned=False):
            return


async def move_as_planned(home: Home, account: Account, ask: Asker, number: int) -> None:
    """The owner has said where the group is to go."""
    row = group_of(home.database.read, number)
    await _bring(home, account, ask, row, Domain(row.shared.moving), planned=True)


async def _bring(home: Home, account: Account, ask: Asker, row: GroupRow, hub: Domain, *, planned: bool) -> bool:
    """Bring our signature to a fallback, and follow it if that was the last one it lacked; False where it cannot be the hub."""
    try:
        waits = await take_over(ask, GroupAt(hub, row.public, row.term + 1), _signed(home, row, hub, planned=planned))
    except GroupMoved as moved:
        record = moved.record
        await home.change(lambda execute: follow(execute, home, account, row.id, record))
        return True
    except ConnexaError:
        return False
    if waits is None:
        await find_elsewhere(home, account, ask, row.id, [hub])
    return True


def _signed(home: Home, row: GroupRow, hub: Domain, *, planned: bool) -> GroupTakeOver:
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
    return GroupTakeOver(body=body, signatures=[sign_take_over(body, key)] if key else [], state=state, sealed=sealed)
