"""A person's new key takes the place of the old one: what waits is said to the new key, and the log of both is shown as one.

Each key keeps its own conversation, whose id and counters belong to two keys (first-message §3); nothing said to the old key has a
place in the new one's count, so none of it is ever sent again to the new key.
"""

from __future__ import annotations

from connexa.content import NOTHING_SEEN, last_seen_hash
from connexa.node.account import Account
from connexa.node.home import Query, first, rows
from connexa.node.log import conversation_of, next_counter
from connexa.node.people import Person, person_of
from connexa.store import Execute

__all__ = ["hand_over", "lineage", "newest_key", "successor_of"]


def successor_of(query: Query, person: Person) -> Person | None:
    """Whose key has the place of this one now."""
    row = first(query, "SELECT id FROM person WHERE account = ? AND replaces = ? AND replaces != x''", (person.account, person.user))
    return person_of(query, row[0]) if row else None


def newest_key(query: Query, person: Person) -> Person:
    """The person as they are now, under whichever key."""
    seen = {person.id}
    while (heir := successor_of(query, person)) is not None and heir.id not in seen:
        person = heir
        seen.add(person.id)
    return person


def lineage(query: Query, person: int) -> list[int]:
    """The conversations with a person under this and all earlier keys, the newest key's first."""
    found = query(
        "WITH RECURSIVE key (id, account, replaces, age) AS (SELECT id, account, replaces, 0 FROM person WHERE id = ?"
        " UNION SELECT p.id, p.account, p.replaces, key.age + 1 FROM key JOIN person p"
        "  ON p.account = key.account AND p.user = key.replaces AND key.replaces != x'' AND key.age < 64)"
        " SELECT c.id FROM key JOIN conversation c ON c.account = key.account AND c.person = key.id ORDER BY key.age",
        (person,),
    )
    return [row[0] for row in found]


def hand_over(execute: Execute, account: Account, old: Person, new: Person) -> None:
    """Let the new key have what waits to be encrypted, in order and in its own count."""
    execute("DELETE FROM outbox WHERE person = ? AND kind = 'again'", (old.id,))  # a repetition is for the device that asked
    conversation = conversation_of(execute, account, new)
    execute(
        "UPDATE conversation SET (muted, archived, pinned, favourite) ="
        " (SELECT muted, archived, pinned, favourite FROM conversation WHERE account = ? AND person = ?)"
        " WHERE id = ? AND EXISTS (SELECT 1 FROM conversation WHERE account = ? AND person = ?)",
        (account.id, old.id, conversation, account.id, old.id),
    )
    waiting = rows(execute, "SELECT id, kind, message, content FROM outbox WHERE person = ? AND state = 'waiting' ORDER BY id", (old.id,))
    for outbox, kind, message, content in waiting:
        counter, last_seen = next_counter(execute, conversation) if kind == "text" else (0, NOTHING_SEEN)
        execute("UPDATE outbox SET person = ?, counter = ?, last_seen = ? WHERE id = ?", (new.id, counter, last_seen, outbox))
        if kind == "text":
            execute(
                "UPDATE message SET conversation = ?, counter = ? WHERE account = ? AND sender = ? AND message = ?",
                (conversation, counter, account.id, account.user_id, message),
            )
            execute("UPDATE conversation SET newest = ? WHERE id = ?", (last_seen_hash(message, content), conversation))
