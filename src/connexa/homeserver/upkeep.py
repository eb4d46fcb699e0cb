"""Deleting what has had its time, a little at a time through the one writer, so that nobody waits behind it (homeserver §3.3)."""

from __future__ import annotations

from typing import Final

from connexa.homeserver.accounts import forget_deleted
from connexa.homeserver.doors import prune_doors
from connexa.homeserver.mailbox import CHUNK, expire
from connexa.homeserver.passes import prune_passes
from connexa.homeserver.prekeys import prune
from connexa.store import Execute, Writer

__all__ = ["sweep"]

MAX_ROUNDS: Final = 64  # pieces of one sweep; what is left waits for the next


async def sweep(writer: Writer, now: float) -> int:
    """Delete what is over; returns how many envelopes expired."""
    expired = 0
    for _ in range(MAX_ROUNDS):
        gone = await writer.run(lambda execute: expire(execute, now))
        expired += gone
        if gone < CHUNK:
            break
    await writer.run(lambda execute: _prune(execute, now))
    return expired


def _prune(execute: Execute, now: float) -> None:
    prune(execute, now)
    prune_doors(execute, now)
    prune_passes(execute, now)
    forget_deleted(execute, now)
    execute("DELETE FROM account_invite WHERE expires <= ?", (int(now),))
    execute("DELETE FROM used_right WHERE id IN (SELECT id FROM used_right WHERE expires <= ? LIMIT ?)", (int(now), CHUNK))
    execute("DELETE FROM outcome WHERE expires <= ?", (int(now),))
