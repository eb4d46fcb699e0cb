"""Prekeys of devices: uploaded signed, handed out once (first-message §6, P02, P47).

Every signature is checked when it is uploaded, and again by whoever gets the key. A one-time key is deleted in the operation that hands it
out; when none is left the last-resort key goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from connexa.crypto import Kind
from connexa.errors import RefusedError
from connexa.homeserver.tables import Query, first
from connexa.identity import DeviceCertificate, DeviceId, UserId
from connexa.pairwise import KEEP_OLD, read_prekey, week_of
from connexa.store import Execute
from connexa.wire import WEEK_SECONDS
from connexa.wire.v1.keys_pb2 import PrekeyBundle, Signed
from connexa.wire.v1.link_pb2 import PrekeyStatusReply, PutPrekeys

__all__ = ["Checked", "check_upload", "claim", "keep_upload", "prekey_status", "prune_prekeys", "seal_keys", "signed_of"]

MAX_SEKS: Final = 12


def signed_of(raw: bytes) -> Signed:
    """A statement as it is stored."""
    return Signed.FromString(raw)


@dataclass(frozen=True, slots=True)
class Checked:
    """A prekey whose signature and fields hold, ready to be stored."""

    kind: Kind
    id: int
    starts: int
    expires: int
    raw: bytes


def check_upload(upload: PutPrekeys, certificate: DeviceCertificate, now: float, *, pool: int) -> list[Checked]:
    """Check an upload whole before any of it is stored."""
    if len(upload.one_time) > pool or len(upload.seks) > MAX_SEKS:
        raise RefusedError("prekey.too_many", "That are more prekeys than are kept here.")
    given: list[tuple[Kind, Signed]] = []
    if upload.HasField("spk"):
        given.append((Kind.SPK, upload.spk))
    if upload.HasField("last_resort"):
        given.append((Kind.KEM_LR, upload.last_resort))
    given += [(Kind.OTP, signed) for signed in upload.one_time]
    given += [(Kind.SEK, signed) for signed in upload.seks]
    return [_check(kind, signed, certificate, now) for kind, signed in given]


def _check(kind: Kind, signed: Signed, certificate: DeviceCertificate, now: float) -> Checked:
    prekey = read_prekey(kind, signed, certificate, now)
    if kind is Kind.SEK and not week_of(now) - 1 <= prekey.id <= week_of(now) + MAX_SEKS:
        raise RefusedError("prekey.too_many", "A sealed-sender key is for a week that is too far away.")
    starts = prekey.id * WEEK_SECONDS if kind is Kind.SEK else 0
    return Checked(kind, prekey.id, starts, prekey.expires, signed.SerializeToString())


def keep_upload(execute: Execute, device: DeviceId, checked: Iterable[Checked], *, pool: int, anew: bool = False) -> None:
    """Store checked prekeys; a new signed prekey or last-resort key takes the place of the old one, and `anew` drops the one-time keys."""
    if anew:
        execute("DELETE FROM prekey WHERE device = ? AND type = 'otp'", (device,))
    for prekey in checked:
        if prekey.kind in (Kind.SPK, Kind.KEM_LR):
            execute("DELETE FROM prekey WHERE device = ? AND type = ?", (device, prekey.kind.value))
        execute(
            "INSERT INTO prekey (device, type, id, starts, expires, prekey) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device, type, id)"
            " DO UPDATE SET starts = excluded.starts, expires = excluded.expires, prekey = excluded.prekey",
            (device, prekey.kind.value, prekey.id, prekey.starts, prekey.expires, prekey.raw),
        )
    # The newest stay: of the oldest, the private half may be gone.
    execute(
        "DELETE FROM prekey WHERE device = ? AND type = 'otp' AND id IN"
        " (SELECT id FROM prekey WHERE device = ? AND type = 'otp' ORDER BY id DESC LIMIT 1000000000 OFFSET ?)",
        (device, device, pool),
    )


def prekey_status(query: Query, device: DeviceId, now: float) -> PrekeyStatusReply:
    """What is left of a device's prekeys."""
    reply = PrekeyStatusReply(one_time=one_time_left(query, device, now))
    if (row := _single(query, device, Kind.SPK, now)) is not None:
        reply.spk = row[0]
    if (row := _single(query, device, Kind.KEM_LR, now)) is not None:
        reply.last_resort = row[0]
    seks = first(query, "SELECT max(expires) FROM prekey WHERE device = ? AND type = 'sek'", (device,))
    reply.sek_until = int(seks[0] or 0) if seks else 0
    return reply


