"""Deleting what has had its time, a little at a time through the one writer, so that nobody waits behind it (homeserver §3.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connexa.homeserver.accounts import forget_deleted
from connexa.homeserver.doors import prune_doors
from connexa.homeserver.federation import Runs
from connexa.homeserver.groups.aliases import expire_aliases
from connexa.homeserver.groups.failover import expire_offers, expire_standbys
from connexa.homeserver.groups.key_packages import prune_packages
from connexa.homeserver.groups.ledger import clear_gone, expire_entries, expire_places
from connexa.homeserver.groups.waiting import expire_news
from connexa.homeserver.groups.welcomes import expire_welcomes
from connexa.homeserver.mailbox import CHUNK, clear_left, expire
from connexa.homeserver.passes import prune_pass_keys, prune_spent
from connexa.homeserver.prekeys import prune_prekeys
from connexa.store import Execute

__all__ = ["Upkeep"]

MAX_PIECES: Final = 64  # of one kind in one round; what is left waits for the next
RARELY: Final = 3_600.0

Piece = Callable[[Execute, float, int], int]


class Upkeep:
    """One round after the other; mail and groups' logs go in each, the rest once an hour."""

    def __init__(self, writer: Runs) -> None:
        self._writer = writer
        self._pruned_at = 0.0

    async def sweep(self, now: float) -> int:
        """Delete what is over; returns how many envelopes expired."""
        expired = await self._in_pieces(expire, now)
        for piece in (clear_left, expire_entries, clear_gone):  # as fast as they come
            await self._in_pieces(piece, now)
        if abs(now - self._pruned_at) >= RARELY:  # a clock that was set back counts too
            hubs = (expire_places, expire_news, expire_offers, expire_standbys)
            groups = (expire_welcomes, expire_aliases, prune_packages)
            for piece in (_used_rights, _outcomes, prune_prekeys, prune_spent, *hubs, *groups):
                await self._in_pieces(piece, now)
            await self._writer.run(lambda execute: _small_tables(execute, now))
            self._pruned_at = now
        return expired

    async def _in_pieces(self, piece: Piece, now: float) -> int:
        gone = 0
        for _ in range(MAX_PIECES):
            count = await self._writer.run(lambda execute: piece(execute, now, CHUNK))
            gone += count
            if count < CHUNK:
                break
        return gone


def _used_rights(execute: Execute, now: float, limit: int) -> int:
    sql = "DELETE FROM used_right WHERE id IN (SELECT id FROM used_right WHERE expires <= ? LIMIT ?) RETURNING expires"
    return len(execute(sql, (int(now), limit)).fetchall())


def _outcomes(execute: Execute, now: float, limit: int) -> int:
    sql = "DELETE FROM outcome WHERE (stream, number) IN (SELECT stream, number FROM outcome WHERE expires <= ? LIMIT ?) RETURNING number"
    return len(execute(sql, (int(now), limit)).fetchall())


def _small_tables(execute: Execute, now: float) -> None:
    prune_doors(execute, now)
    prune_pass_keys(execute, now)
    forget_deleted(execute, now)
    execute("DELETE FROM account_invite WHERE expires <= ?", (int(now),))
