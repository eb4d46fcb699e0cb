"""The key directory: who somebody here is, which devices they have, and prekey bundles for them (first-message §5, §6).

Answers do not enumerate: a stranger hears UNAVAILABLE for unknown, not discoverable, full and asked for too often alike, in a padded reply
that takes the same time as a good one; a token hears BAD_RIGHT whether the user or the token is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from connexa.homeserver.delivery import Delivery
from connexa.homeserver.devices import certificates_of, list_chain
from connexa.homeserver.groups.key_packages import claim_packages, packages_left
from connexa.homeserver.limits import RateTable
from connexa.homeserver.mailbox import load_of
from connexa.homeserver.prekeys import claim, one_time_left, seal_keys, signed_of
from connexa.homeserver.rights import Resident, judge_call, remember, resident, resident_at, was_used
from connexa.homeserver.settings import LimitSettings
from connexa.homeserver.tables import Query, first
from connexa.identity import DeviceId, UserId
from connexa.store import Execute, Writer
from connexa.wire import DEVICE_SIZE, ID_SIZE, MAX_DEVICES, MAX_STATEMENT, USER_SIZE, malformed, parse
from connexa.wire.v1.link_pb2 import (
    Claim,
    ClaimKeyPackages,
    ClaimReply,
    ClaimRequest,
    KeyPackagesReply,
    Lookup,
    LookupReply,
    LookupRequest,
    Right,
    Status,
)

__all__ = ["Directory", "read_claim", "read_lookup"]

CLASSES: Final = (4_096, 8_192, 16_384, 32_768, 65_536, 131_072)
_HEAD: Final = 4
_LOOKUP: Final = b"lookup "
_CLAIM: Final = b"claim "
_KEY_PACKAGES: Final = b"key-packages "

OnLow = Callable[[DeviceId, int], None]
R = TypeVar("R", LookupReply, ClaimReply, KeyPackagesReply)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who is asked about, and how the right judges it."""

    found: Resident | None
    status: Status
    stranger: bool


def read_lookup(request: LookupRequest) -> Lookup:
    """The query inside a look-up, checked for its sizes."""
    query = parse(Lookup, request.query, MAX_STATEMENT)
    named = bool(query.localpart) != bool(query.user)
    if len(request.id) != ID_SIZE or not named or len(query.user) not in (0, USER_SIZE) or not _sound(request.right):
        raise malformed("its look-up names nobody, or two people, or has no right")
    return query


def read_claim(request: ClaimRequest | ClaimKeyPackages) -> Claim:
    """The query inside a claim, checked for its sizes."""
    query = parse(Claim, request.query, MAX_STATEMENT)
    sizes = len(request.id) == ID_SIZE and len(query.user) == USER_SIZE and all(len(device) == DEVICE_SIZE for device in query.devices)
    if not sizes or len(query.devices) > MAX_DEVICES or not _sound(request.right):
        raise malformed("its claim names nobody, or too much, or has no right")
    return query


def _sound(right: Right) -> bool:
    match right.WhichOneof("right"):
        case "token":
            return len(right.token) == 32
        case "invite":
            return len(right.invite.id) == ID_SIZE and len(right.invite.proof) == 32
        case "stranger":
            return len(right.stranger.id) in (0, ID_SIZE)
    return False


