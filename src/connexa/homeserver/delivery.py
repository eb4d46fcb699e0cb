"""From an envelope to the mailboxes of its recipient: every check that the recipient's homeserver makes, then the rows (first-message §2).

In this order: size, syntax, version, expiry (`check_envelope`, without the database), then inside the operation right, quota, and that the
packets are for exactly the current list's devices with a valid sealed-sender key (P47).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Final, Protocol

from connexa.homeserver.doorkeeper import Door, Doorkeeper
from connexa.homeserver.limits import RateTable, registrable
from connexa.homeserver.loads import Loads
from connexa.homeserver.mailbox import Arrival, arrivals_of, insert
from connexa.homeserver.metrics import Metrics
from connexa.homeserver.rights import judge_envelope, remember, was_used
from connexa.homeserver.sequence import Sequence as SeqNumbers
from connexa.homeserver.settings import LimitSettings, ServerSettings
from connexa.identity import DeviceId, Domain, UserId
from connexa.pairwise import week_of
from connexa.store import Execute
from connexa.wire import REQUEST_BODY, TokenPacket, WireError, parse_envelope, status_code
from connexa.wire.v1.link_pb2 import PushClass, Status
from connexa.wire.v1.message_pb2 import Envelope, Packet

__all__ = ["CLOCK_SKEW", "Announcer", "Arrived", "Delivery", "is_for", "weeks_around"]

CLOCK_SKEW: Final = 600  # first-message §2
_REQUEST: Final = b"request "
_CLASSES: Final = {"token": PushClass.PUSH_CONTACT, "invite": PushClass.PUSH_REQUEST, "stranger": PushClass.PUSH_REQUEST}

Arrived = list[tuple[int, Arrival]]
"""What was put into mailboxes, each with the number of the same device's row before it; pushed once it is committed."""


class Announcer(Protocol):
    """Who pushes to devices that are there."""

    def stored(self, device: bytes, seq: int) -> int: ...

    def arrived(self, arrived: Arrived) -> None: ...


