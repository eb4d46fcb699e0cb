"""Leaving: this person's devices ask to go, each by a proposal of its own removal, and whoever commits next does it."""

from __future__ import annotations

from connexa.content import GroupRole, SharedChange
from connexa.mls.proposals import Remove
from connexa.node.account import Account
from connexa.node.groups.admins import admins_of, may_sign
from connexa.node.groups.book import group_of, open_group
from connexa.node.groups.cards import device_of
from connexa.node.groups.messages import put_proposal
from connexa.node.groups.rules import person_in
from connexa.node.groups.wishes import ask_for, leaves_of_card, wishes_waiting
from connexa.node.home import Home
from connexa.store import Execute

__all__ = ["hands_over", "propose_to_leave"]

HANDOVER = 3_600.0


def hands_over(execute: Execute, home: Home, account: Account, number: int) -> bool:
    """See that somebody else can say where the group is, before the last who can goes; True while it waits for them, an hour at most.

    Whoever comes to lead the group when this person has gone becomes an admin, whose devices then show keys that the hub is told.
    """
    row = group_of(execute, number)
    shared, now = row.shared, home.clock()
    if not row.leaving:
        execute("UPDATE mls_group SET leaving = ? WHERE id = ?", (now, number))
    own = {device_of(card) for card in shared.cards if card.user == account.user_id}
    keys = admins_of(shared).keys
    others = [person for person in shared.people if person.user != account.user_id]
    last = may_sign(shared, row.admin_secret) and not any(key in keys for device, key in shared.admin_keys if device not in own)
    if not last or not others or (row.leaving and now > row.leaving + HANDOVER):
        return False
    if all(person.role is GroupRole.MEMBER for person in others):
        me = person_in(shared, account.user_id)
        if me is None or me.role is not GroupRole.OWNER:
            return False
        if not wishes_waiting(execute, number):
            ask_for(execute, home, row, "change", change=SharedChange(roles=((others[0].user, GroupRole.ADMIN),)))
    return True


def propose_to_leave(execute: Execute, home: Home, account: Account, number: int) -> bool:
    """Propose to remove all own devices, once in each epoch; True where there is nobody else who could commit it."""
    row = group_of(execute, number)
    shared = row.shared
    if all(person.user == account.user_id for person in shared.people):
        return True
    group = open_group(execute, home, row)
    asked = {stored.proposal.removed for stored in group.pending if isinstance(stored.proposal, Remove)}
    own = leaves_of_card(group, [card for card in shared.cards if card.user == account.user_id])
    # This device goes last: whoever commits may have heard only some, and one that does not know yet would bring back those that are gone.
    for leaf in sorted(own, key=lambda one: one == group.own_leaf):
        if leaf not in asked:
            put_proposal(execute, home, row, group.epoch, group.propose_remove(leaf, now=int(home.clock())))
    return False
