"""One round of look-ups for a domain: the discovery file first, else TXT and well-known side by side (identity §3).

The answer is evidence, each channel with its own result or failure class; what it is worth is for the pin book.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from connexa.crypto.x509 import anchor_pem
from connexa.discovery._addresses import AddressPolicy, is_address
from connexa.discovery._failure import ChannelFailed
from connexa.discovery._https import Addresses, fetch
from connexa.discovery._nameserver import Nameserver
from connexa.discovery._static import StaticFile
from connexa.discovery.settings import DiscoverySettings
from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.identity import (
    WELL_KNOWN_PATH,
    Channel,
    Domain,
    DomainKey,
    Endpoint,
    Evidence,
    Failure,
    Found,
    Missing,
    PublishedKeys,
    SignedInfo,
    StaticEntry,
    parse_txt,
    parse_well_known,
)

MAX_CACHED: Final = 4_096
MAX_AT_ONCE: Final = 32
POSITIVE_TTL: Final = 86_400  # the ceiling
WELL_KNOWN_TTL: Final = 3_600
ABSENT_TTL: Final = 300
FAILED_TTL: Final = 30


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the channels say, the endpoint that SVCB or SRV name, and until when this may be used again."""

    evidence: tuple[Evidence, ...]
    located: Endpoint | None
    good_until: float
    entry: StaticEntry | None = None  # the line of the discovery file that it comes from


