"""The private halves of what this device leaves at its homeserver, and what is due to be made and uploaded (pairwise §1, P29, P47, P51).

A one-time key goes in the transaction that uses it. Replaced and expired keys stay for a while, for mail that was under way.
"""

from __future__ import annotations

from dataclasses import dataclass

from connexa.crypto import HybridSecret, Kind, MlKemSecret, Rng, X25519Secret
from connexa.node.account import Account
from connexa.node.home import Query, first, returned
from connexa.node.stored import stored_seal_secret
from connexa.pairwise import (
    KEEP_OLD,
    ONE_TIME_POOL,
    ONE_TIME_REFILL,
    PREKEY_LIFE,
    ROTATE_AFTER,
    SEAL_KEY_WEEKS,
    Initial,
    PrekeyOwner,
    ResponderSecrets,
    make_last_resort,
    make_one_time,
    make_seal_key,
    make_signed_prekey,
    week_of,
)
from connexa.store import Execute
from connexa.wire import WEEK_SECONDS
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import PutPrekeys

__all__ = [
    "Upload",
    "forget_old_prekeys",
    "forget_one_time",
    "initial_seen",
    "make_due_prekeys",
    "mark_uploaded",
    "pending_upload",
    "remember_initial",
    "renew_prekeys",
    "responder_secrets",
    "seal_secret",
]


def seal_secret(query: Query, account: int, week: int) -> HybridSecret | None:
    """The private half of the sealed-sender key of a week."""
    row = first(query, "SELECT secret FROM prekey WHERE account = ? AND type = 'sek' AND id = ?", (account, week))
    return stored_seal_secret(row[0]) if row else None


def responder_secrets(query: Query, account: int, initial: Initial) -> ResponderSecrets | None:
    """The private keys that an initial message names, or None where one of them is gone."""
    sql = "SELECT secret FROM prekey WHERE account = ? AND type = ? AND id = ?"
    spk = first(query, sql, (account, Kind.SPK.value, initial.spk))
    kem = first(query, sql, (account, (Kind.OTP if initial.one_time else Kind.KEM_LR).value, initial.kem))
    if spk is None or kem is None:
        return None
    signed = X25519Secret.from_bytes(spk[0])
    if initial.one_time:
        return ResponderSecrets.with_pair(signed, HybridSecret.from_seed(kem[0]))
    return ResponderSecrets(signed, MlKemSecret.from_seed(kem[0]), None)


def initial_seen(query: Query, account: int, initial: Initial) -> set[bytes]:
    """The ephemeral keys that came for the same prekeys before."""
    sql = "SELECT ephemeral FROM initial_seen WHERE account = ? AND spk = ? AND kem = ?"
    return {row[0] for row in query(sql, (account, initial.spk, initial.kem))}


def remember_initial(execute: Execute, account: int, initial: Initial, now: float) -> None:
    """Remember an initial message for as long as its prekeys may live, so that it never delivers twice (P06)."""
    execute(
        "INSERT OR IGNORE INTO initial_seen (account, spk, kem, ephemeral, until) VALUES (?, ?, ?, ?, ?)",
        (account, initial.spk, initial.kem, initial.ephemeral.raw, int(now) + PREKEY_LIFE + KEEP_OLD),
    )


def forget_one_time(execute: Execute, account: int, number: int) -> None:
    """Delete a one-time key in the transaction that used it (P07)."""
    execute("DELETE FROM prekey WHERE account = ? AND type = 'otp' AND id = ?", (account, number))


@dataclass(frozen=True, slots=True)
class Upload:
    """Public halves that the homeserver does not have yet, and the rows to mark when it has them."""

    request: PutPrekeys
    keys: tuple[tuple[str, int], ...]


def renew_prekeys(execute: Execute, account: Account, rng: Rng, now: float) -> None:
    """Take back everything that the homeserver hands out: this store is older than it, and lacks the private halves of some of it."""
    execute("UPDATE prekey_number SET number = max(number, ?) WHERE account = ?", (int(now) - _YEAR_2026, account.id))
    execute("UPDATE account SET prekeys_anew = 1 WHERE id = ?", (account.id,))
    # Of past weeks it takes no key, and refuses an upload with one as a whole.
    execute("UPDATE prekey SET uploaded = 0 WHERE account = ? AND type = ? AND expires > ?", (account.id, Kind.SEK.value, int(now)))
    make_due_prekeys(execute, account, 0, rng, now, renew=True)


