"""Other domains, as this node pins them itself (first-message §8): a pin book on the node's store, and the keys that are good now.

A node's homeserver is one of its channels. For outgoing mail it is asked on a submit link, so that it does not learn whose contact
lives there; for incoming mail, whose origin it knows anyway, on the mailbox link.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from connexa.crypto import Ed25519Public
from connexa.discovery import AskHomeserver, PinBook, Resolver
from connexa.identity import Domain, Endpoint, PinEvent, PinState, load_pin
from connexa.node.events import EventLog
from connexa.store import Database, Writer

__all__ = ["Domains", "Trusted"]


@dataclass(frozen=True, slots=True)
class Trusted:
    """The keys that a domain is held to now; a provisional one may only bring requests (I81)."""

    keys: tuple[Ed25519Public, ...]
    provisional: bool


class Domains:
    """Pins of all domains, shared by the accounts of a node."""

    def __init__(self, database: Database, writer: Writer, events: EventLog, resolver: Resolver, clock: Callable[[], float]) -> None:
        self._database = database
        self._writer = writer
        self._events = events
        self._resolver = resolver
        self._clock = clock
        self._parsed: dict[str, tuple[bytes, Trusted | None, float]] = {}

    def book(self, ask: AskHomeserver | None = None) -> PinBook:
        """The pin book, with a homeserver to ask."""
        return PinBook(self, self._resolver, clock=self._clock, homeserver=ask, on_event=self._on_event)

    async def addresses(self, domain: Domain, endpoint: Endpoint) -> list[str]:
        """Where an endpoint of a domain may be dialled (I06)."""
        return await self._resolver.addresses(domain, endpoint)

    def trusted(self, domain: str) -> Trusted | None:
        """What is pinned, from the store alone: an arrival causes no look-up (P40)."""
        row = self._database.first("SELECT record FROM remote WHERE domain = ?", (domain,))
        if row is None:
            return None
        now = self._clock()
        known = self._parsed.get(domain)
        if known is None or known[0] != row[0] or now - known[2] > 60:
            pin = load_pin(row[0])
            keys = () if pin.state is PinState.QUARANTINED else pin.trusted(now)
            known = (row[0], Trusted(keys, pin.state is not PinState.PINNED) if keys else None, now)
            self._parsed[domain] = known
        return known[1]

    async def get(self, domain: Domain) -> bytes | None:
        """PinStorage: the record of a domain."""
        row = self._database.first("SELECT record FROM remote WHERE domain = ?", (domain,))
        return row[0] if row else None

    async def put(self, domain: Domain, record: bytes) -> None:
        """PinStorage: keep a record."""
        await asyncio.shield(
            self._writer.submit(lambda execute: execute("INSERT OR REPLACE INTO remote (domain, record) VALUES (?, ?)", (domain, record)))
        )

    async def delete(self, domain: Domain) -> None:
        """PinStorage: drop a record."""
        await asyncio.shield(self._writer.submit(lambda execute: execute("DELETE FROM remote WHERE domain = ?", (domain,))))

    def _on_event(self, domain: Domain, event: PinEvent) -> None:
        if event in (PinEvent.PINNED, PinEvent.PROVISIONAL, PinEvent.RELEASED):
            return
        now = self._clock()
        self._writer.submit(
            lambda execute: self._events.record(execute, "", "trust.warning", now, code=event.value, domain=domain)
        ).add_done_callback(lambda done: None if done.cancelled() or done.exception() else self._events.publish())
