"""Leaving: this person's devices ask to go, each by a proposal of its own removal, and whoever commits next does it."""

from __future__ import annotations

from connexa.mls.proposals import Remove
from connexa.node.account import Account
from connexa.node.groups.book import group_of, open_group
from connexa.node.groups.messages import put_proposal
from connexa.node.groups.wishes import leaves_of_card
from connexa.node.home import Home
from connexa.store import Execute

__all__ = ["propose_to_leave"]


def propose_to_leave(execute: Execute, home: Home, account: Account, number: int) -> bool:
    """Propose to remove all own devices, once in each epoch; True where there is nobody else who could commit it."""
    row = group_of(execute, number)
    shared = row.shared
    if all(person.user == account.user_id for person in shared.people):
        return True
    group = open_group(execute, home, row)
    asked = {stored.proposal.removed for stored in group.pending if isinstance(stored.proposal, Remove)}
    own = [card for card in shared.cards if card.user == account.user_id]
    for leaf in leaves_of_card(group, own):
        if leaf not in asked:
            put_proposal(execute, home, row, group.epoch, group.propose_remove(leaf, now=int(home.clock())))
    return False
