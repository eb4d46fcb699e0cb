"""What is said about an entry, and what becomes of that entry: one function of the set of both, in whichever order they came.

Each device holds the same entries in the end, so each shows the same. Of several edits, and of several reactions of one person, the one
with the greatest (time, id) counts, and the last hundred edits are kept. An entry that was withdrawn or deleted takes its edits and
reactions with it. What is about an entry that is not here waits for it and shows nowhere; what nobody may say (another person's words
edited) is about nothing, for ever.
Everything here runs inside an operation of the writer.
"""

from __future__ import annotations

from connexa.content import Text, decode
from connexa.node.home import Query, first, rows
from connexa.store import Execute

__all__ = ["hide", "settle"]

KEPT = {"reaction": 1, "edit": 100}  # of each person about each entry
_ABOUT = "account = ? AND target_user = ? AND target = ? AND conversation = ?"
_VISIBLE = f"{_ABOUT} AND target != x'' AND hidden = 0"  # in these words the index answers, whatever is hidden beside it
_WITHDRAWALS = f"{_ABOUT} AND kind = 'withdrawal'"


def settle(execute: Execute, cursor: int) -> None:
    """Let an entry that has just come, or that has changed, have its effect: on its target, or by what was said about it before."""
    row = first(
        execute, "SELECT account, conversation, sender, message, target_user, target, kind FROM message WHERE cursor = ?", (cursor,)
    )
    if row is None:
        return
    account, conversation, sender, message, target_user, target, kind = row
    if kind == "timer":
        _set_timer(execute, cursor)
    if kind in KEPT:
        _keep_newest(execute, (account, target_user, target, conversation), sender, kind)
    if target:
        _settle(execute, account, conversation, target_user, target)
    elif _is_spoken_of(execute, (account, sender, message, conversation)):
        _settle(execute, account, conversation, sender, message)


def _is_spoken_of(query: Query, about: tuple[int, bytes, bytes, int]) -> bool:
    """Whether something about an entry was here before it."""
    sql = f"SELECT 1 FROM message WHERE {_VISIBLE} UNION ALL SELECT 1 FROM message WHERE {_WITHDRAWALS} LIMIT 1"  # noqa: S608 - constants
    return first(query, sql, (*about, *about)) is not None


def _set_timer(execute: Execute, cursor: int) -> None:
    """Let the newest word of the two about their timer hold."""
    execute(
        "UPDATE conversation SET timer = CAST(m.text AS INTEGER), timer_at = m.sent, timer_message = m.message"
        " FROM message m WHERE m.cursor = ? AND conversation.id = m.conversation AND m.hidden = 0"
        " AND (m.sent, m.message) > (conversation.timer_at, conversation.timer_message)",
        (cursor,),
    )


def _keep_newest(execute: Execute, about: tuple[int, bytes, bytes, int], sender: bytes, kind: str) -> None:
    """Of what one person said about an entry only the last counts: the rest leaves its ids alone, however much it is."""
    where = (*about, sender, kind)
    sql = (
        f"SELECT cursor FROM message WHERE {_VISIBLE} AND sender = ? AND kind = ?"  # noqa: S608 - constants
        " ORDER BY sent DESC, message DESC LIMIT -1 OFFSET ?"
    )
    for (cursor,) in rows(execute, sql, (*where, KEPT[kind])):
        execute("UPDATE message SET hidden = 1, text = '', content = x'' WHERE cursor = ?", (cursor,))


def _settle(execute: Execute, account: int, conversation: int, user: bytes, message: bytes) -> None:
    about = (account, user, message, conversation)
    sql = (
        "SELECT cursor, hidden, kind, vanishes, edited, content FROM message"
        " WHERE account = ? AND sender = ? AND message = ? AND conversation = ?"
    )
    row = first(execute, sql, about)
    if row is None:
        return
    cursor, hidden, kind, vanishes, edited, content = row
    # Deleting the words "this was withdrawn" deletes the withdrawal, but never brings back what it took away.
    sql = f"SELECT hidden FROM message WHERE {_WITHDRAWALS} ORDER BY hidden LIMIT 1"  # noqa: S608 - a constant
    withdrawal = first(execute, sql, about)
    if hidden or withdrawal is not None:
        hide(execute, cursor)
        _hide_about(execute, about)
        execute("UPDATE message SET withdrawn = ?, edited = 0 WHERE cursor = ?", (withdrawal is not None and not withdrawal[0], cursor))
        return
    execute(f"UPDATE message SET vanishes = ? WHERE {_VISIBLE} AND vanishes != ?", (vanishes, *about, vanishes))  # noqa: S608 - a constant
    sql = f"SELECT text, sent FROM message WHERE {_VISIBLE} AND kind = 'edit' ORDER BY sent DESC, message DESC LIMIT 1"  # noqa: S608
    edit = first(execute, sql, about)
    if kind == "text" and edit is not None:
        execute("UPDATE message SET text = ?, edited = ? WHERE cursor = ?", (*edit, cursor))
    elif kind == "text" and edited:
        said = decode(content).body
        execute("UPDATE message SET text = ?, edited = 0 WHERE cursor = ?", (said.text if isinstance(said, Text) else "", cursor))


def hide(execute: Execute, cursor: int) -> bool:
    """Delete an entry and what was said about it; ids stay, so that no copy brings it back. True if it was there.

    What the two have said about their timer stays: a device that comes later learns from it what holds.
    """
    found = rows(
        execute,
        "UPDATE message SET hidden = 1, text = '', subject = '', content = x'', vanishes = 0 WHERE cursor = ? AND hidden = 0"
        " AND kind != 'timer' RETURNING account, sender, message, conversation, target_user, target",
        (cursor,),
    )
    for account, sender, message, conversation, target_user, target in found:
        _hide_about(execute, (account, sender, message, conversation))
        if target:
            _settle(execute, account, conversation, target_user, target)
    return bool(found)


def _hide_about(execute: Execute, about: tuple[int, bytes, bytes, int]) -> None:
    sql = f"UPDATE message SET hidden = 1, text = '', content = x'', vanishes = 0 WHERE {_VISIBLE} AND kind != 'withdrawal'"  # noqa: S608
    execute(sql, about)
