"""A commit from outside that is under way: with the group that it begins it is here before the hub has it, like any other commit.

Where the answer is lost, the same commit is sent again, and the hub says whether it has taken it. Made anew it could not be known: the link
may be over by then, or the room key another, because somebody was removed behind this device's own coming.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.node.home import Query, first
from connexa.store import Execute

__all__ = ["Arrival", "arrival_of", "drop_arrival", "is_arriving", "keep_arrival"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """What goes to the hub, and what this device has once that has taken it."""

    bundle: bytes
    mls: bytes = field(repr=False)  # Group.dump
    shared: bytes = field(repr=False)


def arrival_of(query: Query, group: int) -> Arrival | None:
    """The commit by which this device comes in, if one is under way."""
    row = first(query, "SELECT bundle, mls, shared FROM group_arrival WHERE mls_group = ?", (group,))
    return Arrival(*row) if row else None


def is_arriving(query: Query, group: int) -> bool:
    """Whether the hub may have taken a commit from outside that this device does not know to be taken."""
    return first(query, "SELECT 1 FROM group_arrival WHERE mls_group = ?", (group,)) is not None


def keep_arrival(execute: Execute, group: int, arrival: Arrival) -> None:
    """Note what is sent next."""
    sql = "INSERT OR REPLACE INTO group_arrival (mls_group, bundle, mls, shared) VALUES (?, ?, ?, ?)"
    execute(sql, (group, arrival.bundle, arrival.mls, arrival.shared))


def drop_arrival(execute: Execute, group: int) -> None:
    """The hub has taken it, or never will."""
    execute("DELETE FROM group_arrival WHERE mls_group = ?", (group,))
