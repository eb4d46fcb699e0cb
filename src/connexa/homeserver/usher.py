"""Envelopes under a token that open by what is in memory: read, judged and made into rows as they come, without the database.

The rules are those of `delivery.py`. Nothing is refused here: what does not open is an operation's to judge, which finds the same or more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connexa.crypto import equal, sha256
from connexa.homeserver.delivery import CLOCK_SKEW, Announcer, Arrived, is_for, weeks_around
from connexa.homeserver.doorkeeper import Door, Doorkeeper
from connexa.homeserver.loads import Loads
from connexa.homeserver.mailbox import arrivals_of_token
from connexa.homeserver.sequence import Sequence as SeqNumbers
from connexa.homeserver.settings import LimitSettings
from connexa.identity import Domain
from connexa.pairwise import packets_hash, week_of
from connexa.wire import TokenEnvelope, TokenReader

__all__ = ["Usher"]

MARGIN: Final = 2_048  # envelopes below a full mailbox, from which on an operation counts exactly: more than come in one frame


class Usher:
    """Lets in at once what needs nobody's leave."""

    def __init__(
        self, domain: Domain, limits: LimitSettings, sequence: SeqNumbers, announcer: Announcer, *, doors: Doorkeeper, loads: Loads
    ) -> None:
        self._limits = limits
        self._sequence = sequence
        self._announcer = announcer
        self._doors = doors
        self._loads = loads
        self._reader = TokenReader(domain)

    def look_at(self, raw: bytes, now: float) -> TokenEnvelope | None:
        """The envelope, if it opens a door; None where memory does not suffice, or where it is to be refused."""
        limits = self._limits
        envelope = self._reader.read(raw, odd_packets=limits.odd_packets) if len(raw) <= limits.max_envelope else None
        return envelope if envelope is not None and self.opens(envelope, len(raw), now) else None

    def opens(self, envelope: TokenEnvelope, size: int, now: float) -> bool:
        """Whether an envelope of `size` bytes opens a door by what is in memory now."""
        limits = self._limits
        if not now < envelope.expires <= now + limits.max_ttl_seconds + CLOCK_SKEW:
            return False
        door = self._doors.known(envelope.user)
        if door is None or door.resident.deleted or not _opens(door, envelope, now):
            return False
        week = envelope.packets[0].sek
        devices = door.reachable(week)
        if week not in weeks_around(int(now)) or not is_for(envelope.packets, devices, week):
            return False
        messages, most = limits.mailbox_messages - MARGIN, limits.mailbox_bytes - MARGIN * (size + 128)
        for device in devices:
            load = self._loads.known(device)
            if load is None or load.messages >= messages or load.bytes >= most:
                return False
        return True

    def let_in(self, envelopes: Sequence[TokenEnvelope], accepted_at: int, arrived: Arrived) -> None:
        """Put the rows of envelopes that open."""
        seqs = [[self._sequence.take() for _ in envelope.packets] for envelope in envelopes]  # before anything is counted
        for envelope, its in zip(envelopes, seqs, strict=True):
            for arrival in arrivals_of_token(envelope, its, accepted_at):
                self._loads.put_in(arrival)
                arrived.append((self._announcer.stored(arrival.device, arrival.seq), arrival))

    def forget(self) -> None:
        """A transaction failed: what is in memory may rest on it."""
        self._doors.clear()
        self._loads.clear()


def _opens(door: Door, envelope: TokenEnvelope, now: float) -> bool:
    """Whether its token was made for these bytes, under a key of the weeks around now (first-message §7)."""
    body, packets = sha256(envelope.body), packets_hash(envelope.packets)
    week = week_of(now)
    for tried in (week, week - 1, week + 1):
        key = door.key(tried)
        if key is not None and equal(key.proof(envelope.id, envelope.user, body, packets), envelope.token):
            return True
    return False
