"""The guards of groups that go on at another hub, in the node."""

from __future__ import annotations

from tests.mutation.guard import Guard

__all__ = ["MOVING_GUARDS"]

ADMINS = ("tests/node/groups/test_admins.py",)
MOVING = ("tests/node/groups/test_moving.py",)

MOVING_GUARDS = (
    Guard(
        "who has gone signs no take-over",
        "node/groups/admins.py",
        "if sum(one.key in present for one in signed.signatures) < admins.needed:",
        also=ADMINS,
    ),
    Guard(
        "the hub is told the keys of the admins' devices",
        "node/groups/admins.py",
        "if read == known or read.keys != tuple(key for _, key in after.admin_keys):",
        also=ADMINS,
    ),
    Guard(
        "a fallback is somebody's home",
        "node/groups/admins.py",
        "if not set(read.fallback_hubs) <= {person.address.domain for person in after.people}:",
        also=ADMINS,
    ),
    Guard(
        "two devices have two places",
        "node/groups/rules.py",
        "if any(card.token_hash == other.token_hash or alias_of(card) == alias_of(other) for other in cards):",
        also=ADMINS,
    ),
    Guard(
        "a homeserver alone leads no group away",
        "node/groups/moving.py",
        "proof = checked_record(row.shared, record).SerializeToString()",
        "proof = record.SerializeToString()",
        MOVING,
    ),
    Guard(
        "what somebody lacks is said again",
        "node/groups/messages.py",
        "say_again(execute, home, account, group, said)",
        "pass",
        MOVING,
    ),
)
