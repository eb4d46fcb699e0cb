"""Device lists and certificates at the homeserver: chained, signed by the user key, with a row for each device of the newest list.

Implements first-message §9. A homeserver cannot add a device to a list; it keeps the order of lists and forgets what they leave out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from connexa.errors import ConflictError, IntegrityError, RefusedError
from connexa.homeserver.groups.aliases import drop_device_aliases
from connexa.homeserver.mailbox import drop_device
from connexa.homeserver.prekeys import signed_of
from connexa.homeserver.tables import Query, first
from connexa.identity import (
    DeviceCertificate,
    DeviceId,
    DeviceList,
    UserId,
    UserPublic,
    body_hash,
    check_successor,
    match_certificates,
    verify_device_certificate,
    verify_device_list,
)
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "MAX_CHAIN",
    "Login",
    "certificates_of",
    "keep_first_list",
    "keep_next_list",
    "list_chain",
    "login_of",
    "newest_list",
    "newest_version",
    "remove_devices",
]

MAX_CHAIN: Final = 64  # lists in one answer; who knows an older one than that gets the newest alone


@dataclass(frozen=True, slots=True)
class Login:
    """What a homeserver needs to know of a device that logs in."""

    user: UserPublic
    certificate: DeviceCertificate
    last_number: int
    acked: int


def login_of(query: Query, user: bytes, device: bytes, now: float) -> Login | None:
    """The device, where it is in its person's newest list and its certificate holds now."""
    row = first(
        query,
        "SELECT a.user_key, d.certificate, d.last_number, coalesce(l.acked, 0) FROM device d JOIN account a ON a.user = d.user"
        " LEFT JOIN mailbox_load l ON l.device = d.device WHERE d.device = ? AND d.user = ? AND a.deleted = 0",
        (device, user),
    )
    if row is None:
        return None
    public = UserPublic.from_packet(row[0])
    try:
        certificate = verify_device_certificate(signed_of(row[1]), public, now)
    except IntegrityError:
        return None  # it has expired
    return Login(public, certificate, row[2], row[3])


def newest_list(query: Query, user: UserId) -> Signed | None:
    """A person's current list."""
    row = first(query, "SELECT list FROM device_list WHERE user = ? ORDER BY version DESC LIMIT 1", (user,))
    return signed_of(row[0]) if row else None


def newest_version(query: Query, user: UserId) -> int:
    """The version of a person's current list; 0 without one."""
    row = first(query, "SELECT max(version) FROM device_list WHERE user = ?", (user,))
    return int(row[0] or 0) if row else 0


def list_chain(query: Query, user: UserId, known_version: int) -> list[Signed]:
    """The lists behind a known version, or the newest alone (first-message §9)."""
    if known_version:
        sql = "SELECT list FROM device_list WHERE user = ? AND version > ? ORDER BY version LIMIT ?"
        rows = list(query(sql, (user, min(known_version, 2**62), MAX_CHAIN + 1)))
        if 0 < len(rows) <= MAX_CHAIN:
            return [signed_of(row[0]) for row in rows]
    newest = newest_list(query, user)
    return [newest] if newest else []


def certificates_of(query: Query, user: UserId) -> list[Signed]:
    """The certificates of the newest list's devices."""
    return [signed_of(row[0]) for row in query("SELECT certificate FROM device WHERE user = ? ORDER BY device", (user,))]


def keep_first_list(
    execute: Execute, user: UserPublic, signed: Signed, certificates: Sequence[Signed], now: float, most: int
) -> DeviceList:
    """Check and store version 1."""
    devices = verify_device_list(signed, user, now)
    if devices.version != 1:
        raise IntegrityError("devices.gap", "The first list of devices must be version 1.")
    _check_count(devices, most)
    match_certificates(devices, certificates, user, now)
    _keep_list(execute, devices, signed)
    for certificate in certificates:
        _add(execute, devices.user, certificate, user, now)
    return devices


def keep_next_list(
    execute: Execute, user: UserPublic, signed: Signed, new: Sequence[Signed], now: float, most: int
) -> tuple[DeviceList, list[DeviceId]]:
    """Check and store the next list, with the certificates that are new in it; returns it and the devices that it removes."""
    devices = verify_device_list(signed, user, now)
    newest = newest_list(execute, devices.user)
    if newest is not None and newest.body == signed.body:
        return devices, []  # it came again: our answer was lost
    if newest is None:
        raise IntegrityError("devices.gap", "There is no list of devices to follow.")
    check_successor(newest.body, devices)
    _check_count(devices, most)
    known = {body_hash(certificate): certificate for certificate in (*certificates_of(execute, devices.user), *new)}
    named = [known[listed.certificate] for listed in devices.devices if listed.certificate in known]
    match_certificates(devices, named, user, now)
    _keep_list(execute, devices, signed)
    before = {row[0] for row in execute("SELECT device FROM device WHERE user = ?", (devices.user,))}
    gone = [DeviceId(device) for device in before - devices.device_ids()]
    remove_devices(execute, gone)
    for certificate in named:
        _add(execute, devices.user, certificate, user, now)
    return devices, gone


def remove_devices(execute: Execute, devices: Sequence[DeviceId]) -> None:
    """Forget devices with everything that waited for them."""
    for device in devices:
        drop_device(execute, device)
        execute("DELETE FROM prekey WHERE device = ?", (device,))
        execute("DELETE FROM outcome WHERE stream = ?", (device,))
        execute("DELETE FROM device WHERE device = ?", (device,))
    drop_device_aliases(execute, devices)


def _check_count(devices: DeviceList, most: int) -> None:
    if len(devices.devices) > most:
        raise RefusedError("devices.too_many", f"This homeserver takes {most} devices for one person.")


def _keep_list(execute: Execute, devices: DeviceList, signed: Signed) -> None:
    execute("INSERT INTO device_list (user, version, list) VALUES (?, ?, ?)", (devices.user, devices.version, signed.SerializeToString()))


def _add(execute: Execute, user: UserId, certificate: Signed, public: UserPublic, now: float) -> None:
    device = verify_device_certificate(certificate, public, now).device
    row = first(execute, "SELECT user FROM device WHERE device = ?", (device,))
    if row is not None and row[0] != user:
        raise ConflictError("devices.taken", "That device id is in use.", "Make a new one.")
    execute(
        "INSERT INTO device (device, user, certificate) VALUES (?, ?, ?)"
        " ON CONFLICT (device) DO UPDATE SET certificate = excluded.certificate",
        (device, user, certificate.SerializeToString()),
    )