def make_due_prekeys(execute: Execute, account: Account, left: int, rng: Rng, now: float, *, renew: bool = False) -> None:
    """Make whatever is due; `left` is how many one-time keys the homeserver still has, `renew` makes the others as well."""
    owner = PrekeyOwner(account.user_id, account.device, account.dsk)
    if renew or _newest(execute, account.id, Kind.SPK) < now + PREKEY_LIFE - ROTATE_AFTER:
        number = _next_number(execute, account.id, Kind.SPK)
        signed, spk = make_signed_prekey(owner, number, now, rng)
        _store(execute, account.id, Kind.SPK, number, spk.raw, signed, now)
    if renew or _newest(execute, account.id, Kind.KEM_LR) < now + PREKEY_LIFE - ROTATE_AFTER:
        number = _next_number(execute, account.id, Kind.KEM_LR)
        signed, last_resort = make_last_resort(owner, number, now, rng)
        _store(execute, account.id, Kind.KEM_LR, number | _LAST_RESORT, last_resort.seed, signed, now)
    for week in range(week_of(now), week_of(now) + SEAL_KEY_WEEKS + 1):
        if seal_secret(execute, account.id, week) is None:
            signed, seal = make_seal_key(owner, week, rng)
            _store(execute, account.id, Kind.SEK, week, seal.seed, signed, now)
    waiting = first(execute, "SELECT count(*) FROM prekey WHERE account = ? AND type = 'otp' AND uploaded = 0", (account.id,))
    here = left + int(waiting[0] if waiting else 0)
    if here <= ONE_TIME_REFILL:
        for _ in range(ONE_TIME_POOL - here):
            number = _next_number(execute, account.id, Kind.OTP)
            signed, pair = make_one_time(owner, number, now, rng)
            _store(execute, account.id, Kind.OTP, number, pair.seed, signed, now)


_LAST_RESORT = 1 << 31
_YEAR_2026 = 1_767_225_600  # seconds since then are numbers that no store has given, however often and to whatever copy it was put back


def _newest(query: Query, account: int, kind: Kind) -> float:
    row = first(query, "SELECT coalesce(max(expires), 0) FROM prekey WHERE account = ? AND type = ?", (account, kind.value))
    return float(row[0]) if row else 0.0


def _next_number(execute: Execute, account: int, kind: Kind) -> int:
    """The next number of a kind; none is given twice, though the newest row may be gone."""
    sql = (
        "INSERT INTO prekey_number (account, type, number) VALUES (?, ?, 1)"
        " ON CONFLICT (account, type) DO UPDATE SET number = number + 1 RETURNING number"
    )
    return int(returned(execute, sql, (account, kind.value)))


def _store(execute: Execute, account: int, kind: Kind, number: int, secret: bytes, signed: Signed, now: float) -> None:
    if kind is Kind.SEK:
        expires = (number + 1) * WEEK_SECONDS
        starts = number * WEEK_SECONDS
    else:
        expires, starts = int(now) + PREKEY_LIFE, 0
    execute(
        "INSERT INTO prekey (account, type, id, secret, prekey, starts, expires, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (account, kind.value, number, secret, signed.SerializeToString(), starts, expires, expires + KEEP_OLD),
    )


def pending_upload(query: Query, account: int) -> Upload | None:
    """What the homeserver does not have yet: one call's worth."""
    anew = first(query, "SELECT prekeys_anew FROM account WHERE id = ?", (account,))
    request = PutPrekeys(anew=bool(anew and anew[0]))
    keys: list[tuple[str, int]] = []
    sql = "SELECT type, id, prekey FROM prekey WHERE account = ? AND uploaded = 0 ORDER BY type, id LIMIT 128"
    for kind, number, raw in query(sql, (account,)):
        signed = Signed.FromString(raw)
        match Kind(kind):
            case Kind.SPK:
                request.spk.CopyFrom(signed)
            case Kind.KEM_LR:
                request.last_resort.CopyFrom(signed)
            case Kind.OTP:
                request.one_time.append(signed)
            case _:
                request.seks.append(signed)
        keys.append((kind, number))
    return Upload(request, tuple(keys)) if keys else None


def mark_uploaded(execute: Execute, account: int, upload: Upload) -> None:
    """Note that the homeserver has these keys."""
    for kind, number in upload.keys:
        execute("UPDATE prekey SET uploaded = 1 WHERE account = ? AND type = ? AND id = ?", (account, kind, number))
    execute("UPDATE account SET prekeys_anew = 0 WHERE id = ?", (account,))


def forget_old_prekeys(execute: Execute, now: float) -> None:
    """Delete private keys whose time is over, and the memory of initial messages that only they could open (P51)."""
    execute("DELETE FROM prekey WHERE until < ?", (int(now),))
    execute("DELETE FROM initial_seen WHERE until < ?", (int(now),))
