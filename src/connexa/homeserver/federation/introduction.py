"""Introduce: how a domain that is not known yet asks to be looked up, over the HTTPS port where no client certificate is needed.

Both ends. The door triggers look-ups for whoever asks, so it is limited by source, by domain and in all, and remembers a "no"; it never
replaces a pin, because the pin book does not (homeserver §7.3, I18, F11).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Set

import httpx

from connexa.crypto.x509 import anchor_pem
from connexa.discovery import PinBook, Remote
from connexa.errors import ConnexaError, NetworkError, NotFoundError, RefusedError
from connexa.homeserver.limits import RateTable, registrable
from connexa.identity import Domain, Endpoint, parse_domain
from connexa.wire.v1.federation_pb2 import Introduce

from .trust import Trust

__all__ = ["INTRODUCE_PATH", "Door", "introduce"]

INTRODUCE_PATH = "/v1/introduce"
INTRODUCE_SECONDS = 15.0
LOOK_UP_SECONDS = 12.0
MAX_AT_ONCE = 16
PER_SOURCE = 10  # a minute, for each address block
PER_DOMAIN = 6  # a minute, for each registrable domain
NO_SECONDS = 300.0
MAX_TRACKED = 8_192


async def introduce(own: Domain, remote: Remote, addresses: list[str], *, now: float) -> None:
    """Ask a remote to look our domain up; its HTTPS port shows the leaf of its pinned key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=b"".join(anchor_pem(remote.domain, key, now) for key in remote.keys).decode())
    url = f"https://{Endpoint(addresses[0], remote.https.port)}{INTRODUCE_PATH}"
    headers = {"host": f"{remote.domain}:{remote.https.port}", "content-type": "application/x-protobuf"}
    body = Introduce(domain=own).SerializeToString()
    try:
        async with asyncio.timeout(INTRODUCE_SECONDS), httpx.AsyncClient(verify=context, trust_env=False) as client:
            answer = await client.post(url, content=body, headers=headers, extensions={"sni_hostname": remote.domain})
    except (httpx.HTTPError, TimeoutError) as error:
        raise NetworkError("remote.unreachable", f"The homeserver of {remote.domain} cannot be reached ({type(error).__name__}).") from None
    if answer.status_code != 200:
        raise RefusedError(
            "remote.refused", f"The homeserver of {remote.domain} did not take our introduction ({answer.status_code}).", retryable=True
        )


class Door:
    """The answering end: looks a stranger up, pins it, and lets it in."""

    def __init__(self, own: Domain, book: PinBook, trust: Trust, *, clock: Callable[[], float], blocked: Set[Domain] = frozenset()) -> None:
        self._own = own
        self._blocked = blocked
        self._book = book
        self._trust = trust
        self._clock = clock
        self._sources: RateTable[str] = RateTable(lambda: PER_SOURCE, seconds=60)
        self._domains: RateTable[str] = RateTable(lambda: PER_DOMAIN, seconds=60)
        self._refused: OrderedDict[Domain, tuple[float, ConnexaError]] = OrderedDict()
        self._slots = asyncio.Semaphore(MAX_AT_ONCE)

    async def introduce(self, text: str, source: str) -> None:
        """Let a domain in that shows its key; raises `rate.limited`, `domain.unknown` and what the pin book says."""
        self._limit(self._sources, source)
        domain = parse_domain(text)
        if domain == self._own:
            raise RefusedError("domain.mismatch", "This homeserver needs no introduction to itself.")
        if domain in self._blocked:
            raise RefusedError("domain.blocked", "This homeserver has nothing to do with that domain.")
        known = await self._book.known(domain)
        if known is not None and domain not in self._trust:  # evicted: it comes back without a look-up
            self._trust.learn(domain, known.keys)
            return
        self._limit(self._domains, registrable(domain))
        self._recall(domain)
        if self._slots.locked():
            raise RefusedError("rate.limited", "Too many domains introduce themselves now.", retryable=True)
        async with self._slots:
            # Known and hot, and yet not let in: its key may have changed, which the book takes with a rotation statement alone.
            remote = await self._look_up(domain, self._book.refresh if known else self._book.find)
        self._trust.learn(domain, remote.keys)

    async def _look_up(self, domain: Domain, look_up: Callable[[Domain], Awaitable[Remote]]) -> Remote:
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                return await look_up(domain)
        except TimeoutError:
            raise NetworkError("directory.unavailable", "That domain could not be looked up in time.") from None
        except ConnexaError as error:
            self._refused[domain] = (self._clock() + (30.0 if error.retryable else NO_SECONDS), error)
            if len(self._refused) > MAX_TRACKED:
                self._refused.popitem(last=False)
            raise

    def _recall(self, domain: Domain) -> None:
        until, error = self._refused.get(domain, (0.0, NotFoundError("domain.unknown", "")))
        if self._clock() < until:
            raise type(error)(error.code, error.message, retryable=error.retryable)
        self._refused.pop(domain, None)

    def _limit(self, table: RateTable[str], key: str) -> None:
        if not table.take(key, self._clock()):
            raise RefusedError("rate.limited", "Too many introductions in this minute.", retryable=True)
