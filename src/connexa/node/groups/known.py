"""Groups of which another own device or a backup tells, where this device is not in them: shown with what was said, until it comes in."""

from __future__ import annotations

from connexa.content import Entries
from connexa.node.account import Account
from connexa.node.groups.book import OVER, changed, conversation_of_group, group_named
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, Query, first
from connexa.store import Execute

__all__ = ["group_told", "told_of_group"]


def told_of_group(query: Query, account: int, public: bytes) -> tuple[str, bool]:
    """What the own devices are told of a group beside what was said in it: its name, and whether the person has gone."""
    group = group_named(query, account, public)
    return (group.title, group.state in OVER) if group is not None else ("", False)


def group_told(execute: Execute, home: Home, account: Account, told: Entries) -> int:
    """The number of a group's conversation; what this device does not know of it is as the other one says."""
    state = GroupStanding.LEFT if told.over else GroupStanding.WAITING
    new = first(
        execute,
        "INSERT INTO mls_group (account, public, name, hub, alias, token, state, created) VALUES (?, ?, ?, '', x'', x'', ?, ?)"
        " ON CONFLICT (account, public) DO UPDATE SET name = excluded.name, state = excluded.state"
        " WHERE shared = x'' AND state IN ('waiting', 'left') AND (name, state) != (excluded.name, excluded.state) RETURNING 1",
        (account.id, told.of, told.name, state.value, home.clock()),
    )
    if new is not None:
        changed(execute, home, account, told.of, state=state.value)
    return conversation_of_group(execute, account.id, told.of)
