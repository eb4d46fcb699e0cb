"""The person's own devices, as their owner sees and changes them: approve, rename, revoke (first-message §9, P25)."""

from __future__ import annotations

from connexa.content import DeviceLists, DeviceName
from connexa.errors import ConnexaError, NotFoundError, RefusedError, UsageError
from connexa.identity import next_device_list
from connexa.node.account import Account, own_device_list, profile_key
from connexa.node.enrolment import NewDevice, answer_device, keep_device
from connexa.node.home import Home, Query, rows
from connexa.node.outbox import say
from connexa.node.people import all_people
from connexa.node.registers import decide
from connexa.node.sending import parse_id
from connexa.node.upkeep import Upkeep, own_certificates
from connexa.node.views import DeviceView
from connexa.pairwise import parse_pairing_code
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["approve", "device_view", "list_devices", "rename_device", "revoke_device"]

MAX_NAME = 64


def list_devices(query: Query, account: Account) -> list[DeviceView]:
    """All devices that are or were the person's."""
    own = own_device_list(query, account)
    first_device = own[1].devices[0].device if own else account.device  # the primary signs the list and stands first in it
    sql = "SELECT device, name, listed, added FROM own_device WHERE account = ? ORDER BY added, device"
    return [
        DeviceView(
            id=device.hex(), name=name, this=device == account.device, primary=device == first_device, listed=bool(listed), added=added
        )
        for device, name, listed, added in query(sql, (account.id,))
    ]


def device_view(query: Query, account: Account, device: bytes) -> DeviceView:
    """One of them."""
    for view in list_devices(query, account):
        if view.id == device.hex():
            return view
    raise NotFoundError("device.not_found", "There is no such device.")


async def approve(home: Home, account: Account, upkeep: Upkeep, code: str) -> NewDevice:
    """Take the device that shows this code into the list, then hand it what it needs; the caller lets the link linger."""
    parsed = parse_pairing_code(code)
    new = await answer_device(home, account, parsed)
    try:
        # Its certificate is stored before the list names it: every later list is made of what is stored.
        await home.change(lambda execute: keep_device(execute, home, account.id, new.device, new.certificate, "", listed=False))
        await _publish(home, account, upkeep, [*own_certificates(home, account), new.certificate], [new.certificate])
        own = own_device_list(home.database.read, account)
        if own is not None:
            new.grant(home, account, parsed, own[0], profile_key(home.database.read, account.id))
    except ConnexaError:
        new.link.close()
        raise
    return new


async def revoke_device(home: Home, account: Account, upkeep: Upkeep, device: str) -> None:
    """Take a device out of the list; every contact's next message goes past it."""
    raw = parse_id(device, 32, "device")
    if raw == account.device:
        raise UsageError("device.this", "The primary device cannot revoke itself.")
    device_view(home.database.read, account, raw)
    await _publish(home, account, upkeep, own_certificates(home, account, but=raw), [])


async def _publish(home: Home, account: Account, upkeep: Upkeep, certificates: list[Signed], new: list[Signed]) -> None:
    """Sign the list of these devices, give it to the homeserver, and tell the contacts."""
    own = own_device_list(home.database.read, account)
    if account.secret is None or own is None:
        raise RefusedError("device.not_primary", "This device does not hold the user key.", "Do this on the primary device.")
    signed = next_device_list(own[0], account.secret, certificates, home.clock())
    await upkeep.put_list(signed, new)
    await home.change(lambda execute: _tell_contacts(execute, home, account, signed))


def _tell_contacts(execute: Execute, home: Home, account: Account, signed: Signed) -> None:
    for person in all_people(execute, account.id):
        if person.answers and person.profile_key:
            say(execute, account.id, person.id, "control", DeviceLists((signed,)), home.clock(), home.rng)


def rename_device(execute: Execute, home: Home, account: Account, device: str, name: str) -> bytes:
    """Give a device a name, which the others learn too."""
    raw, name = parse_id(device, 32, "device"), name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise UsageError("device.bad_name", f"A name has 1 to {MAX_NAME} printable characters.")
    changed = rows(execute, "UPDATE own_device SET name = ? WHERE account = ? AND device = ? RETURNING 1", (name, account.id, raw))
    if not changed:
        raise NotFoundError("device.not_found", "There is no such device.")
    decide(execute, home, account, DeviceName(raw, name))
    return raw
