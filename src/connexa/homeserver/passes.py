"""Passes: blind tokens that logged-in devices fetch ahead and that open submit links without a login (first-message §1).

A weekly VOPRF key issues; it and the one before it redeem. A pass is spent with its use, on a stream of envelopes or on one step towards
one stranger, and the same pass opens that again later. Media passes are counted apart, are under a key of their own that follows from the
same seed, and pay for an upload.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connexa.crypto import Rng, equal
from connexa.crypto.voprf import MAX_BATCH, VoprfSecret, evaluate_batch, redeem
from connexa.errors import RefusedError
from connexa.homeserver.tables import Query, first
from connexa.identity import UserId
from connexa.pairwise import media_pass_proof, pass_id, pass_proof, pass_spent_key, week_of
from connexa.store import Execute, Store, Writer
from connexa.wire import OURS, VersionRange, malformed
from connexa.wire.v1.keys_pb2 import PassKey
from connexa.wire.v1.link_pb2 import PassesReply, PassShow
from connexa.wire.v1.media_pb2 import MediaPass

__all__ = ["MAX_CLAIMS", "STREAM_SECONDS", "Opened", "PassKeys", "is_spent", "open_pass", "prune_pass_keys", "prune_spent"]

STREAM_SECONDS: Final = 86_400
MAX_CLAIMS: Final = 4
INPUT_SIZE: Final = 32
MEDIA_INFO: Final = b"Connexa/1 media pass"
KEPT_WEEKS: Final = 7  # a spent pass is shown again for outcomes, thirty days after its last day


def pass_refused() -> RefusedError:
    """One answer for a pass that is unknown, forged, stale or spent on something else."""
    return RefusedError("pass.refused", "This pass opens nothing.")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a pass has opened: a stream or a step, and how much of it is used."""

    hash: bytes
    stream: bytes
    use: int
    opened: int
    target: bytes
    last_number: int
    lookups: int
    claims: int
    requests: int


_COLUMNS: Final = "hash, stream, use, opened, target, last_number, lookups, claims, requests"


