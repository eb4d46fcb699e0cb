"""Pairing: two devices of a person meet in a slot that only they know, and say a few words to each other (first-message §1, §9).

The payloads are sealed; the homeserver carries at most three of 16 KiB from each side and keeps nothing. A slot is good once: it waits a
minute for its second side, then stands a minute at most, ends for both as soon as one has left, and is refused to whoever comes later.
"""

from __future__ import annotations

import asyncio
from typing import Final

from connexa.errors import ConflictError, ConnexaError, NetworkError, RefusedError
from connexa.homeserver.link_role import Connection, unexpected
from connexa.wire import ID_SIZE, MAX_PAIR_PAYLOAD, malformed
from connexa.wire.v1.link_pb2 import LinkUp, PairData

__all__ = ["PairRole", "PairSlots"]

MAX_SLOTS: Final = 1_024
MAX_SIDES: Final = 2
MAX_PAYLOADS: Final = 3  # of each side; before the other one is there, one


class PairRole:
    """One of the two places of a slot."""

    def __init__(self, slot: Slot, connection: Connection) -> None:
        self._slot = slot
        self.connection = connection
        self._left = MAX_PAYLOADS

    def opened(self) -> None:
        """Behind `ready`: the other side may have sent already."""
        self._slot.opened(self)

    def take_at_once(self, frame: bytes) -> bool:
        """Nothing comes here by the thousand."""
        return False

    def take(self, name: str, frame: LinkUp) -> None:
        """Take a payload for the other side."""
        if name != "pair_data" or self._left == 0:
            raise unexpected()
        payload = frame.pair_data.payload
        if not payload:
            raise malformed("its pairing payload is empty")
        if len(payload) > MAX_PAIR_PAYLOAD:
            raise RefusedError("frame.too_large", f"A pairing payload has at most {MAX_PAIR_PAYLOAD} bytes.")
        self._left -= 1
        self._slot.carry(self, payload)

    def drained(self) -> None:
        """Nothing waits."""

    def closed(self) -> None:
        """This side has gone, and with it the use of the slot."""
        self._slot.end(NetworkError("pair.gone", "The other device has left."))


class Slot:
    """Two places, what waits for the second one, and a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sides: list[PairRole] = []
        self._waiting: bytes | None = None
        self._spent = False
        self._timer = asyncio.get_running_loop().call_later(seconds, self._time_over)

    def enter(self, connection: Connection) -> PairRole:
        """Take a place; a third one is refused, and so is whoever comes to a slot that was used."""
        if self._spent or len(self._sides) >= MAX_SIDES:
            raise ConflictError("pair.taken", "This slot is in use.", "Start again on both devices.")
        role = PairRole(self, connection)
        self._sides.append(role)
        return role

    def opened(self, role: PairRole) -> None:
        """Both are there: from now on a person has a minute to read six digits and type them."""
        if len(self._sides) < MAX_SIDES:
            return
        self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._time_over)
        if self._waiting is not None:
            role.connection.say(pair_data=PairData(payload=self._waiting))
            self._waiting = None

    def carry(self, sender: PairRole, payload: bytes) -> None:
        """Hand a payload to the other side, or keep the first one for it."""
        others = [side for side in self._sides if side is not sender]
        if others:
            others[0].connection.say(pair_data=PairData(payload=payload))
        elif self._waiting is None:
            self._waiting = payload
        else:
            raise unexpected()

    def end(self, error: ConnexaError) -> None:
        """End the slot for whoever is in it; nobody can enter it any more."""
        self._timer.cancel()
        self._spent = True
        self._waiting = None
        sides, self._sides = self._sides, []
        for side in sides:
            side.connection.end(error)

    def _time_over(self) -> None:
        self.end(NetworkError("link.timeout", "The time for linking is over."))


class PairSlots:
    """The slots of the last minutes; a used one is remembered for longer than its code is good."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._slots: dict[bytes, Slot] = {}

    def open(self, name: bytes, connection: Connection) -> PairRole:
        """Take a place in a slot; slots beyond the bound are refused."""
        if len(name) != ID_SIZE:
            raise malformed("its slot has the wrong size")
        if name not in self._slots:
            if len(self._slots) >= MAX_SLOTS:
                raise RefusedError("rate.limited", "Too many devices are being linked now.", retryable=True)
            self._slots[name] = Slot(self.seconds)
            asyncio.get_running_loop().call_later(3 * self.seconds, self._slots.pop, name)
        return self._slots[name].enter(connection)
