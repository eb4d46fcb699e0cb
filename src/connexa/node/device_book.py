"""The person's own devices, as their owner sees and changes them: list, rename, revoke (first-message §9, P25)."""

from __future__ import annotations

import msgspec

from connexa.content import DeviceName
from connexa.errors import NotFoundError, RefusedError, UsageError
from connexa.identity import next_device_list
from connexa.node.account import Account, newest_backup, own_device_list
from connexa.node.home import Home, Query, first
from connexa.node.registers import decide
from connexa.node.upkeep import Upkeep, own_certificates
from connexa.node.views import DeviceView
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["device_view", "find_device", "list_devices", "not_primary", "publish", "rename_device", "revoke_device", "shown_name"]

MAX_NAME = 64
MIN_PREFIX = 4


def list_devices(query: Query, account: Account) -> list[DeviceView]:
    """All devices that are or were the person's; one that was never let in is none."""
    own = own_device_list(query, account)
    first_device = own[1].devices[0].device if own else account.device  # the primary signs the list and stands first in it
    sql = (
        "SELECT device, name, listed, added, seen FROM own_device WHERE account = ? AND (listed OR seen OR device = ?)"
        " ORDER BY added, device"
    )
    return [
        DeviceView(
            id=device.hex(),
            name=name,
            this=device == account.device,
            primary=device == first_device,
            listed=bool(listed),
            added=added,
            last_seen=seen,
        )
        for device, name, listed, added, seen in query(sql, (account.id, account.device))
    ]


def device_view(query: Query, account: Account, device: bytes) -> DeviceView:
    """One of them."""
    for view in list_devices(query, account):
        if view.id == device.hex():
            return view
    raise NotFoundError("device.not_found", "There is no such device.")


def find_device(query: Query, account: Account, named: str) -> bytes:
    """One of the own devices by its id, how its id begins, or its name."""
    views, word = list_devices(query, account), named.strip().lower()
    for found in (
        [view for view in views if view.name.lower() == word],
        [view for view in views if len(word) >= MIN_PREFIX and view.id.startswith(word)],
    ):
        if len(found) == 1:
            return bytes.fromhex(found[0].id)
        if found:
            raise UsageError("device.ambiguous", "Several devices are called like that.", "Name it by more of its id: connexa device list")
    raise NotFoundError("device.not_found", "There is no such device.", "See them: connexa device list")


async def revoke_device(home: Home, account: Account, upkeep: Upkeep, device: str) -> DeviceView:
    """Take a device out of the list; every contact's next message goes past it, and what it knows opens our door no more."""
    if not account.is_primary:
        raise not_primary()
    raw = find_device(home.database.read, account, device)
    if raw == account.device:
        raise UsageError("device.this", "The primary device cannot revoke itself.")
    view = device_view(home.database.read, account, raw)
    await publish(home, account, upkeep, own_certificates(home, account, but=raw), [], but=raw)
    return msgspec.structs.replace(view, listed=False)


async def publish(home: Home, account: Account, upkeep: Upkeep, certificates: list[Signed], new: list[Signed], *, but: bytes = b"") -> None:
    """Sign the list of these devices and give it to the homeserver; what follows from it here is for `keep_own_list`.

    Another device with the user key may have let one in whose certificate is still to come: none but `but` is left out by mistake.
    """
    own = own_device_list(home.database.read, account)
    sql = "SELECT 1 FROM own_device WHERE account = ? AND device != ? AND listed = 1 AND certificate = x''"
    if first(home.database.read, sql, (account.id, but)) is not None:
        raise RefusedError("device.uncertain", "The keys of another device of yours are still to come.", "Try again soon.", retryable=True)
    if account.secret is None or own is None:
        raise not_primary()
    counter = newest_backup(home.database.read, account.id)
    await upkeep.put_list(next_device_list(own[0], account.secret, certificates, home.clock(), backup=counter), new)


def rename_device(execute: Execute, home: Home, account: Account, device: str, name: str) -> bytes:
    """Give a device a name, which the others learn too."""
    raw, name = find_device(execute, account, device), shown_name(name)
    if not name:
        raise UsageError("device.bad_name", f"A name has 1 to {MAX_NAME} printable characters.")
    execute("UPDATE own_device SET name = ? WHERE account = ? AND device = ?", (name, account.id, raw))
    decide(execute, home, account, DeviceName(raw, name))
    return raw


def not_primary() -> RefusedError:
    """The refusal of what only the user key can do."""
    return RefusedError("device.not_primary", "This device does not hold the user key.", "Do this on your primary device.")


def shown_name(name: str) -> str:
    """A name as it may be shown, or nothing: what a new device calls itself comes from outside."""
    name = name.strip()
    return name if len(name) <= MAX_NAME and name.isprintable() else ""
