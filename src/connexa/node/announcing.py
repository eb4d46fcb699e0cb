"""What faces hear of a new entry: of one that shows by itself that it is new, of one about another that the other has changed."""

from __future__ import annotations

from connexa.node.account import Account
from connexa.node.entry import Entry, columns_of
from connexa.node.home import Home, first
from connexa.node.views import TrustTier
from connexa.store import Execute

__all__ = ["announce"]


def announce(execute: Execute, home: Home, account: Account, conversation: int, entry: Entry, cursor: int, trust: TrustTier | None) -> None:
    """Tell of an entry that has come into a log; `trust` is what stands behind somebody else who said it."""
    shown = columns_of(entry.body, entry.sender)
    row = first(execute, "SELECT public FROM conversation WHERE id = ?", (conversation,))
    fields: dict[str, str | int | bool] = {"conversation": row[0].hex() if row else "", "mine": entry.mine}
    if trust is not None:
        fields["trust"] = trust.value
    if not shown.target:
        fields |= {"id": entry.message.hex(), "cursor": cursor}
        home.events.record(execute, str(account.address), "message.new", home.clock(), **fields)
        return
    sql = "SELECT message, cursor FROM message WHERE account = ? AND sender = ? AND message = ? AND conversation = ?"
    target = first(execute, sql, (account.id, shown.target_user, shown.target, conversation))
    if target is not None:  # else it shows once its target is here
        fields |= {"id": target[0].hex(), "cursor": target[1], "what": shown.kind}
        home.events.record(execute, str(account.address), "message.changed", home.clock(), **fields)
