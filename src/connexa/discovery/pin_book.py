"""The pin book: which key each domain is held to, kept by whoever owns a database, moved only by `identity.decide`.

A homeserver and a node keep a book each (first-message §8). A node's has a third channel: the answer of its homeserver, which counts
where the homeserver has pinned the domain itself. Pinned domains are answered from storage; look-ups happen at first contact, once a
day, and when somebody asks for them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from connexa.crypto import Ed25519Public
from connexa.discovery._refusal import refusal
from connexa.discovery.resolver import Resolution, Resolver
from connexa.errors import ConnexaError, RefusedError
from connexa.identity import (
    Channel,
    Decision,
    Domain,
    DomainKey,
    Endpoint,
    Endpoints,
    Evidence,
    Failure,
    Found,
    Missing,
    Outcome,
    Pin,
    PinEvent,
    PinnedKey,
    PinState,
    PublishedKeys,
    ServerInfo,
    SignedInfo,
    decide,
    dump_pin,
    load_pin,
    read_server_info,
    verify_server_info,
)
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import DomainReply

PINNED_REFRESH: Final = 86_400
UNSURE_REFRESH: Final = 300  # provisional, quarantined, or without a server info
MAX_KEPT: Final = 4_096  # in memory; the rest is in the storage


class PinStorage(Protocol):
    """Where records are kept, one for each domain; `put` returns when the record is durable."""

    async def get(self, domain: Domain) -> bytes | None: ...

    async def put(self, domain: Domain, record: bytes) -> None: ...

    async def delete(self, domain: Domain) -> None: ...


AskHomeserver = Callable[[Domain], Awaitable[DomainReply | None]]
"""A node's third channel: what its homeserver says of a domain; None where it knows nothing."""

