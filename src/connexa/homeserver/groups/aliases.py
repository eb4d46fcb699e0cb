"""Aliases: random names under which hubs know our devices, which this homeserver alone can resolve (I88)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connexa.errors import ConflictError, RefusedError
from connexa.homeserver.tables import Query, first
from connexa.identity import DeviceId
from connexa.store import Execute
from connexa.wire import malformed
from connexa.wire.v1.groups_pb2 import PutAliases

__all__ = ["ALIAS_LIFE", "ALIAS_SIZE", "change_aliases", "device_of", "drop_device_aliases", "expire_aliases", "put_alias"]

ALIAS_SIZE: Final = 32
ALIAS_LIFE: Final = 90 * 86_400


def change_aliases(execute: Execute, device: DeviceId, asked: PutAliases, now: float, most: int) -> None:
    """Register or renew aliases of a device, and forget others."""
    if any(len(alias) != ALIAS_SIZE for alias in (*asked.aliases, *asked.drop)):
        raise malformed("an alias has the wrong size")
    if max(len(asked.aliases), len(asked.drop)) > most:
        raise _too_many(most)
    for alias in asked.drop:
        execute("DELETE FROM group_alias WHERE alias = ? AND device = ?", (alias, device))
    for alias in asked.aliases:
        put_alias(execute, device, alias, int(now) + ALIAS_LIFE)
    row = first(execute, "SELECT count(*) FROM group_alias WHERE device = ?", (device,))
    if row is not None and row[0] > most:
        raise _too_many(most)


def _too_many(most: int) -> RefusedError:
    return RefusedError("alias.too_many", f"This homeserver keeps {most} aliases for one device.")


def put_alias(execute: Execute, device: DeviceId, alias: bytes, expires: int) -> None:
    """Register an alias for a device, or let it live longer; ConflictError where another device has it."""
    row = first(execute, "SELECT device FROM group_alias WHERE alias = ?", (alias,))
    if row is not None and row[0] != device:
        raise ConflictError("alias.taken", "That alias is in use.", "Make another one.")
    execute(
        "INSERT INTO group_alias (alias, device, expires) VALUES (?, ?, ?)"
        " ON CONFLICT (alias) DO UPDATE SET expires = excluded.expires WHERE group_alias.expires < excluded.expires",
        (alias, device, expires),
    )


def device_of(query: Query, alias: bytes) -> DeviceId | None:
    """Whose alias it is."""
    row = first(query, "SELECT device FROM group_alias WHERE alias = ?", (alias,))
    return DeviceId(row[0]) if row else None


def drop_device_aliases(execute: Execute, devices: Sequence[DeviceId]) -> None:
    """Forget what groups need of devices that are nobody's any more: aliases, key packages, Welcomes."""
    for device in devices:
        for table in ("group_alias", "key_package", "welcome"):
            execute(f"DELETE FROM {table} WHERE device = ?", (device,))  # noqa: S608 - one of three names


def expire_aliases(execute: Execute, now: float, limit: int) -> int:
    """Forget some of the aliases that nobody has renewed."""
    sql = "DELETE FROM group_alias WHERE alias IN (SELECT alias FROM group_alias WHERE expires <= ? LIMIT ?) RETURNING expires"
    return len(execute(sql, (int(now), limit)).fetchall())
