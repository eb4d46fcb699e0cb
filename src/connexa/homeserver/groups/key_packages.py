"""Key packages of devices here: checked at upload, each handed out once, a last-resort one when the pool is empty (groups §5.7).

An upload is checked whole before any of it is stored: the package by the rules of RFC 9420 §10, its lifetime and suite, and the proof by
which the device says that it is its own (I87). A package brings the alias under which the hub of its group will know the device.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from connexa.errors import IntegrityError, RefusedError
from connexa.homeserver.groups.aliases import put_alias
from connexa.homeserver.prekeys import signed_of
from connexa.homeserver.tables import Query, first
from connexa.identity import CLOCK_SKEW, KEY_PACKAGE_LIFE, DeviceCertificate, DeviceId, UserId, verify_key_package_proof
from connexa.mls.codec import decode
from connexa.mls.key_package import KeyPackage
from connexa.mls.suite import get_suite
from connexa.store import Execute, Row
from connexa.wire.v1.groups_pb2 import KeyPackageStatusReply, OfferedKeyPackage, PutKeyPackages
from connexa.wire.v1.link_pb2 import ClaimedKeyPackage

__all__ = ["Checked", "check_packages", "claim_packages", "keep_packages", "package_status", "packages_left", "prune_packages"]

MAX_KEY_PACKAGE: Final = 8 * 1024
ALIAS_AFTER: Final = 30 * 86_400  # an alias outlives its package: it may be claimed on its last day, and joined by later


@dataclass(frozen=True, slots=True)
class Checked:
    """A key package that holds, ready to be stored."""

    ref: bytes
    alias: bytes
    last_resort: bool
    expires: int
    raw: bytes


def check_packages(upload: PutKeyPackages, certificate: DeviceCertificate, now: float, *, pool: int) -> list[Checked]:
    """Check an upload whole; raises what the first package that does not hold is refused with."""
    if len(upload.one_time) > pool:
        raise RefusedError("key_package.too_many", "That are more key packages than are kept here.")
    checked = [_check(offered, certificate, now, last_resort=False) for offered in upload.one_time]
    if upload.HasField("last_resort"):
        checked.append(_check(upload.last_resort, certificate, now, last_resort=True))
    return checked


def _check(offered: OfferedKeyPackage, certificate: DeviceCertificate, now: float, *, last_resort: bool) -> Checked:
    if len(offered.key_package) > MAX_KEY_PACKAGE:
        raise RefusedError("key_package.too_large", f"A key package is larger than {MAX_KEY_PACKAGE} bytes.")
    package = decode(KeyPackage.read, offered.key_package)
    suite = get_suite(package.cipher_suite)
    package.validate(suite)
    proof = verify_key_package_proof(offered.proof, certificate, now)
    if proof.ref != package.ref(suite):
        raise _invalid("Its proof is of another one.")
    if package.extensions.last_resort != last_resort:
        raise _invalid("It is offered as what it is not.")
    lifetime = package.leaf_node.lifetime
    if lifetime is None or not lifetime.not_before <= now + CLOCK_SKEW < lifetime.not_after + CLOCK_SKEW:
        raise _invalid("It is not good now.")
    if lifetime.not_after > now + KEY_PACKAGE_LIFE + CLOCK_SKEW or proof.expires > lifetime.not_after:
        raise _invalid("It lives for longer than 60 days, or less long than its proof.")
    return Checked(proof.ref, proof.alias, last_resort, proof.expires, offered.SerializeToString())


def _invalid(why: str) -> IntegrityError:
    return IntegrityError("key_package.invalid", f"A key package does not hold. {why}")


def keep_packages(execute: Execute, device: DeviceId, checked: Iterable[Checked], *, pool: int, anew: bool = False) -> None:
    """Store checked packages with their aliases; a last-resort one takes the place of the old one, `anew` drops the one-time ones."""
    if anew:
        _discard(execute, "SELECT id FROM key_package WHERE device = ? AND last_resort = 0", (device,))
    for package in checked:
        if package.last_resort:
            execute("DELETE FROM key_package WHERE device = ? AND last_resort = 1", (device,))
        put_alias(execute, device, package.alias, package.expires + ALIAS_AFTER)
        execute(
            "INSERT INTO key_package (device, ref, last_resort, expires, alias, offered) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (device, package.ref, int(package.last_resort), package.expires, package.alias, package.raw),
        )
    # The newest stay: of the oldest, the private half may be gone.
    _discard(
        execute,
        "SELECT id FROM key_package WHERE device = ? AND last_resort = 0 ORDER BY id DESC LIMIT 1000000000 OFFSET ?",
        (device, pool),
    )


def _discard(execute: Execute, which: str, bindings: tuple[object, ...]) -> None:
    """Delete packages that nobody was given, and their aliases, which nobody knows."""
    sql = f"DELETE FROM key_package WHERE id IN ({which}) RETURNING device, alias"  # noqa: S608 - constants
    rows: list[Row] = execute(sql, bindings).fetchall()
    for device, alias in rows:
        execute("DELETE FROM group_alias WHERE alias = ? AND device = ?", (alias, device))


def package_status(query: Query, device: DeviceId, now: float) -> KeyPackageStatusReply:
    """What is left of a device's pool."""
    row = first(query, "SELECT max(expires) FROM key_package WHERE device = ? AND last_resort = 1", (device,))
    return KeyPackageStatusReply(one_time=packages_left(query, device, now), last_resort_until=int(row[0] or 0) if row else 0)


def packages_left(query: Query, device: DeviceId, now: float) -> int:
    """How many one-time packages are in the pool."""
    sql = "SELECT count(*) FROM key_package WHERE device = ? AND last_resort = 0 AND expires > ?"
    row = first(query, sql, (device, int(now)))
    return int(row[0]) if row else 0


def claim_packages(
    execute: Execute, user: UserId, devices: Sequence[bytes], now: float, *, spend: bool = True
) -> list[tuple[DeviceId, ClaimedKeyPackage]]:
    """Hand out one package for each of these devices (none named: all) that has one; `spend` False saves one-time packages."""
    claimed = []
    rows: list[Row] = execute("SELECT device, certificate FROM device WHERE user = ? ORDER BY device", (user,)).fetchall()
    for device, certificate in rows:
        if devices and device not in devices:
            continue
        raw = (_take_one_time(execute, device, now) if spend else None) or _last_resort(execute, device, now)
        if raw is not None:
            package = ClaimedKeyPackage(certificate=signed_of(certificate), offered=OfferedKeyPackage.FromString(raw))
            claimed.append((DeviceId(device), package))
    return claimed


def _take_one_time(execute: Execute, device: bytes, now: float) -> bytes | None:
    row = first(
        execute,
        "DELETE FROM key_package WHERE id = (SELECT min(id) FROM key_package WHERE device = ? AND last_resort = 0 AND expires > ?)"
        " RETURNING offered",
        (device, int(now)),
    )
    return row[0] if row else None


def _last_resort(query: Query, device: bytes, now: float) -> bytes | None:
    row = first(query, "SELECT offered FROM key_package WHERE device = ? AND last_resort = 1 AND expires > ?", (device, int(now)))
    return row[0] if row else None


def prune_packages(execute: Execute, now: float, limit: int) -> int:
    """Delete some of those whose time is over."""
    sql = "DELETE FROM key_package WHERE id IN (SELECT id FROM key_package WHERE expires <= ? LIMIT ?) RETURNING id"
    return len(execute(sql, (int(now), limit)).fetchall())