@dataclass(slots=True)
class _Turn:
    """Who waits for one domain, so that it is looked up once."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Resolver:
    """Looks domains up; one for each program."""

    def __init__(self, settings: DiscoverySettings, *, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._static = StaticFile(settings.file)
        self._policy = AddressPolicy(settings.allow_addresses)
        self._nameserver = Nameserver(settings.nameserver, settings.timeout)
        self._cache: OrderedDict[Domain, Resolution] = OrderedDict()
        self._turns: dict[Domain, _Turn] = {}
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)

    @cached_property
    def _web(self) -> ssl.SSLContext:
        """Whom the web is believed, read when it is first asked: it takes as long as opening a node's store, and few are ever asked."""
        return ssl.create_default_context(cafile=self._settings.ca_file)

    def static(self, domain: Domain) -> StaticEntry | None:
        """The discovery file's line for a domain, as the file is now."""
        return self._static.get(domain)

    def written(self, domain: Domain) -> Found | None:
        """The discovery file's word for a domain, as evidence that needed no network."""
        entry = self._static.get(domain)
        return Found(Channel.FILE, PublishedKeys(DomainKey(entry.key)), endpoints=entry.endpoints) if entry else None

    async def addresses(self, domain: Domain, endpoint: Endpoint) -> list[str]:
        """Addresses where an endpoint of a domain may be dialled: public ones, but any that the discovery file names (I06)."""
        entry = self._static.get(domain)
        written = entry is not None and endpoint in (entry.endpoints.federation, entry.endpoints.link, entry.endpoints.https)
        find = _system_addresses(endpoint.host) if written else self._public_addresses
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await find(endpoint.host)
        except ChannelFailed as failure:
            if failure.failure is Failure.BLOCKED:
                raise RefusedError("domain.blocked", "That domain points to an address that may not be reached.") from None
            raise NetworkError("directory.unavailable", "An endpoint of that domain has no address now.") from None
        except TimeoutError:
            raise NetworkError("directory.unavailable", "An endpoint of that domain could not be looked up in time.") from None

    def flush(self, domain: Domain) -> None:
        """Forget what was looked up, as `connexa doctor` does first."""
        self._cache.pop(domain, None)

    async def look_up(self, domain: Domain) -> Resolution:
        """Gather the evidence for a domain, from the cache where that is still good."""
        turn = self._turns.setdefault(domain, _Turn())
        turn.waiting += 1
        try:
            async with turn.lock:
                entry = self._static.get(domain)
                cached = self._cache.get(domain)
                if cached and cached.entry == entry and self._clock() < cached.good_until:
                    return cached
                async with self._slots:
                    return self._keep(domain, await (self._written_down(entry) if entry else self._ask(domain)))
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[domain]

    def _keep(self, domain: Domain, resolution: Resolution) -> Resolution:
        self._cache[domain] = resolution
        self._cache.move_to_end(domain)
        if len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
        return resolution

    async def _ask(self, domain: Domain) -> Resolution:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._txt(domain))] if self._settings.dns else []
            if self._settings.well_known:
                asked.append(group.create_task(self._well_known(domain)))
        answers = [task.result() for task in asked]
        evidence = tuple(answer for answer, _ in answers)
        ttl = min((ttl for _, ttl in answers), default=ABSENT_TTL)
        return Resolution(evidence, await self._located(domain, evidence), self._clock() + min(ttl, POSITIVE_TTL))

    async def _txt(self, domain: Domain) -> tuple[Evidence, int]:
        try:
            records = await self._nameserver.txt(domain)
            answer = parse_txt(records.records)
        except ConnexaError as error:
            return _missing(Channel.TXT, error)
        if answer is None:
            return Missing(Channel.TXT, Failure.ABSENT, "No TXT record is ours."), ABSENT_TTL
        return Found(Channel.TXT, answer.keys, secure=records.secure, federation=answer.federation), records.ttl

    async def _well_known(self, domain: Domain) -> tuple[Evidence, int]:
        try:
            raw = await self._fetch(domain, self._settings.well_known_port, self._public_addresses, self._web)
            read = parse_well_known(raw, domain=domain, now=self._clock())
        except ConnexaError as error:
            return _missing(Channel.WELL_KNOWN, error)
        info = SignedInfo(read.signed, read.info)
        return Found(Channel.WELL_KNOWN, read.info.keys, info=info, rotations=read.rotations), WELL_KNOWN_TTL

    async def _written_down(self, entry: StaticEntry) -> Resolution:
        """A line of the file pins alone; the server info is asked of the domain itself, whose listeners show the written key."""
        info = None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cadata=anchor_pem(entry.domain, entry.key, self._clock()).decode())
        try:
            raw = await self._fetch(entry.domain, entry.endpoints.https.port, _system_addresses(entry.endpoints.https.host), context)
            read = parse_well_known(raw, domain=entry.domain, now=self._clock())
            info = SignedInfo(read.signed, read.info)
        except ConnexaError:
            pass  # the pin does not hang on it
        found = Found(Channel.FILE, PublishedKeys(DomainKey(entry.key)), info=info, endpoints=entry.endpoints)
        return Resolution((found,), None, self._clock() + (ABSENT_TTL if info else FAILED_TTL), entry)

    async def _fetch(self, domain: Domain, port: int, addresses: Addresses, context: ssl.SSLContext) -> bytes:
        return await fetch(domain, port, WELL_KNOWN_PATH, addresses=addresses, context=context, timeout=self._settings.timeout)

    async def _public_addresses(self, host: str) -> list[str]:
        found = [host] if is_address(host) else await self._nameserver.addresses(host)
        permitted = [address for address in found if self._policy.permits(address)]
        if not permitted:
            raise ChannelFailed(Failure.BLOCKED, "It points to an address that is not public.")
        return permitted

    async def _located(self, domain: Domain, evidence: tuple[Evidence, ...]) -> Endpoint | None:
        """SVCB and SRV are asked only where neither TXT nor a signed info names the endpoint."""
        found = [e for e in evidence if isinstance(e, Found)]
        if not self._settings.dns or not found or any(f.federation or f.info for f in found):
            return None
        return await self._nameserver.federation_endpoint(domain)


def _missing(channel: Channel, error: ConnexaError) -> tuple[Missing, int]:
    """Keep the class of a failed channel; what came and does not hold is invalid."""
    failure = error.failure if isinstance(error, ChannelFailed) else Failure.INVALID
    return Missing(channel, failure, error.message), ABSENT_TTL if failure is Failure.ABSENT else FAILED_TTL


def _system_addresses(host: str) -> Addresses:
    """Addresses as this machine finds them, its hosts file included: for endpoints that its administrator wrote down."""

    async def find(_host: str) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            raise ChannelFailed(Failure.TEMPORARY, "Its HTTPS endpoint has no address.") from None
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))

    return find