def one_time_left(query: Query, device: DeviceId, now: float) -> int:
    """How many one-time keys are in the pool."""
    row = first(query, "SELECT count(*) FROM prekey WHERE device = ? AND type = 'otp' AND expires > ?", (device, int(now)))
    return int(row[0]) if row else 0


def seal_keys(query: Query, user: UserId, now: float) -> list[Signed]:
    """This week's sealed-sender keys of a person's devices, one each."""
    rows = query(
        "SELECT p.prekey FROM device d JOIN prekey p ON p.device = d.device AND p.type = 'sek' AND p.id = ?"
        " WHERE d.user = ? ORDER BY d.device",
        (week_of(now), user),
    )
    return [signed_of(row[0]) for row in rows]


def claim(
    execute: Execute, user: UserId, devices: Sequence[bytes], now: float, *, spend: bool = True
) -> list[tuple[DeviceId, PrekeyBundle]]:
    """Hand out one bundle for each of these devices (none named: all) that can be sent to; `spend` False saves one-time keys."""
    rows = list(execute("SELECT device, certificate FROM device WHERE user = ? ORDER BY device", (user,)))
    wanted = [(DeviceId(device), certificate) for device, certificate in rows if not devices or device in devices]
    bundles = []
    for device, certificate in wanted:
        spk = _single(execute, device, Kind.SPK, now)
        sek = first(execute, "SELECT id, prekey FROM prekey WHERE device = ? AND type = 'sek' AND id = ?", (device, week_of(now)))
        one_time = (_take_one_time(execute, device, now) if spend and spk and sek else None) or _single(execute, device, Kind.KEM_LR, now)
        if spk and sek and one_time:  # else it has been away for too long: no target of new sessions
            bundle = PrekeyBundle(
                certificate=signed_of(certificate), spk=signed_of(spk[1]), sek=signed_of(sek[1]), one_time=signed_of(one_time[1])
            )
            bundles.append((device, bundle))
    return bundles


def _take_one_time(execute: Execute, device: DeviceId, now: float) -> tuple[int, bytes] | None:
    row = first(
        execute,
        "DELETE FROM prekey WHERE device = ? AND type = 'otp' AND id ="
        " (SELECT min(id) FROM prekey WHERE device = ? AND type = 'otp' AND expires > ?) RETURNING id, prekey",
        (device, device, int(now)),
    )
    return (row[0], row[1]) if row else None


def _single(query: Query, device: DeviceId, kind: Kind, now: float) -> tuple[int, bytes] | None:
    row = first(query, "SELECT id, prekey FROM prekey WHERE device = ? AND type = ? AND expires > ?", (device, kind.value, int(now)))
    return (row[0], row[1]) if row else None


def prune_prekeys(execute: Execute, now: float, limit: int) -> int:
    """Delete some of what is of no use any more; last weeks' sealed-sender keys stay while mail under them may be on its way."""
    gone = execute(
        "DELETE FROM prekey WHERE (device, type, id) IN"
        " (SELECT device, type, id FROM prekey WHERE expires <= ? AND (type = 'otp' OR expires <= ?) LIMIT ?) RETURNING id",
        (int(now), int(now) - KEEP_OLD, limit),
    )
    return len(gone.fetchall())