class Directory:
    """Answers look-ups and claims about people of this domain."""

    def __init__(self, writer: Writer, delivery: Delivery, limits: LimitSettings, on_low: OnLow, on_few_packages: OnLow) -> None:
        self._writer = writer
        self._delivery = delivery
        self._limits = limits
        self._on_low = on_low
        self._on_few_packages = on_few_packages
        # A pass, or a whole domain, for each person: whose claims they are is not known (I88).
        self._claimers: RateTable[tuple[bytes, UserId]] = RateTable(lambda: limits.key_package_claims_per_day, seconds=86_400)

    async def lookup(self, request: LookupRequest, now: float, from_domain: str | None = None) -> LookupReply:
        """Answer a look-up about somebody here; WireError for one that is not well formed."""
        query = read_lookup(request)
        due = asyncio.get_running_loop().time() + self._limits.answer_seconds
        reply = await self._writer.run(lambda execute: self._look(execute, request, query, now, from_domain))
        await _until(due)
        return _padded(reply)

    async def claim(self, request: ClaimRequest, now: float, from_domain: str | None = None) -> ClaimReply:
        """Answer a claim of prekey bundles of somebody here."""
        query = read_claim(request)
        due = asyncio.get_running_loop().time() + self._limits.answer_seconds
        low: list[tuple[DeviceId, int]] = []
        reply = await self._writer.run(lambda execute: self._claim(execute, request, query, now, from_domain, low))
        await _until(due)
        for device, left in low:
            self._on_low(device, left)
        return _padded(reply)

    async def claim_key_packages(
        self, request: ClaimKeyPackages, now: float, claimer: bytes, from_domain: str | None = None
    ) -> KeyPackagesReply:
        """Answer a claim of key packages of somebody here; `claimer` is the pass, or the domain, that they are counted for."""
        query = read_claim(request)
        due = asyncio.get_running_loop().time() + self._limits.answer_seconds
        few: list[tuple[DeviceId, int]] = []
        reply = await self._writer.run(lambda execute: self._claim_packages(execute, request, query, now, claimer, from_domain, few))
        await _until(due)
        for device, left in few:
            self._on_few_packages(device, left)
        return _padded(reply)

    def _claim_packages(
        self,
        execute: Execute,
        request: ClaimKeyPackages,
        query: Claim,
        now: float,
        claimer: bytes,
        from_domain: str | None,
        few: list[tuple[DeviceId, int]],
    ) -> KeyPackagesReply:
        if request.right.WhichOneof("right") == "stranger":
            return KeyPackagesReply(status=Status.STATUS_BAD_RIGHT)
        found = resident(execute, query.user)
        asked = self._judge(execute, _KEY_PACKAGES, request.id, request.query, query.user, request.right, found, now, from_domain)
        if asked.found is None or asked.status != Status.STATUS_ACCEPTED:
            return KeyPackagesReply(status=asked.status)
        spend = self._claimers.take((claimer, asked.found.user), asyncio.get_running_loop().time())
        claimed = claim_packages(execute, asked.found.user, query.devices, now, spend=spend)
        for device, _ in claimed:
            if (left := packages_left(execute, device, now)) <= self._limits.key_packages_low:
                few.append((device, left))
        return KeyPackagesReply(status=Status.STATUS_ACCEPTED, packages=[package for _, package in claimed])

    def _look(self, execute: Execute, request: LookupRequest, query: Lookup, now: float, from_domain: str | None) -> LookupReply:
        found = resident(execute, query.user) if query.user else resident_at(execute, query.localpart)
        asked = self._judge(execute, _LOOKUP, request.id, request.query, query.user, request.right, found, now, from_domain)
        if asked.found is None or asked.status != Status.STATUS_ACCEPTED:
            return LookupReply(status=asked.status)
        user = asked.found.user
        return LookupReply(
            status=Status.STATUS_ACCEPTED,
            user_key=asked.found.user_key,
            attestation=signed_of(asked.found.attestation),
            device_lists=list_chain(execute, user, query.known_version),
            certificates=certificates_of(execute, user),
            seks=seal_keys(execute, user, now),
        )

    def _claim(
        self,
        execute: Execute,
        request: ClaimRequest,
        query: Claim,
        now: float,
        from_domain: str | None,
        low: list[tuple[DeviceId, int]],
    ) -> ClaimReply:
        found = resident(execute, query.user)
        asked = self._judge(execute, _CLAIM, request.id, request.query, query.user, request.right, found, now, from_domain)
        if asked.found is None or asked.status != Status.STATUS_ACCEPTED:
            return ClaimReply(status=asked.status)
        # Contacts and guests may ask often, but beyond the rate they get last-resort keys, so that nobody can drain a pool.
        spend = asked.stranger or self._delivery.stranger_may_ask(query.user)
        bundles = claim(execute, asked.found.user, query.devices, now, spend=spend)
        for device, _ in bundles:
            if (left := one_time_left(execute, device, now)) <= self._limits.prekeys_low:
                low.append((device, left))
        return ClaimReply(status=Status.STATUS_ACCEPTED, bundles=[bundle for _, bundle in bundles])

    def _judge(
        self,
        execute: Execute,
        scope: bytes,
        call_id: bytes,
        raw: bytes,
        user: bytes,
        right: Right,
        found: Resident | None,
        now: float,
        from_domain: str | None,
    ) -> _Asked:
        stranger = right.WhichOneof("right") == "stranger"
        if from_domain is not None:
            refused = self._delivery.domain_may_ask(from_domain, stranger=stranger)
            if refused != Status.STATUS_ACCEPTED:
                return _Asked(found, refused, stranger)
        status = judge_call(execute, call_id, raw, user, right, found, now)
        if found is not None and status == Status.STATUS_ACCEPTED:
            if stranger and (self._is_full(execute, found) or not self._delivery.stranger_may_ask(found.user)):
                status = Status.STATUS_UNAVAILABLE
            elif not stranger and was_used(execute, scope, call_id + found.user):
                status = Status.STATUS_BAD_RIGHT  # a proof is shown once
            elif not stranger:
                remember(execute, scope, call_id + found.user, now)
        return _Asked(found, status, stranger)

    def _is_full(self, query: Query, found: Resident) -> bool:
        limits = self._limits
        for (device,) in query("SELECT device FROM device WHERE user = ?", (found.user,)):
            load = load_of(query, device)
            if load.messages >= limits.mailbox_messages or load.bytes >= limits.mailbox_bytes or load.requests >= limits.mailbox_requests:
                return True
        return first(query, "SELECT 1 FROM device WHERE user = ? LIMIT 1", (found.user,)) is None


def _padded(reply: R) -> R:
    """Fill a reply up to its size class: what is refused, and what is found for a person with one device, look alike on the way."""
    size = reply.ByteSize()
    room = next(c for c in CLASSES if c >= size + _HEAD) - size
    head = 2 if room < 130 else 3 if room < 16_387 else 4  # tag and length of the field itself
    reply.padding = bytes(room - head)
    return reply


async def _until(due: float) -> None:
    await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
