"""A commit that does not hold (groups §5.6): it is void here, and a device of an admin puts another one in its place.

A hub that is blind takes whatever is framed as a commit. What a member's commit says is the same for all who are in its epoch, so where it
breaks a rule under its maker's signature each of them refuses it, and knows whose it was: whoever breaks the rules has asked to go. Where
nobody can tell who made it, or the fault may be on this side, nothing is done in anybody's name: this device tries to come in again, and a
person decides.
"""

from __future__ import annotations

from connexa.content import GroupRole, SharedChange, SharedState
from connexa.crypto import Ed25519Secret, sha256
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import CommitReject, issue_reject
from connexa.mls.errors import MLSError
from connexa.mls.group import Group
from connexa.mls.registry import SenderType
from connexa.node.account import Account
from connexa.node.groups.admins import may_sign
from connexa.node.groups.book import GroupRow, note_trouble, open_group
from connexa.node.groups.cards import alias_of, by_signature_key
from connexa.node.groups.rules import person_in
from connexa.node.groups.views import GroupStanding
from connexa.node.groups.wishes import Plan
from connexa.node.home import Home, Query, first, rows
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupEntry, SignedReject

__all__ = [
    "BAD_COMMIT",
    "BEHIND",
    "LOST",
    "ROLLED_BACK",
    "SUPERSEDED",
    "check_record",
    "check_roles",
    "dispute",
    "may_mend",
    "plan_mending",
    "refuse",
    "reject",
]

BAD_COMMIT = "group.bad_commit"  # trouble: a commit that holds for nobody
SUPERSEDED = "group.superseded"  # trouble: an admin's device has put a commit in the place of one that holds here
BEHIND = "mls.behind"  # trouble: a commit is not in the log that leads to those that are
ROLLED_BACK = "mls.rolled_back"  # trouble: this store is an old copy of itself
LOST = "mls."  # how the codes begin of what a device cannot follow any more: it comes in once more
# What may be this device's own fault or a secret that was not meant for it: a lifetime by our clock, a path's secret, what is not here.
_PERSONAL = frozenset(("V11", "V20", "V25", "V29", "V34", "V36", "V39", "V45"))


def refuse(execute: Execute, home: Home, account: Account, row: GroupRow, entry: GroupEntry, error: ConnexaError) -> None:
    """Note that a commit is void here, and whose it was if it holds for nobody; our own that was to follow is planned anew."""
    group = open_group(execute, home, row)
    maker = None if _is_personal(error) else _maker(group, row.shared, entry.message)
    trouble, offender = row.trouble, row.offender
    if maker is not None and trouble != BAD_COMMIT:
        trouble, offender = BAD_COMMIT, maker
    elif not trouble:
        trouble = LOST + error.code.partition(".")[2]
    execute("UPDATE mls_group SET offender = ? WHERE id = ?", (offender, row.id))
    dispute(execute, home, account, row, entry.seq, trouble)


def dispute(execute: Execute, home: Home, account: Account, row: GroupRow, seq: int, trouble: str) -> None:
    """The newest commit of the log does not hold here; what we wanted to commit is planned anew."""
    sql = "UPDATE mls_group SET disputed = ?, staged = x'', bundle = x'', staged_shared = x'' WHERE id = ?"
    execute(sql, (seq, row.id))
    execute("UPDATE group_wish SET staged = 0 WHERE mls_group = ?", (row.id,))
    note_trouble(execute, home, account, row.id, trouble)


def _is_personal(error: ConnexaError) -> bool:
    return error.code == "group.newer" or (isinstance(error, MLSError) and error.rule in _PERSONAL)


def _maker(group: Group, shared: SharedState, message: bytes) -> bytes | None:
    """The person whose device has signed a commit; empty for one from outside, None where nobody can tell."""
    try:
        sender = group.author(message)
    except ConnexaError:
        return None
    if sender.type is not SenderType.MEMBER:
        return b""
    member = group.member(sender.index)
    card = by_signature_key(shared.cards).get(member.signature_key) if member else None
    return card.user if card else None


def may_mend(query: Query, account: Account, row: GroupRow) -> bool:
    """Whether this device is to put another commit in the place of one that does not hold."""
    me = person_in(row.shared, account.user_id)
    if me is None or me.role is GroupRole.MEMBER or row.offender == me.user:
        return False
    if not row.disputed or row.state is not GroupStanding.MEMBER or not may_sign(row.shared, row.admin_secret):
        return False
    return row.trouble == BAD_COMMIT or first(query, _ASKED, (row.id,)) is not None


_ASKED = "SELECT id, subject FROM group_wish WHERE mls_group = ? AND kind = 'anew'"


def plan_mending(query: Query, row: GroupRow) -> Plan:
    """What the commit does that takes the place: whoever broke the rules goes, a link by which that was done ends; new keys at least."""
    made = Plan(renew=True)
    gone = {row.offender}
    for number, subject in rows(query, _ASKED, (row.id,)):
        made.wishes.append(number)
        gone.add(subject)
    made.removes = [card for card in row.shared.cards if card.user in gone]
    if row.trouble == BAD_COMMIT and not row.offender and row.shared.join_key:
        made.changes.append(SharedChange(join_key=b""))
    return made


def reject(row: GroupRow, commit: bytes, after: SharedState) -> SignedReject:
    """What lets the hub take a commit in the place of the newest one."""
    places = tuple(alias_of(card) for card in after.cards)
    return issue_reject(CommitReject(row.public, row.disputed, sha256(commit), places), Ed25519Secret.from_seed(row.admin_key))


def check_record(row: GroupRow, told: SharedState) -> None:
    """What stands beside a commit that this device has refused is believed only where nobody has won or lost by it."""
    known = row.shared
    if {(one.user, one.role) for one in known.people} != {(one.user, one.role) for one in told.people} or (
        told.join_key not in (known.join_key, b"")
    ):
        raise IntegrityError("group.bad_record", "What stands beside a commit that does not hold here changes who is in the group.")


def check_roles(known: SharedState, told: SharedState) -> None:
    """Who is brought into a group again believes no roles that it did not know."""
    before = {(one.user, one.role) for one in known.people}
    if any(one.role is not GroupRole.MEMBER and (one.user, one.role) not in before for one in told.people):
        raise IntegrityError("group.bad_record", "Somebody would have another role in the group than before.")
