"""The guards of groups that go on from a commit that does not hold."""

from __future__ import annotations

from tests.mutation.guard import Guard

__all__ = ["MENDING_GUARDS"]

HUB = ("tests/homeserver/groups/test_rejects.py",)
MENDING = ("tests/node/groups/test_mending.py",)
RETURNS = ("tests/node/groups/test_returns.py",)

MENDING_GUARDS = (
    Guard("only an admin's key rejects a commit", "identity/rejects.py", "if signed.key not in admins.keys:", also=HUB),
    Guard("a rejection is for one commit", "homeserver/groups/rejects.py", "if reject.instead != sha256(bundle.commit):", also=HUB),
    Guard("of two rejections one wins", "homeserver/groups/rejects.py", "if reject.seq != row.began:", also=HUB),
    Guard("nobody gains by the record beside a bad commit", "node/groups/outside.py", "if row.disputed:", also=MENDING),
    Guard("nobody is blamed for what another may not find", "node/groups/mending.py", "None if _is_personal(error) else ", "", MENDING),
    Guard("an old copy of a store says nothing", "node/groups/intake.py", "if not group.is_own(entry.message):", "if True:", RETURNS),
)
