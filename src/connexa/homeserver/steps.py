"""A step: one look-up, at most four claims and one request, all towards the same stranger, within a day (first-message §1).

Counted in the operation that uses it, and a "no" spends it too.
"""

from __future__ import annotations

from typing import Final

from connexa.crypto import sha256
from connexa.homeserver.passes import MAX_CLAIMS, STREAM_SECONDS, Opened
from connexa.homeserver.tables import first
from connexa.store import Execute

__all__ = ["StepUse", "bind_target", "spend_step", "target_of"]

StepUse = str
_MOST: Final[dict[StepUse, int]] = {"lookups": 1, "claims": MAX_CLAIMS, "requests": 1}
_DEAD: Final = b"\0"  # the target of a step whose look-up found nobody
_ASKING: Final = b"\1"  # the target while a look-up by name is under way: until it is answered the step is for nobody


def target_of(domain: str, user: bytes) -> bytes:
    """How a step remembers whom it is towards."""
    return sha256(domain.encode(), b"\0", user)


def spend_step(execute: Execute, step: Opened, use: StepUse, now: float, target: bytes = b"") -> bool:
    """Use a step once more, for `target` where the user is known already; False where that is not in it."""
    row = first(execute, f"SELECT {use}, target, opened FROM spent_pass WHERE hash = ?", (step.hash,))  # noqa: S608 - one of three names
    if row is None or row[0] >= _MOST[use] or now >= row[2] + STREAM_SECONDS:
        return False
    bound = row[1]
    if (bound and bound != target) or not (target or use == "lookups"):
        return False
    execute(f"UPDATE spent_pass SET {use} = {use} + 1, target = ? WHERE hash = ?", (target or _ASKING, step.hash))  # noqa: S608
    return True


def bind_target(execute: Execute, step: Opened, target: bytes) -> None:
    """Bind a step to the person whom its look-up by name has found; to nobody where there was none."""
    execute("UPDATE spent_pass SET target = ? WHERE hash = ? AND target = ?", (target or _DEAD, step.hash, _ASKING))
