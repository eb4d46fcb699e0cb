"""Where own messages stand: a group's log has one order, and everybody shows it, on whichever device it was said.

A message of this device shows at once. Where the log has others before it that came later here, it moves behind them when the log is read.
"""

from __future__ import annotations

from connexa.crypto import sha256
from connexa.node.account import Account
from connexa.node.groups.book import GroupRow, group_of
from connexa.node.groups.messages import unseal
from connexa.node.groups.missed import note_sent
from connexa.node.home import Home, first
from connexa.node.states import message_state
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = ["accepted_by_hub", "place_own"]


def accepted_by_hub(execute: Execute, home: Home, account: Account, number: int, outbox: int, seq: int, term: int) -> None:
    """The hub of this term has it, for everybody in the group, under this number in the log.

    Where the group went to another hub while it was asked, what it says is void: that is for the next hub, encrypted anew.
    """
    group = group_of(execute, number)
    if group.term != term:
        unseal(execute, outbox)
        return
    message, digest, epoch = _accept(execute, home, account, outbox)
    note_sent(execute, home, account, group, message, seq, epoch)
    execute("UPDATE mls_group SET heard = max(heard, ?) WHERE id = ?", (seq, number))
    if seq == group.seq + 1:  # nothing stands between, so nothing has to be read
        execute("UPDATE mls_group SET seq = ? WHERE id = ?", (seq, number))
        _move_behind_others(execute, home, account, group, message)
    elif seq > group.seq:
        execute("INSERT OR REPLACE INTO group_said (mls_group, digest, message) VALUES (?, ?, ?)", (number, digest, message))


def place_own(execute: Execute, home: Home, account: Account, group: GroupRow, entry: bytes, seq: int) -> bool:
    """Take an entry of the log that this device has sent; False where it is somebody else's."""
    waiting = first(execute, "SELECT id FROM group_outbox WHERE mls_group = ? AND sealed = ?", (group.id, entry))
    if waiting is not None:  # the hub's answer was lost
        message, _, epoch = _accept(execute, home, account, waiting[0])
        note_sent(execute, home, account, group, message, seq, epoch)
    else:
        sql = "DELETE FROM group_said WHERE mls_group = ? AND digest = ? RETURNING message"
        known = first(execute, sql, (group.id, sha256(entry)))
        if known is None:
            return False
        message = known[0]
    _move_behind_others(execute, home, account, group, message)
    return True


def _accept(execute: Execute, home: Home, account: Account, outbox: int) -> tuple[bytes, bytes, int]:
    """Take it out of the outbox; returns its id, the SHA-256 of its entry, and its epoch."""
    sql = "DELETE FROM group_outbox WHERE id = ? RETURNING message, sealed, epoch"
    message, sealed, epoch = first(execute, sql, (outbox,)) or (b"", b"", 0)
    message_state(execute, home.events, account.id, message, MessageState.ACCEPTED, home.clock(), path="group")
    return message, sha256(sealed), epoch


def _move_behind_others(execute: Execute, home: Home, account: Account, group: GroupRow, message: bytes) -> None:
    where = (account.id, account.user_id, message)
    own = first(execute, "SELECT cursor, conversation FROM message WHERE account = ? AND sender = ? AND message = ?", where)
    if own is None:
        return  # something that is not shown
    sql = "SELECT max(cursor) FROM message WHERE account = ? AND conversation = ? AND device != ? AND cursor > ?"
    newest = first(execute, sql, (account.id, own[1], account.device, own[0]))
    if newest is None or newest[0] is None:
        return
    place = int(newest[0]) + 1
    while first(execute, "SELECT 1 FROM message WHERE cursor = ?", (place,)) is not None:
        place += 1
    execute("UPDATE message SET cursor = ? WHERE cursor = ?", (place, own[0]))
    home.events.record(
        execute, str(account.address), "message.moved", home.clock(), id=message.hex(), conversation=group.public.hex(), cursor=place
    )