OnEvent = Callable[[Domain, PinEvent], None]
"""Told of everything that an administrator, or the owner of a node, must be shown."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Another domain as it is trusted now; `keys` has the newest first, and two of them while a rotation overlaps."""

    domain: Domain
    state: PinState
    keys: tuple[Ed25519Public, ...]
    federation: Endpoint
    link: Endpoint
    https: Endpoint
    signed_info: Signed | None
    server_info: ServerInfo | None

    @property
    def key(self) -> Ed25519Public:
        """The newest key."""
        return self.keys[0]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A pin in memory, with its server info read and checked once."""

    pin: Pin
    info: ServerInfo | None


class PinBook:
    """Finds domains and keeps their pins."""

    def __init__(
        self,
        storage: PinStorage,
        resolver: Resolver,
        *,
        clock: Callable[[], float],
        homeserver: AskHomeserver | None = None,
        on_event: OnEvent | None = None,
    ) -> None:
        self._storage = storage
        self._resolver = resolver
        self._clock = clock
        self._homeserver = homeserver
        self._on_event = on_event
        self._writing = asyncio.Lock()
        self._kept: OrderedDict[Domain, _Kept] = OrderedDict()

    async def find(self, domain: Domain) -> Remote:
        """Find a domain for incoming requests: pinned or provisional; everything else raises."""
        pin = await self._current(domain)
        if pin is None or self._is_due(pin):
            return await self.refresh(domain)
        return self._remote(pin)

    async def require(self, domain: Domain) -> Remote:
        """Find a domain to send to: a provisional one raises `domain.provisional` (I81)."""
        remote = await self.find(domain)
        if remote.state is PinState.PROVISIONAL:  # perhaps from an arrival, which asked nobody outside
            remote = await self.refresh(domain)
        if remote.state is PinState.PROVISIONAL:
            raise RefusedError(
                "domain.provisional",
                "The key of that domain was seen in one place only, so nothing is sent to it yet.",
                "It is tried again; or compare the key with the domain's administrator and confirm it.",
                retryable=True,
            )
        return remote

    async def find_for_arrival(self, domain: Domain) -> Remote:
        """Find a domain from which something came, by the discovery file and the homeserver alone.

        Whoever sends chooses the domain, so its records are not asked: they would tell the sender where and when this node is (P40).
        """
        pin = await self._current(domain)
        if pin is not None:
            return self._remote(pin)
        written = self._resolver.written(domain)
        evidence = [written] if written else [await self._ask_homeserver(domain, self._homeserver)] if self._homeserver else []
        async with self._writing:
            pin = await self._load(domain)
            decision = decide(domain, pin, evidence, self._clock())
            await self._apply(domain, pin, decision)
        if decision.pin is None:
            raise refusal(decision.outcome, tuple(evidence))
        return self._remote(decision.pin)

    async def known(self, domain: Domain) -> Remote | None:
        """Return what is pinned, without any look-up: for checks on connections that are open (I16)."""
        pin = await self._current(domain)
        return self._remote(pin) if pin and pin.state is not PinState.QUARANTINED else None

    async def refresh(self, domain: Domain) -> Remote:
        """Look a domain up now (within the resolver's cache) and apply what is found."""
        resolution, more = await self._gather(domain)
        async with self._writing:
            pin = await self._load(domain)
            decision = decide(domain, pin, (*resolution.evidence, *more), self._clock(), resolution.located)
            await self._apply(domain, pin, decision)
        if decision.pin is None:
            raise refusal(decision.outcome, (*resolution.evidence, *more))
        return self._remote(decision.pin)

    async def pin_by_invite(self, domain: Domain, key: Ed25519Public, endpoints: Endpoints) -> Remote:
        """Pin the key that an invite carries; one that contradicts a pin is refused and changes nothing."""
        async with self._writing:
            pin = await self._load(domain)
            if pin and key not in pin.trusted(self._clock()):
                raise refusal(Outcome.CONFLICT, ())
            if pin and pin.state is not PinState.PROVISIONAL:
                return self._remote(pin)
            found = Found(Channel.INVITE, PublishedKeys(DomainKey(key)), endpoints=endpoints)
            decision = decide(domain, None, [found], self._clock())
            await self._apply(domain, pin, decision)
        if decision.pin is None:
            raise refusal(decision.outcome, ())
        return self._remote(decision.pin)

    async def confirm(self, domain: Domain, key: Ed25519Public) -> Remote:
        """Take the administrator's word for a key that a provisional, quarantined or conflicting domain shows."""
        async with self._writing:
            pin = await self._load(domain)
            now = int(self._clock())
            if pin is None:
                made = Pin(domain, PinState.PINNED, (PinnedKey(key),), Endpoints.parse(domain), now, 0)
            elif key == pin.newest:
                made = replace(pin, state=PinState.PINNED)
            else:
                made = replace(pin, state=PinState.PINNED, keys=(PinnedKey(key),), checked=0, secure=False, info=None, info_issued=0)
            await self._apply(domain, pin, Decision(Outcome.PINNED, made, (PinEvent.REPLACED,)))
        return self._remote(made)

    async def forget(self, domain: Domain) -> None:
        """Drop a pin, so that the next contact is a first one."""
        async with self._writing:
            self._resolver.flush(domain)
            await self._storage.delete(domain)
            self._kept.pop(domain, None)

    async def _gather(self, domain: Domain) -> tuple[Resolution, tuple[Evidence, ...]]:
        self._resolver.static(domain)  # a mistake in the file is told as it is, not as a group of one
        async with asyncio.TaskGroup() as group:
            looked_up = group.create_task(self._resolver.look_up(domain))
            asked = group.create_task(self._ask_homeserver(domain, self._homeserver)) if self._homeserver else None
        return looked_up.result(), (asked.result(),) if asked else ()

    async def _ask_homeserver(self, domain: Domain, ask: AskHomeserver) -> Evidence:
        try:
            reply = await ask(domain)
        except ConnexaError as error:
            return Missing(Channel.HOMESERVER, Failure.TEMPORARY if error.retryable else Failure.ABSENT, error.message)
        if reply is None or not reply.pinned:
            return Missing(Channel.HOMESERVER, Failure.ABSENT, "The homeserver has not pinned it.")
        try:
            info = read_server_info(reply.server_info, domain=domain, now=self._clock())
        except ConnexaError as error:
            return Missing(Channel.HOMESERVER, Failure.INVALID, error.message)
        return Found(Channel.HOMESERVER, info.keys, info=SignedInfo(reply.server_info, info))

    async def _current(self, domain: Domain) -> Pin | None:
        if kept := self._kept.get(domain):
            return kept.pin
        async with self._writing:  # or a record read before a change would be kept after it
            return await self._load(domain)

    async def _load(self, domain: Domain) -> Pin | None:
        if kept := self._kept.get(domain):
            self._kept.move_to_end(domain)
            return kept.pin
        record = await self._storage.get(domain)
        if record is None:
            return None
        return self._keep(load_pin(record)).pin

    def _keep(self, pin: Pin) -> _Kept:
        kept = self._kept[pin.domain] = _Kept(pin, _read_info(pin, self._clock()))
        self._kept.move_to_end(pin.domain)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _apply(self, domain: Domain, before: Pin | None, decision: Decision) -> None:
        if decision.pin is not None and decision.pin != before:
            await self._storage.put(domain, dump_pin(decision.pin))
            self._keep(decision.pin)
        if self._on_event:
            for event in decision.events:
                self._on_event(domain, event)

    def _is_due(self, pin: Pin) -> bool:
        entry = self._resolver.static(pin.domain)
        if entry and (entry.key != pin.newest or entry.endpoints != pin.endpoints):
            return True
        settled = pin.state is PinState.PINNED and pin.info is not None
        return self._clock() >= pin.checked + (PINNED_REFRESH if settled else UNSURE_REFRESH)

    def _remote(self, pin: Pin) -> Remote:
        now = self._clock()
        keys = pin.trusted(now)
        if pin.state is PinState.QUARANTINED:
            raise refusal(Outcome.QUARANTINED, ())
        kept = self._kept.get(pin.domain)
        info = (kept if kept and kept.pin is pin else self._keep(pin)).info
        return Remote(
            domain=pin.domain,
            state=pin.state,
            keys=keys,
            federation=pin.endpoints.federation,
            link=pin.endpoints.link,
            https=pin.endpoints.https,
            signed_info=pin.info,
            server_info=info if info and info.expires >= now and info.keys.current.key in keys else None,
        )


def _read_info(pin: Pin, now: float) -> ServerInfo | None:
    try:
        return verify_server_info(pin.info, [k.key for k in pin.keys], domain=pin.domain, now=now) if pin.info else None
    except ConnexaError:
        return None
