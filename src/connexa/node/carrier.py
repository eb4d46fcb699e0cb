"""The seam between the outbox and the ways that an envelope can travel.

A carrier takes envelopes towards a recipient and says what became of them; it promises nothing by taking one. Issue by issue more ways
come; the outbox keeps each envelope until a carrier has reported it accepted, refused or expired, and may choose another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connexa.wire.v1.link_pb2 import Status

__all__ = ["Carried", "Carrier", "Parcel"]


@dataclass(frozen=True, slots=True)
class Parcel:
    """One envelope for one carrier; `number` is the outbox's own and comes back in the report."""

    number: int
    domain: str
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Carried:
    """What a carrier reports: durable somewhere (`ACCEPTED`), or the status of its refusal."""

    number: int
    status: Status


class Carrier(Protocol):
    """A way for envelopes."""

    @property
    def name(self) -> str:
        """The word that a message's history shows for this way: `server`, `onion`, `direct`."""

    async def submit(self, parcels: Sequence[Parcel]) -> Sequence[Carried]:
        """Hand over; return a report for each parcel of which this carrier knows the end. NetworkError: none of them is known."""
