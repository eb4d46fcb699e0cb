"""The list of the person's own devices, as this one holds it, and what follows from a change of it (first-message §9, P25, P48).

Everything that follows is in the operation that takes the list over, so an answer of the homeserver that was lost leaves nobody untold.
"""

from __future__ import annotations

from connexa.content import DeviceLists
from connexa.identity import DeviceId, DeviceList, read_device_list
from connexa.node.account import Account, own_device_list
from connexa.node.contacts import change_door
from connexa.node.devices import OWN, keep_list
from connexa.node.home import Home, first
from connexa.node.outbox import say
from connexa.node.people import all_people
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["keep_own_list", "note_seen"]


def keep_own_list(execute: Execute, home: Home, account: Account, newest: Signed) -> bool:
    """Take over a newer list of our own devices; True if it was news."""
    known = own_device_list(execute, account)
    if known is not None and known[0].body == newest.body:
        return False
    devices = read_device_list(newest, account.user)
    keep_list(execute, account.id, OWN, devices, but=account.device)
    execute("UPDATE account SET device_list = ? WHERE id = ?", (newest.SerializeToString(), account.id))
    _keep_rows(execute, home, account, devices)
    home.events.record(execute, str(account.address), "device.changed", home.clock(), devices=len(devices.devices))
    if known is not None:
        before, now = known[1].device_ids(), devices.device_ids()
        _announce(execute, home, account, now - before)
        if account.is_primary and before != now:
            _tell_contacts(execute, home, account, newest, door=not before <= now)
    return True


def _keep_rows(execute: Execute, home: Home, account: Account, devices: DeviceList) -> None:
    execute("UPDATE own_device SET listed = 0 WHERE account = ?", (account.id,))
    for listed in devices.devices:
        execute(
            "INSERT INTO own_device (account, device, listed, added) VALUES (?, ?, 1, ?)"
            " ON CONFLICT (account, device) DO UPDATE SET listed = 1",
            (account.id, listed.device, home.clock()),
        )


def _announce(execute: Execute, home: Home, account: Account, new: frozenset[DeviceId]) -> None:
    """Tell the owner of every device that has joined, on all the others (P48)."""
    for device in sorted(new):
        row = first(execute, "SELECT name FROM own_device WHERE account = ? AND device = ?", (account.id, device))
        name = row[0] if row else ""
        home.events.record(execute, str(account.address), "device.new", home.clock(), device=device.hex(), name=name)


def _tell_contacts(execute: Execute, home: Home, account: Account, newest: Signed, *, door: bool) -> None:
    """Give the contacts the list; where a device has gone (`door`), also the key of a new door, for it knows the old one."""
    for person in all_people(execute, account.id):
        if person.answers and person.profile_key:
            say(execute, account.id, person.id, "control", DeviceLists((newest,)), home.clock(), home.rng)
    if door:
        change_door(execute, home, account)


def note_seen(execute: Execute, account: int, device: bytes, now: float) -> None:
    """Note that one of the own devices was heard of."""
    execute("UPDATE own_device SET seen = ? WHERE account = ? AND device = ?", (now, account, device))
