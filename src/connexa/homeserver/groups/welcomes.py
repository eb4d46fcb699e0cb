"""Welcomes in custody: kept for a device until it has joined, 60 days (groups §5.8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connexa.crypto import sha256
from connexa.homeserver.groups.aliases import device_of
from connexa.homeserver.settings import LimitSettings
from connexa.homeserver.tables import Query, first, marks
from connexa.identity import DeviceId
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupWelcome, KeptWelcome, WelcomesReply

__all__ = ["MAX_WELCOME", "WELCOME_LIFE", "done", "expire_welcomes", "keep_welcome", "waiting", "welcome_fits"]

WELCOME_LIFE: Final = 60 * 86_400
MAX_WELCOME: Final = 200 * 1024  # one has to fit into a frame
MAX_EXTRA: Final = 1_024
MAX_REF: Final = 64
PAGE: Final = 256
PAGE_BYTES: Final = MAX_WELCOME + MAX_EXTRA


def welcome_fits(welcome: GroupWelcome) -> bool:
    """Whether a Welcome has the sizes of one."""
    return 1 <= len(welcome.welcome) <= MAX_WELCOME and 1 <= len(welcome.ref) <= MAX_REF and len(welcome.extra) <= MAX_EXTRA


def keep_welcome(execute: Execute, welcome: GroupWelcome, hub: str, limits: LimitSettings, now: float) -> tuple[DeviceId | None, bool]:
    """Store a Welcome for the device behind its alias; returns the device, and False where it has to come again because there is no room.

    One for nobody, or that came before, is done.
    """
    device = device_of(execute, welcome.alias)
    if device is None:
        return None, True
    kept = KeptWelcome(alias=welcome.alias, hub=hub, ref=welcome.ref, welcome=welcome.welcome, extra=welcome.extra, seq=welcome.seq)
    kept.id = sha256(welcome.alias, welcome.ref, welcome.welcome)
    if first(execute, "SELECT 1 FROM welcome WHERE id = ?", (kept.id,)) is not None:
        return device, True
    raw = kept.SerializeToString()
    load = first(execute, "SELECT count(*), coalesce(sum(size), 0) FROM welcome WHERE device = ?", (device,)) or (0, 0)
    if load[0] >= limits.welcomes or load[1] + len(raw) > limits.welcomes_bytes:
        return device, False
    execute(
        "INSERT INTO welcome (id, device, size, expires, kept) VALUES (?, ?, ?, ?, ?)",
        (kept.id, device, len(raw), int(now) + WELCOME_LIFE, raw),
    )
    return device, True


def waiting(query: Query, device: DeviceId) -> WelcomesReply:
    """The oldest Welcomes of a device, as many as fit into one answer."""
    reply, room, last = WelcomesReply(), PAGE_BYTES, 0
    for seq, size in query("SELECT seq, size FROM welcome WHERE device = ? ORDER BY seq LIMIT ?", (device, PAGE)):
        room -= size
        if room < 0 and last:
            reply.more = True
            break
        last = seq
    for (raw,) in query("SELECT kept FROM welcome WHERE device = ? AND seq <= ? ORDER BY seq", (device, last)):
        reply.welcomes.append(KeptWelcome.FromString(raw))
    return reply


def done(execute: Execute, device: DeviceId, ids: Sequence[bytes]) -> None:
    """Forget Welcomes that a device has joined by."""
    execute(f"DELETE FROM welcome WHERE device = ? AND id IN ({marks(len(ids))})", (device, *ids))  # noqa: S608 - marks alone


def expire_welcomes(execute: Execute, now: float, limit: int) -> int:
    """Forget some of those whose time is over."""
    sql = "DELETE FROM welcome WHERE seq IN (SELECT seq FROM welcome WHERE expires <= ? LIMIT ?) RETURNING seq"
    return len(execute(sql, (int(now), limit)).fetchall())
