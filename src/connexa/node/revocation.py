"""This device after its owner has taken it out of the account: the log stays readable, nothing more leaves or arrives (first-message §9).

What a device knows of it is that its homeserver does not let it in any more. A homeserver that says so falsely denies service, which it can
do anyway; the device tries again at each start of the node, and is a device of the account like before once it is let in.
"""

from __future__ import annotations

from typing import Final

from connexa.errors import RefusedError
from connexa.node.account import Account, AccountState
from connexa.node.home import Home, Query, first, rows
from connexa.node.outbox import done_with
from connexa.node.states import message_state
from connexa.node.views import MessageState
from connexa.store import Execute

__all__ = ["forget_device", "is_revoked", "let_in", "revoked", "shut_out"]

# What belongs to the keys of one device, and is worth nothing to the next one.
_OF_DEVICE: Final = (
    *("session", "prekey", "prekey_number", "initial_seen", "own_device", "own_copy", "own_message", "own_envelope", "history"),
    *("history_owed", "pass", "stream", "envelope", "outbox", "held", "receipt", "ask", "resent"),
    *("recovery", "backup", "backup_series", "backup_changed", "group_part", "key_package"),
)


def revoked() -> RefusedError:
    """The refusal of whatever a revoked device would say."""
    return RefusedError("account.revoked", "This device was taken out of the account.", "Link it again: connexa device link")


def is_revoked(query: Query, account: int) -> bool:
    """Whether this device was taken out of an account, as far as it knows."""
    return first(query, "SELECT 1 FROM account WHERE id = ? AND state = ?", (account, AccountState.REVOKED.value)) is not None


def shut_out(execute: Execute, home: Home, account: Account) -> None:
    """Note that this device was revoked: what waits is not sent any more, and it has nothing left to send with."""
    if account.state is AccountState.REVOKED:
        return
    now = home.clock()
    execute("UPDATE account SET state = ?, sender = x'', sender_until = 0 WHERE id = ?", (AccountState.REVOKED.value, account.id))
    execute("UPDATE own_device SET listed = 0 WHERE account = ? AND device = ?", (account.id, account.device))
    execute("DELETE FROM pass WHERE account = ?", (account.id,))
    execute("DELETE FROM media_pass WHERE account = ?", (account.id,))
    for outbox, kind, message, state in rows(execute, "SELECT id, kind, message, state FROM outbox WHERE account = ?", (account.id,)):
        if kind == "text" and state != "accepted":
            message_state(execute, home.events, account.id, message, MessageState.REFUSED, now, reason="account.revoked")
        done_with(execute, outbox)
    waiting = (
        "SELECT message FROM message WHERE account = ? AND mine = 1 AND state = 'queued' AND message IN"
        " (SELECT o.message FROM group_outbox o JOIN mls_group g ON g.id = o.mls_group WHERE g.account = ?)"
    )
    for (message,) in rows(execute, waiting, (account.id, account.id)):
        message_state(execute, home.events, account.id, message, MessageState.REFUSED, now, reason="account.revoked")
    execute("DELETE FROM group_outbox WHERE mls_group IN (SELECT id FROM mls_group WHERE account = ?)", (account.id,))
    home.events.record(execute, str(account.address), "account.revoked", now, device=account.device.hex())


def let_in(execute: Execute, home: Home, account: Account) -> None:
    """The homeserver takes this device's login again."""
    execute("UPDATE account SET state = ? WHERE id = ?", (AccountState.ACTIVE.value, account.id))
    execute("UPDATE own_device SET listed = 1 WHERE account = ? AND device = ?", (account.id, account.device))
    home.events.record(execute, str(account.address), "account.active", home.clock())


def forget_device(execute: Execute, account: int) -> None:
    """Make room for the keys of a new device of the same account on this node; the log, the contacts and the decisions stay.

    It is linked by the primary, so it is none any more: it keeps neither the user key nor the recovery words (P36).
    """
    for table in _OF_DEVICE:
        execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608 - the names above
    execute("DELETE FROM person_device WHERE account = ? AND person = 0", (account,))
    for table in ("group_wish", "group_outbox", "group_said", "group_arrival"):
        execute(f"DELETE FROM {table} WHERE mls_group IN (SELECT id FROM mls_group WHERE account = ?)", (account,))  # noqa: S608 - one of four names
    execute(
        "UPDATE mls_group SET state = 'removed', token = x'', staged = x'', bundle = x'', admin_key = x'' WHERE account = ?", (account,)
    )
    execute("UPDATE conversation SET counter = 0 WHERE account = ?", (account,))
    execute("UPDATE account SET seed = x'', device_list = x'', token_until = 0, own_number = 0, resume_seq = 0 WHERE id = ?", (account,))
