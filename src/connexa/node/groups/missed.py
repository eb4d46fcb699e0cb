"""What somebody could not read, because a hub went away with it or its epoch became void: its author says it again, under the same id.

Each device remembers where in the log its own messages stand. A device that came to another hub, or from outside, says behind which place
it has read nothing whole. What was said before somebody came into the group is not said again: it was not said to them.
"""

from __future__ import annotations

from connexa.content import GroupLack, GroupMessage, write_said
from connexa.node.account import Account
from connexa.node.groups.book import GroupRow
from connexa.node.groups.views import GroupStanding
from connexa.node.home import Home, first, rows
from connexa.store import Execute

__all__ = ["ask_for_what_lacks", "enqueue", "forget_sent", "note_sent", "say_again"]

KEPT = 30 * 86_400  # as long as a hub keeps its log
MOST_TIMES = 8
AT_ONCE = 500
_UNDER_WAY = 1 << 62  # the number of what is being said again


def enqueue(
    execute: Execute, home: Home, group: GroupRow, message: bytes, said: bytes, *, epoch: int = 0, sealed: bytes = b"", entry: bytes = b""
) -> None:
    """Put something behind all that waits to be appended to a group's log; `entry`: under another id there than that of the message."""
    execute(
        "INSERT INTO group_outbox (mls_group, message, said, epoch, sealed, entry, created) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (group.id, message, said, epoch, sealed, entry or message, home.clock()),
    )


def note_sent(execute: Execute, home: Home, account: Account, group: GroupRow, message: bytes, seq: int, epoch: int) -> None:
    """A message of ours stands in the log, encrypted for this epoch."""
    sql = "SELECT 1 FROM message WHERE account = ? AND sender = ? AND message = ?"
    if first(execute, sql, (account.id, account.user_id, message)) is None:
        return
    execute("DELETE FROM group_sent WHERE mls_group = ? AND at < ?", (group.id, home.clock() - KEPT))
    execute(
        "INSERT INTO group_sent (mls_group, message, term, seq, epoch, at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (mls_group, message) DO UPDATE SET term = excluded.term, seq = excluded.seq, epoch = excluded.epoch",
        (group.id, message, group.term, seq, epoch, home.clock()),
    )


def forget_sent(execute: Execute, group: int) -> None:
    """Somebody has come who was not there when it was said."""
    execute("DELETE FROM group_sent WHERE mls_group = ?", (group,))


def ask_for_what_lacks(execute: Execute, home: Home, before: GroupRow, until: tuple[int, int]) -> None:
    """Say what this device has not read; `before` is the group as this device stood to it, `until` the term and epoch that it reads."""
    after = (before.lacks_term, before.lacks_seq) if before.lacks_seq >= 0 else (before.term, before.seq)
    execute("UPDATE mls_group SET lacks_seq = -1 WHERE id = ?", (before.id,))
    if before.state in (GroupStanding.MEMBER, GroupStanding.LEAVING, GroupStanding.WAITING):
        enqueue(execute, home, before, home.rng(16), write_said(GroupLack(after, until)))


def say_again(execute: Execute, home: Home, account: Account, group: GroupRow, lack: GroupLack) -> None:
    """Say again what is ours of it, to everybody: who has it knows it by its id."""
    found = rows(
        execute,
        "SELECT s.message, m.content, m.vanishes, m.sent FROM group_sent s JOIN message m ON m.message = s.message"
        " WHERE s.mls_group = ? AND (s.term, s.seq) > (?, ?) AND (s.term, s.epoch) < (?, ?) AND s.seq != ? AND s.again < ?"
        " AND m.account = ? AND m.sender = ? AND m.hidden = 0 ORDER BY s.term, s.seq LIMIT ?",
        (group.id, *lack.after, *lack.until, _UNDER_WAY, MOST_TIMES, account.id, account.user_id, AT_ONCE),
    )
    # What is encrypted and was not sent yet is for those who were there then.
    execute("UPDATE group_outbox SET sealed = x'' WHERE mls_group = ? AND said != x'' AND epoch < ?", (group.id, lack.until[1]))
    for message, content, vanishes, sent in found:
        timer = int(vanishes - sent) if vanishes else 0
        execute("UPDATE group_sent SET seq = ?, again = again + 1 WHERE mls_group = ? AND message = ?", (_UNDER_WAY, group.id, message))
        enqueue(execute, home, group, message, write_said(GroupMessage(message, content, timer)), entry=home.rng(16))
