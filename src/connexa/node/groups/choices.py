"""What the owner decides about a group for all own devices: that the invitation is accepted, what was read, muted, archived."""

from __future__ import annotations

from dataclasses import replace

from connexa.content import GroupChoice
from connexa.node.account import Account
from connexa.node.groups.book import GroupRow, change_state, changed, group_named
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, Query, first
from connexa.node.registers import decide
from connexa.store import Execute

__all__ = ["choice_of", "choose", "has_accepted", "take_choice"]


def choice_of(query: Query, account: int, public: bytes) -> GroupChoice:
    """How the owner keeps a group; nothing is decided at first."""
    sql = "SELECT accepted, muted, archived, read_message FROM group_choice WHERE account = ? AND public = ?"
    row = first(query, sql, (account, public))
    return GroupChoice(public, bool(row[0]), bool(row[1]), bool(row[2]), row[3]) if row else GroupChoice(public, accepted=False)


def has_accepted(query: Query, account: int, public: bytes) -> bool:
    """Whether the owner has accepted to be in a group, on whichever device."""
    return choice_of(query, account, public).accepted


def choose(
    execute: Execute,
    home: Home,
    account: Account,
    public: bytes,
    *,
    accepted: bool | None = None,
    muted: bool | None = None,
    archived: bool | None = None,
    read: bytes | None = None,
) -> None:
    """The owner has decided something here; the own devices are told."""
    given = {"accepted": accepted, "muted": muted, "archived": archived, "read": read}
    before = choice_of(execute, account.id, public)
    after = replace(before, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    if after != before:
        take_choice(execute, home, account, after)
        decide(execute, home, account, after)


def take_choice(execute: Execute, home: Home, account: Account, choice: GroupChoice) -> None:
    """Keep a decision, and do here what follows from it."""
    execute(
        "INSERT OR REPLACE INTO group_choice (account, public, accepted, muted, archived, read_message) VALUES (?, ?, ?, ?, ?, ?)",
        (account.id, choice.group, choice.accepted, choice.muted, choice.archived, choice.read),
    )
    sql = "UPDATE conversation SET muted = ?, archived = ? WHERE account = ? AND public = ? AND person = 0"
    execute(sql, (choice.muted, choice.archived, account.id, choice.group))
    group = group_named(execute, account.id, choice.group)
    if group is None:
        return
    _mark_read(execute, home, account, group, choice.read)
    if choice.accepted and group.state is GroupStanding.INVITED:
        change_state(execute, home, account, group, GroupStanding.MEMBER)
    else:
        changed(execute, home, account, group.public, state=group.state.value)


def _mark_read(execute: Execute, home: Home, account: Account, group: GroupRow, message: bytes) -> None:
    """Move the read cursor to a message; where that is not here yet, as soon as it is."""
    if not message:
        return
    where = "account = ? AND public = ? AND person = 0"
    row = first(
        execute,
        "SELECT m.cursor FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE m.account = ? AND m.message = ? AND c.public = ?",
        (account.id, message, group.public),
    )
    if row is None:
        execute(f"UPDATE conversation SET read_message = ? WHERE {where}", (message, account.id, group.public))  # noqa: S608
        return
    sql = f"UPDATE conversation SET read_cursor = max(read_cursor, ?), read_message = x'' WHERE {where}"  # noqa: S608 - a constant
    execute(sql, (row[0], account.id, group.public))
    home.events.record(execute, str(account.address), "conversation.read", home.clock(), conversation=group.public.hex())
