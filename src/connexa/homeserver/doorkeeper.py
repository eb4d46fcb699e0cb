"""What judging an envelope needs to know of its recipient, kept in memory: the account, the weekly keys, the devices (homeserver §3).

Read inside operations of the writer, so that it is never older than the envelope that it judges; forgotten with the statement that
changes any of it, whoever makes it; what other processes have changed, before a transaction begins.
"""

from __future__ import annotations

from typing import Final

from connexa.homeserver.rights import Resident, resident
from connexa.homeserver.tables import Query
from connexa.pairwise import RightKey
from connexa.store import Store

__all__ = ["Door", "Doorkeeper"]

MAX_DOORS: Final = 65_536
MAX_WEEKS: Final = 16  # of one door, whose devices are remembered


class Door:
    """One person's door."""

    __slots__ = ("_devices", "_prepared", "_reachable", "keys", "resident")

    def __init__(self, found: Resident, keys: dict[int, bytes], devices: dict[bytes, set[int]]) -> None:
        self.resident = found
        self.keys = keys
        self._devices = devices
        self._prepared: dict[int, RightKey] = {}
        self._reachable: dict[int, frozenset[bytes]] = {}

    @property
    def devices(self) -> list[bytes]:
        """The devices of the current list."""
        return [*self._devices]

    def key(self, week: int) -> RightKey | None:
        """The key of a week, if the person has one."""
        found = self._prepared.get(week)
        if found is None and (raw := self.keys.get(week)) is not None:
            found = self._prepared[week] = RightKey(raw)
        return found

    def reachable(self, week: int) -> frozenset[bytes]:
        """The devices of the current list that have a sealed-sender key for that week."""
        found = self._reachable.get(week)
        if found is None:
            found = frozenset(device for device, weeks in self._devices.items() if week in weeks)
            if len(self._reachable) < MAX_WEEKS:  # a week is a number that strangers send
                self._reachable[week] = found
        return found


class Doorkeeper:
    """The doors of those who get mail."""

    def __init__(self, database: Store) -> None:
        self._doors: dict[bytes, Door] = {}
        self._owners: dict[bytes, bytes] = {}
        self.changes = 0  # how often a door was forgotten
        changes = ("INSERT", "UPDATE", "DELETE")
        database.watch("account", "user", self._forget, ("INSERT", "UPDATE OF discoverable, deleted, attestation", "DELETE"))
        database.watch("token_key", "user", self._forget, changes)
        database.watch("device", "user", self._forget, ("INSERT", "UPDATE OF user", "DELETE"))
        database.watch("prekey", "device", self._forget_owner, changes, where="type = 'sek'")

    def known(self, user: bytes) -> Door | None:
        """The door, where it is at hand."""
        return self._doors.get(user)

    def find(self, query: Query, user: bytes) -> Door | None:
        """The door; None where nobody has that user id. `query` is that of an operation."""
        door = self._doors.get(user)
        if door is None and (door := _read(query, user)) is not None:
            if len(self._doors) >= MAX_DOORS:
                self.clear()
            self._doors[user] = door
            self._owners.update((device, user) for device in door.devices)
        return door

    def clear(self) -> None:
        """Forget everything: what was read may not have been committed."""
        self._doors.clear()
        self._owners.clear()
        self.changes += 1

    def _forget(self, user: bytes) -> None:
        door = self._doors.pop(user, None)
        self.changes += door is not None
        for device in door.devices if door is not None else ():
            self._owners.pop(device, None)

    def _forget_owner(self, device: bytes) -> None:
        if (user := self._owners.get(device)) is not None:
            self._forget(user)


def _read(query: Query, user: bytes) -> Door | None:
    found = resident(query, user)
    if found is None:
        return None
    keys: dict[int, bytes] = dict(query("SELECT week, key FROM token_key WHERE user = ?", (user,)))
    devices: dict[bytes, set[int]] = {row[0]: set() for row in query("SELECT device FROM device WHERE user = ?", (user,))}
    rows = query("SELECT d.device, p.id FROM device d JOIN prekey p ON p.device = d.device AND p.type = 'sek' WHERE d.user = ?", (user,))
    for device, week in rows:
        devices[device].add(week)
    return Door(found, keys, devices)
