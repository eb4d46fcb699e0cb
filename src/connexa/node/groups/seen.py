"""Who has a message of ours in a group and who has read it, as far as they say: each tells the author alone, where the two are contacts.

Members tell by sealed receipts between two people (protocol §24): no other member learns who reads, no homeserver learns who is in a group.
"""

from __future__ import annotations

from connexa.node.events import EventLog
from connexa.node.groups.book import GroupRow, group_of
from connexa.node.groups.rules import person_in
from connexa.node.home import Query, first, rows
from connexa.node.people import person_by_user
from connexa.node.views import MessageState, SeenByView
from connexa.store import Execute

__all__ = ["early_seen", "note_seen", "seen_by", "written_in"]

_RANK = {MessageState.DELIVERED: 1, MessageState.READ: 2}


def written_in(query: Query, account: int, message: bytes) -> GroupRow | None:
    """The group in which we have said this; None where it was not in a group, or is not here."""
    row = first(
        query,
        "SELECT g.id FROM message m JOIN account a ON a.id = m.account JOIN conversation c ON c.id = m.conversation"
        " JOIN mls_group g ON g.account = c.account AND g.public = c.public"
        " WHERE m.account = ? AND m.sender = a.user AND m.message = ?",
        (account, message),
    )
    return group_of(query, row[0]) if row else None


def note_seen(execute: Execute, events: EventLog, group: GroupRow, message: bytes, user: bytes, state: MessageState, now: float) -> None:
    """A member says that they have a message of ours, or have read it; what somebody says who is not in the group counts for nothing."""
    if not group.raw_shared or person_in(group.shared, user) is None:
        return
    where = (group.account, message, user)
    known = first(execute, "SELECT state FROM group_seen WHERE account = ? AND message = ? AND user = ?", where)
    if known is not None and _RANK[MessageState(known[0])] >= _RANK[state]:
        return
    execute("INSERT OR REPLACE INTO group_seen (account, message, user, state, at) VALUES (?, ?, ?, ?, ?)", (*where, state.value, now))
    address = first(execute, "SELECT address FROM account WHERE id = ?", (group.account,))
    if address is not None:
        fields = {"id": message.hex(), "conversation": group.public.hex(), "user": user.hex(), "state": state.value}
        events.record(execute, address[0], "message.seen", now, **fields)


def early_seen(execute: Execute, events: EventLog, group: GroupRow, message: bytes) -> None:
    """Take what contacts have said of a message before it was here itself, which another own device has sent."""
    early = rows(
        execute,
        "DELETE FROM early_receipt WHERE account = ? AND message = ? RETURNING state, at, (SELECT p.user FROM person_device d"
        " JOIN person p ON p.id = d.person WHERE d.account = early_receipt.account AND d.device = early_receipt.device LIMIT 1)",
        (group.account, message),
    )
    for state, at, user in early:
        if user is not None:
            note_seen(execute, events, group, message, user, MessageState(state), at)


def seen_by(query: Query, account: int, message: bytes) -> list[SeenByView]:
    """What is known of a message of ours at each of the others in its group, and at those who have said so and are gone."""
    group = written_in(query, account, message)
    if group is None:
        return []
    said = {
        row[0]: row[1:] for row in query("SELECT user, state, at FROM group_seen WHERE account = ? AND message = ?", (account, message))
    }
    people = {person.user: str(person.address) for person in group.shared.people} if group.raw_shared else {}
    own = first(query, "SELECT user FROM account WHERE id = ?", (account,))
    return [
        _seen_by(query, account, user, people.get(user, ""), *said.get(user, ("", 0.0)))
        for user in (*people, *(user for user in said if user not in people))
        if own is None or user != own[0]
    ]


def _seen_by(query: Query, account: int, user: bytes, address: str, state: str, at: float) -> SeenByView:
    known = person_by_user(query, account, user)
    return SeenByView(
        user=user.hex(),
        address=address or (str(known.address) if known else ""),
        name=known.name if known else "",
        state=MessageState(state) if state else None,
        at=at,
    )
