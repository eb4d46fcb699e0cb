"""Pairing: two devices of a person meet in a slot that only they know, and exchange one payload each way (first-message §1, §9).

The payloads are sealed; the homeserver carries at most 16 KiB each for at most a minute, and keeps nothing.
"""

from __future__ import annotations

import asyncio
from typing import Final

from connexa.errors import ConflictError, NetworkError, RefusedError
from connexa.homeserver.link_role import Connection, unexpected
from connexa.wire import ID_SIZE, MAX_PAIR_PAYLOAD, malformed
from connexa.wire.v1.link_pb2 import LinkUp, PairData

__all__ = ["PairRole", "PairSlots"]

MAX_SLOTS: Final = 1_024
MAX_SIDES: Final = 2


class PairRole:
    """One of the two places of a slot."""

    def __init__(self, slots: PairSlots, slot: bytes, connection: Connection) -> None:
        self._slots = slots
        self._slot = slot
        self.connection = connection
        self.sent: bytes | None = None
        self.delivered = False

    def opened(self) -> None:
        """Behind `ready`: the other side may have sent already."""
        self._slots.exchange(self._slot)

    def take(self, name: str, frame: LinkUp) -> None:
        """Take the one payload of this side."""
        if name != "pair_data" or self.sent is not None:
            raise unexpected()
        payload = frame.pair_data.payload
        if not payload:
            raise malformed("its pairing payload is empty")
        if len(payload) > MAX_PAIR_PAYLOAD:
            raise RefusedError("frame.too_large", f"A pairing payload has at most {MAX_PAIR_PAYLOAD} bytes.")
        self.sent = payload
        self._slots.exchange(self._slot)

    def drained(self) -> None:
        """Nothing waits."""

    def closed(self) -> None:
        """This side has gone; what it has sent stays until the slot ends."""


class PairSlots:
    """The slots that are open now."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._sides: dict[bytes, list[PairRole]] = {}

    def open(self, slot: bytes, connection: Connection) -> PairRole:
        """Take a place; a third one is refused, and so are slots beyond the bound."""
        if len(slot) != ID_SIZE:
            raise malformed("its slot has the wrong size")
        if slot not in self._sides:
            if len(self._sides) >= MAX_SLOTS:
                raise RefusedError("rate.limited", "Too many devices are being linked now.", retryable=True)
            self._sides[slot] = []
            asyncio.get_running_loop().call_later(self._seconds, self._end, slot)
        sides = self._sides[slot]
        if len(sides) >= MAX_SIDES:
            raise ConflictError("pair.taken", "This slot is in use.", "Start again on both devices.")
        role = PairRole(self, slot, connection)
        sides.append(role)
        return role

    def exchange(self, slot: bytes) -> None:
        """Hand over what one side has sent and the other has not got."""
        sides = self._sides.get(slot, [])
        if len(sides) < MAX_SIDES:
            return
        first, second = sides
        for sender, receiver in ((first, second), (second, first)):
            if sender.sent is not None and not sender.delivered:
                sender.delivered = True
                receiver.connection.say(pair_data=PairData(payload=sender.sent))

    def _end(self, slot: bytes) -> None:
        for side in self._sides.pop(slot, []):
            side.connection.end(NetworkError("link.timeout", "The time for linking is over."))