class Delivery:
    """The recipient's side of a homeserver."""

    def __init__(
        self,
        settings: ServerSettings,
        sequence: SeqNumbers,
        announcer: Announcer,
        metrics: Metrics,
        clock: Callable[[], float],
        *,
        doors: Doorkeeper,
        loads: Loads,
        blocked: Set[Domain],
    ) -> None:
        self._limits: LimitSettings = settings.limits
        self._blocked = blocked
        self._sequence = sequence
        self._announcer = announcer
        self._metrics = metrics
        self._clock = clock
        self._doors = doors
        self._loads = loads
        limits = settings.limits
        self._domains: RateTable[str] = RateTable(
            lambda: limits.domain_envelopes_per_second, seconds=1, burst=lambda: limits.domain_envelopes_burst
        )
        self._domain_strangers: RateTable[str] = RateTable(lambda: limits.domain_strangers_per_hour, seconds=3600)
        self._targets: RateTable[bytes] = RateTable(lambda: limits.strangers_per_hour, seconds=3600)

    def check_envelope(self, raw: bytes) -> Envelope:
        """Check what needs no database; raises an error whose code is that of a status."""
        if len(raw) > self._limits.max_envelope:
            raise WireError("envelope.too_large", f"An envelope is larger than {self._limits.max_envelope} bytes.")
        envelope = parse_envelope(raw, odd_packets=self._limits.odd_packets)
        now = self._clock()
        if envelope.expires <= now:
            raise WireError("envelope.expired", "An envelope has expired.")
        if envelope.expires > now + self._limits.max_ttl_seconds + CLOCK_SKEW:
            raise WireError("envelope.malformed", "An envelope wants to live for too long.")
        if envelope.WhichOneof("right") in ("stranger", "invite") and len(envelope.body) > REQUEST_BODY:
            raise WireError("envelope.too_large", "A request is larger than requests may be.")
        return envelope

    @contextmanager
    def storing(self, execute: Execute) -> Iterator[Arrived]:
        """What an operation delivers, stored at its end; for `announce` once it is committed."""
        arrived: Arrived = []
        try:
            yield arrived
            insert(execute, [arrival for _, arrival in arrived])
            self._loads.write(execute)
        except BaseException:
            self._loads.clear()  # they count what is undone now
            raise

    def deliver(
        self, execute: Execute, envelope: Envelope, *, accepted_at: int, from_domain: str | None, now: float, arrived: Arrived
    ) -> Status:
        """Judge an envelope for somebody here, inside `storing`."""
        status = self._admit(envelope, from_domain)
        if status == Status.STATUS_ACCEPTED:
            status = self._judge(execute, envelope, accepted_at, now, arrived)
        self._metrics.judged("local" if from_domain is None else "remote", status_code(status))
        return status

    def deliver_own(
        self, execute: Execute, envelope: Envelope, *, user: UserId, sender: DeviceId, accepted_at: int, arrived: Arrived
    ) -> Status:
        """Judge what one device of a person sends to all others of the same person (P38), inside `storing`."""
        status = self._judge_own(execute, envelope, user, sender, accepted_at)
        if status == Status.STATUS_ACCEPTED:
            self._store(envelope, PushClass.PUSH_OWN, accepted_at, arrived)
        self._metrics.judged("own", status_code(status))
        return status

    def announce(self, arrived: Arrived) -> None:
        """Push rows to the devices that are there, after the commit."""
        self._announcer.arrived(arrived)

    def stranger_may_ask(self, user: bytes) -> bool:
        """Count a stranger's look-up, claim or request against the person whom it is about."""
        return self._targets.take(user, _now())

    def domain_may_ask(self, domain: str, *, stranger: bool) -> Status:
        """Whether a remote's people may look up or write; its strangers are counted with those of its sister domains (I86)."""
        if domain in self._blocked:
            return Status.STATUS_BLOCKED
        if stranger and not self._domain_strangers.take(registrable(domain), _now()):
            return Status.STATUS_RATE_LIMITED
        return Status.STATUS_ACCEPTED

    def _admit(self, envelope: Envelope, from_domain: str | None) -> Status:
        if from_domain is None:
            return Status.STATUS_ACCEPTED
        status = self.domain_may_ask(from_domain, stranger=envelope.WhichOneof("right") == "stranger")
        if status == Status.STATUS_ACCEPTED and not self._domains.take(from_domain, _now()):
            return Status.STATUS_RATE_LIMITED
        return status

    def _judge(self, execute: Execute, envelope: Envelope, accepted_at: int, now: float, arrived: Arrived) -> Status:
        right = envelope.WhichOneof("right")
        kind = _CLASSES.get(right or "")
        if kind is None:
            return Status.STATUS_BAD_RIGHT
        door = self._doors.find(execute, envelope.user)
        request = kind == PushClass.PUSH_REQUEST
        # A request that comes again was stored before: its remote has lost our answer.
        if request and was_used(execute, _REQUEST, envelope.id + envelope.user):
            return Status.STATUS_ACCEPTED
        status = judge_envelope(execute, envelope, door.resident if door else None, door.keys if door else {}, accepted_at)
        if door is None or status != Status.STATUS_ACCEPTED:
            return status
        if right == "stranger" and not self.stranger_may_ask(envelope.user):
            return Status.STATUS_UNAVAILABLE
        status = self._room_for(execute, envelope, door, accepted_at, None, request)
        if status == Status.STATUS_QUOTA_EXCEEDED and right == "stranger":
            return Status.STATUS_UNAVAILABLE  # full looks like unknown to a stranger
        if status != Status.STATUS_ACCEPTED:
            return status
        if request:
            remember(execute, _REQUEST, envelope.id + envelope.user, now)
        if right == "invite":
            execute("UPDATE contact_invite SET uses = uses - 1 WHERE id = ?", (envelope.invite.id,))
        self._store(envelope, kind, accepted_at, arrived)
        return Status.STATUS_ACCEPTED

    def _judge_own(self, execute: Execute, envelope: Envelope, user: UserId, sender: DeviceId, accepted_at: int) -> Status:
        if envelope.WhichOneof("right") != "own" or envelope.user != user:
            return Status.STATUS_BAD_RIGHT
        door = self._doors.find(execute, user)
        if door is None or envelope.own.only == sender:
            return Status.STATUS_BAD_RIGHT
        return self._room_for(execute, envelope, door, accepted_at, sender, request=False)

    def _room_for(
        self, execute: Execute, envelope: Envelope, door: Door, accepted_at: int, sender: DeviceId | None, request: bool
    ) -> Status:
        """Quota, then P47: the packets are for exactly the devices that can be sent to, under one week's keys."""
        week = envelope.packets[0].sek
        devices = door.reachable(week) - {sender} if week in weeks_around(accepted_at) else frozenset[bytes]()
        if envelope.own.only:  # history and repair: the others have no part in it
            devices &= {envelope.own.only}
        size = _size(envelope)
        for device in devices:
            load = self._loads.find(execute, device)
            limits = self._limits
            if load.messages >= limits.mailbox_messages or load.bytes + size > limits.mailbox_bytes:
                return Status.STATUS_QUOTA_EXCEEDED
            if request and load.requests >= limits.mailbox_requests:
                return Status.STATUS_QUOTA_EXCEEDED
        return Status.STATUS_ACCEPTED if is_for(envelope.packets, devices, week) else Status.STATUS_STALE_DEVICES

    def _store(self, envelope: Envelope, kind: PushClass, accepted_at: int, arrived: Arrived) -> None:
        seqs = [self._sequence.take() for _ in envelope.packets]
        for arrival in arrivals_of(envelope, kind, seqs, accepted_at):
            self._loads.put_in(arrival)
            arrived.append((self._announcer.stored(arrival.device, arrival.seq), arrival))


def weeks_around(at: int) -> tuple[int, int]:
    """The week at a time; both where it turns about then."""
    return week_of(at - CLOCK_SKEW), week_of(at + CLOCK_SKEW)


def is_for(packets: Sequence[Packet | TokenPacket], devices: frozenset[bytes], week: int) -> bool:
    """Whether the packets, whose devices all differ, are for exactly these."""
    if len(packets) != len(devices):
        return False
    for packet in packets:  # noqa: SIM110 - at every envelope: a generator costs more
        if packet.device not in devices or packet.sek != week:
            return False
    return True


def _size(envelope: Envelope) -> int:
    return len(envelope.body) + max([len(packet.sealed) for packet in envelope.packets]) + 128


def _now() -> float:
    """Rates go by the clock that nobody sets."""
    return asyncio.get_running_loop().time()