class PassKeys:
    """The weekly keys: made when their week begins, published for two weeks, kept until nobody comes back for outcomes."""

    def __init__(self, database: Store, writer: Writer, rng: Rng) -> None:
        self._database = database
        self._writer = writer
        self._rng = rng
        self._keys: dict[tuple[int, bool], VoprfSecret] = {}

    async def ensure(self, now: float) -> bool:
        """Make this week's key if it is not there; True where it is new."""
        week = week_of(now)
        if self._find(week) is not None:
            return False
        seed = self._rng(32)
        await self._writer.run(
            lambda execute: execute("INSERT INTO pass_key (id, secret) VALUES (?, ?) ON CONFLICT DO NOTHING", (week, seed))
        )
        return True

    def published(self, now: float, *, media: bool = False) -> tuple[PassKey, ...]:
        """The keys that new passes are taken under, for the server info."""
        found = ((week, self._find(week, media)) for week in (week_of(now) - 1, week_of(now)))
        return tuple(PassKey(id=week, key=key.public.raw) for week, key in found if key is not None)

    async def issue(self, user: UserId, blinded: Sequence[bytes], now: float, per_day: int, *, media: bool = False) -> PassesReply:
        """Evaluate blinded inputs under this week's key, within the account's number for the day."""
        if not 1 <= len(blinded) <= min(per_day, MAX_BATCH):
            raise malformed("it asks for no pass, or for too many at once")
        await self.ensure(now)
        week = week_of(now)
        key = self._find(week, media)
        if key is None:
            raise pass_refused()
        if not await self._writer.run(lambda execute: _count_issue(execute, (user, int(now) // 86_400, media), len(blinded), per_day)):
            raise RefusedError("rate.limited", "This account has had its passes for today.", retryable=True)
        evaluated, proof = await asyncio.to_thread(evaluate_batch, key, list(blinded), self._rng)  # milliseconds of arithmetic
        return PassesReply(key=week, evaluated=evaluated, proof=proof)

    def check_shown(self, shown: PassShow, *, node: VersionRange, nonce: bytes, now: float) -> None:
        """Raise `pass.refused` unless this is a pass of ours, shown on this connection."""
        key = self._find(shown.key) if week_of(now) - KEPT_WEEKS <= shown.key <= week_of(now) else None
        if key is None or len(shown.input) != INPUT_SIZE:
            raise pass_refused()
        proof = pass_proof(redeem(key, shown.input), node=node, server=OURS, nonce=nonce)
        if not equal(proof, shown.proof):
            raise pass_refused()

    def check_media(self, shown: Sequence[MediaPass], blob: bytes, write_hash: bytes, segments: int, now: float) -> list[bytes]:
        """The spent keys of media passes that pay for this upload, or `pass.refused`."""
        spent = []
        for one in shown:
            key = self._find(one.key, media=True) if week_of(now) - 1 <= one.key <= week_of(now) else None
            if key is None or len(one.input) != INPUT_SIZE:
                raise pass_refused()
            if not equal(media_pass_proof(redeem(key, one.input), blob, write_hash, segments), one.proof):
                raise pass_refused()
            spent.append(pass_spent_key(one.input))
        return spent

    def _find(self, week: int, media: bool = False) -> VoprfSecret | None:
        if (week, media) not in self._keys:
            row = self._database.first("SELECT secret FROM pass_key WHERE id = ?", (week,))
            if row is None:
                return None
            self._keys[week, media] = VoprfSecret(row[0], MEDIA_INFO if media else b"")
        return self._keys[week, media]


def is_spent(query: Query, token_input: bytes) -> Opened | None:
    """What this pass has opened before."""
    row = first(query, f"SELECT {_COLUMNS} FROM spent_pass WHERE hash = ?", (pass_spent_key(token_input),))  # noqa: S608 - constants
    return Opened(*row) if row else None


def open_pass(execute: Execute, shown: PassShow, now: float) -> Opened:
    """Spend a pass that was checked on its use, or open again what it opened before."""
    if shown.use not in (PassShow.STREAM, PassShow.STEP):
        raise malformed("its pass is for no known use")
    known = is_spent(execute, shown.input)
    if known is not None:
        if known.use != shown.use:
            raise pass_refused()
        return known
    if not week_of(now) - 1 <= shown.key <= week_of(now):
        raise pass_refused()  # an older key opens again what was opened, and nothing new
    row = (pass_spent_key(shown.input), pass_id(shown.input), int(shown.use), int(now))
    execute("INSERT INTO spent_pass (hash, stream, use, opened) VALUES (?, ?, ?, ?)", row)
    return Opened(*row, b"", 0, 0, 0, 0)


def prune_spent(execute: Execute, now: float, limit: int) -> int:
    """Forget some of the passes whose key nobody can show any more."""
    before = int(now) - (KEPT_WEEKS + 1) * 604_800
    gone = execute(
        "DELETE FROM spent_pass WHERE hash IN (SELECT hash FROM spent_pass WHERE opened < ? LIMIT ?) RETURNING use", (before, limit)
    )
    return len(gone.fetchall())


def prune_pass_keys(execute: Execute, now: float) -> None:
    """Forget keys that nobody shows any more, and old counts."""
    week = week_of(now)
    execute("DELETE FROM pass_key WHERE id < ?", (week - KEPT_WEEKS,))
    execute("DELETE FROM pass_issue WHERE day < ?", (int(now) // 86_400 - 2,))


def _count_issue(execute: Execute, of: tuple[UserId, int, bool], count: int, per_day: int) -> bool:
    execute("INSERT INTO pass_issue (user, day, media, count) VALUES (?, ?, ?, 0) ON CONFLICT DO NOTHING", of)
    changed = execute(
        "UPDATE pass_issue SET count = count + ? WHERE user = ? AND day = ? AND media = ? AND count + ? <= ? RETURNING count",
        (count, *of, count, per_day),
    ).fetchall()
    return bool(changed)
