"""What the owner decides about a group for all own devices: that they are in it, what was read, typed, muted, archived, deleted."""

from __future__ import annotations

from collections.abc import Mapping

from connexa.content import Draft, GroupChoice, ReadMark, ReceiptState
from connexa.node.account import Account
from connexa.node.flags import flags_of, keep_flags
from connexa.node.groups.book import GroupRow, change_state, changed, conversation_of_group, group_named
from connexa.node.groups.messages import tell_author
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, Query, first, rows
from connexa.node.registers import decide
from connexa.store import Execute

__all__ = ["choose", "has_accepted", "flag_group", "keep_draft", "mark_group_read", "take_choice"]


def has_accepted(query: Query, account: int, public: bytes) -> bool:
    """Whether the owner has accepted to be in a group, on whichever device."""
    row = first(query, "SELECT accepted FROM group_choice WHERE account = ? AND public = ?", (account, public))
    return row is not None and bool(row[0])


def choose(execute: Execute, home: Home, account: Account, public: bytes, *, accepted: bool) -> None:
    """The owner has decided here whether to be in a group; the own devices are told."""
    if accepted != has_accepted(execute, account.id, public):
        choice = GroupChoice(public, accepted)
        take_choice(execute, home, account, choice)
        decide(execute, home, account, choice)


def take_choice(execute: Execute, home: Home, account: Account, choice: GroupChoice) -> None:
    """Keep a decision, and do here what follows from it."""
    execute("INSERT OR REPLACE INTO group_choice (account, public, accepted) VALUES (?, ?, ?)", (account.id, choice.group, choice.accepted))
    group = group_named(execute, account.id, choice.group)
    if group is not None and choice.accepted and group.state is GroupStanding.INVITED:
        change_state(execute, home, account, group, GroupStanding.MEMBER)
    if group is not None and not choice.accepted and group.state is GroupStanding.WAITING:  # nobody brings this device in any more
        change_state(execute, home, account, group, GroupStanding.LEFT)


def flag_group(execute: Execute, home: Home, account: Account, group: GroupRow, flags: Mapping[str, bool]) -> None:
    """Keep a group in another way: silent, put away, above the others, among the favourites, or not."""
    number = conversation_of_group(execute, account.id, group.public)
    keep_flags(execute, number, flags)
    decide(execute, home, account, flags_of(execute, number, group.public, group=True))
    changed(execute, home, account, group.public, state=group.state.value)


def keep_draft(execute: Execute, home: Home, account: Account, group: GroupRow, text: str, subject: str) -> None:
    """Keep what is typed in a group and not sent yet."""
    number = conversation_of_group(execute, account.id, group.public)
    execute("UPDATE conversation SET draft = ?, draft_subject = ? WHERE id = ?", (text, subject, number))
    decide(execute, home, account, Draft(group.public, text, subject, group=True))
    home.events.record(execute, str(account.address), "conversation.changed", home.clock(), conversation=group.public.hex())


def mark_group_read(execute: Execute, home: Home, account: Account, group: GroupRow) -> None:
    """Everything in a group was seen; the own devices learn it, and of each message its author."""
    number = conversation_of_group(execute, account.id, group.public)
    unread = rows(
        execute,
        "SELECT m.message, m.cursor, m.sender FROM message m JOIN conversation c ON c.id = m.conversation"
        " WHERE m.account = ? AND m.conversation = ? AND m.cursor > c.read_cursor AND m.mine = 0 AND m.target = x''"
        " ORDER BY m.cursor",
        (account.id, number),
    )
    if not unread:
        return
    for message, _, sender in unread:
        tell_author(execute, home, account, group, sender, message, ReceiptState.READ)
    newest, cursor, _ = unread[-1]
    execute("UPDATE conversation SET read_message = x'', read_cursor = ? WHERE id = ?", (cursor, number))
    decide(execute, home, account, ReadMark(group.public, newest, group=True))
    home.events.record(execute, str(account.address), "conversation.read", home.clock(), conversation=group.public.hex())
