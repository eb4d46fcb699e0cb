"""The devices that an envelope must name: those of the newest verified list that have a sealing key for this week (P47).

Person 0 stands for the account's own other devices. Lists are followed by the chain rules of the identity room before they come here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connexa.identity import DeviceId, DeviceList, body_hash
from connexa.node.home import Query, rows
from connexa.node.sessions import SendingSessions, forget_sessions
from connexa.node.stored import stored_seal_key
from connexa.pairwise import SealKey, week_of
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["OWN", "Recipient", "keep_certificates", "keep_list", "keep_seal_keys", "recipient_of", "sending_sessions"]

OWN = 0


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an envelope is for, with the keys that seal it."""

    user: bytes
    domain: str
    list_version: int
    list_digest: bytes
    devices: tuple[SealKey, ...]


def keep_list(execute: Execute, account: int, person: int, devices: DeviceList, *, but: bytes = b"") -> frozenset[DeviceId]:
    """Store which devices a person has now (without `but`, this device itself); returns the ones that are new."""
    listed = {d.device: d.certificate for d in devices.devices if d.device != but}
    sql = "SELECT device, certificate FROM person_device WHERE account = ? AND person = ?"
    known = {DeviceId(device): certificate for device, certificate in rows(execute, sql, (account, person))}
    for gone in known.keys() - listed.keys():
        execute("DELETE FROM person_device WHERE account = ? AND person = ? AND device = ?", (account, person, gone))
        forget_sessions(execute, account, devices.user, gone)
        execute("INSERT OR IGNORE INTO gone_device (account, user, device) VALUES (?, ?, ?)", (account, devices.user, gone))
    for device in listed.keys() - known.keys():
        execute("INSERT INTO person_device (account, person, device, certificate) VALUES (?, ?, ?, x'')", (account, person, device))
    return frozenset(listed.keys() - known.keys())


def keep_certificates(execute: Execute, account: int, person: int, certificates: Iterable[tuple[DeviceId, Signed]]) -> None:
    """Store certificates that were matched with the list."""
    sql = "UPDATE person_device SET certificate = ? WHERE account = ? AND person = ? AND device = ?"
    for device, certificate in certificates:
        execute(sql, (certificate.SerializeToString(), account, person, device))


def keep_seal_keys(execute: Execute, account: int, person: int, keys: Iterable[SealKey]) -> None:
    """Store verified sealing keys of this week; the key's id is its week."""
    sql = "UPDATE person_device SET sek = ?, sek_week = ? WHERE account = ? AND person = ? AND device = ?"
    for key in keys:
        execute(sql, (key.key.raw, key.id, account, person, key.device))


def recipient_of(
    query: Query, account: int, person: int, user: bytes, domain: str, signed: Signed, devices: DeviceList, now: float
) -> Recipient:
    """The devices that mail goes to this week: none where all of them have been away for too long."""
    week = week_of(now)
    sql = "SELECT device, sek FROM person_device WHERE account = ? AND person = ? AND sek_week = ? ORDER BY device"
    keys = tuple(SealKey(DeviceId(device), week, stored_seal_key(sek)) for device, sek in query(sql, (account, person, week)))
    return Recipient(user, domain, devices.version, body_hash(signed), keys)


def sending_sessions(query: Query, account: int, to: Recipient, now: float) -> SendingSessions:
    """The sessions with the devices of a recipient."""
    return SendingSessions(query, account, to.user, [key.device for key in to.devices], now)
