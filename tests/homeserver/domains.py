"""Two and more domains on loopback for the tests of federation: real keys, TLS, gRPC, HTTPS, databases; a mailbox that remembers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from connexa.crypto import Ed25519Secret, system_random
from connexa.crypto.x509 import Leaf, issue_leaf
from connexa.discovery import DiscoverySettings, PinBook, Resolver
from connexa.homeserver.federation import Door, FederationServer, GrpcRemotes, Incoming, OutgoingQueue, OwnSide, RemoteTable, Trust
from connexa.homeserver.http_server import HttpServer, bind_tcp
from connexa.homeserver.schema import MIGRATIONS
from connexa.homeserver.tls import server_context
from connexa.homeserver.web import Site, build_web
from connexa.identity import (
    Domain,
    DomainKey,
    Endpoints,
    PublishedKeys,
    ServerInfo,
    StaticEntry,
    format_discovery_file,
    format_well_known,
    issue_server_info,
)
from connexa.store import Writer, open_database
from connexa.testing import FakeClock
from connexa.wire import OURS, parse_envelope
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import ClaimReply, LookupReply, Status
from connexa.wire.v1.message_pb2 import Envelope, Packet

USER = b"u" * 32


def envelope(domain: str, number: int = 0, *, expires: int = 2_100_000_000, stranger: bool = False) -> bytes:
    """An envelope of sound syntax; its body tells which one it is."""
    made = Envelope(version=1, id=number.to_bytes(16, "big"), expires=expires, domain=domain, user=USER, body=number.to_bytes(16, "big"))
    if stranger:
        made.stranger.SetInParent()
    else:
        made.token = bytes(32)
    made.packets.append(Packet(device=bytes(32), sek=1, sealed=bytes(2_160)))
    return made.SerializeToString()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that nobody announces."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0.01)


class Mailbox:
    """Takes what is delivered, in order; `answers` says otherwise for bodies by number."""

    def __init__(self) -> None:
        self.stored: list[tuple[str | None, int]] = []
        self.answers: dict[int, list[Status]] = {}
        self.news = asyncio.Event()

    def check_envelope(self, raw: bytes) -> Envelope:
        return parse_envelope(raw)

    @contextmanager
    def storing(self, execute) -> Iterator[list]:
        yield []

    def deliver(self, execute, envelope, *, accepted_at, from_domain, now, arrived) -> Status:
        number = int.from_bytes(envelope.body, "big")
        if queued := self.answers.get(number):
            return queued.pop(0)
        self.stored.append((from_domain, number))
        arrived.append(number)
        return Status.STATUS_ACCEPTED

    def announce(self, arrived) -> None:
        self.news.set()

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.stored]

    async def until(self, count: int) -> None:
        """Wait until that many are stored."""
        async with asyncio.timeout(30):
            while len(self.stored) < count:
                self.news.clear()
                await self.news.wait()


class Ends:
    """What became of outgoing envelopes."""

    def __init__(self) -> None:
        self.seen: dict[int, tuple[int, int]] = {}
        self.news = asyncio.Event()

    def record(self, execute, origin, origin_number, place, status) -> None:
        self.seen[origin_number] = (place, status)

    def tell(self, origin) -> None:
        self.news.set()

    async def until(self, count: int) -> None:
        """Wait until that many have ended."""
        async with asyncio.timeout(30):
            while len(self.seen) < count:
                self.news.clear()
                await self.news.wait()


class NoGroups:
    """The part of a `House` that these tests do not ask."""

    async def claim_packages_from(self, domain: Domain, request: Message) -> Any:
        raise NotImplementedError

    async def group_from(self, domain: Domain, request: Message) -> Any:
        raise NotImplementedError

    async def news_from(self, domain: Domain, news: Message) -> Any:
        raise NotImplementedError


class Host(NoGroups):
    """One domain's federation: a `House` and everything around it."""

    def __init__(self, name: str, folder: Path, clock: FakeClock, discovery: Path) -> None:
        self.domain = Domain(name)
        self.clock = clock
        self.domain_key = Ed25519Secret.generate(system_random)
        self.leaf = issue_leaf(self.domain_key, name, now=clock())
        self.database = open_database(folder / f"{name}.db", bytes(32), MIGRATIONS)
        self.writer = Writer(self.database)
        self.pins = RemoteTable(self.database, self.writer)
        self.resolver = Resolver(DiscoverySettings(file=discovery, dns=False, well_known=False), clock=clock)
        self.book = PinBook(self.pins, self.resolver, clock=clock)
        self.mailbox = Mailbox()
        self.ends = Ends()
        self.trust = Trust(self.leaf, clock)
        self.door = Door(self.domain, self.book, self.trust, clock=clock)
        self.incoming = Incoming(self.domain, self.database, self.writer, self.mailbox, self.book, clock=clock)
        self.remotes = GrpcRemotes(OwnSide(self.domain, lambda: self.leaf, lambda: self.book), self.resolver, clock=clock)
        self.queue = OutgoingQueue(self.database, self.writer, self.remotes, self.ends, clock=clock, rng=system_random)
        self.server = self._new_server()
        self.endpoints = Endpoints.parse(name)
        self.port = 0
        self.healthy = True
        self._sent = 0

    def _new_server(self) -> FederationServer:
        return FederationServer(self, self.trust, self.book, clock=self.clock, rng=system_random, on_contact=self.queue.heard_from)

    # ---- House

    def server_info(self) -> Signed:
        now = int(self.clock())
        keys = PublishedKeys(DomainKey(self.domain_key.public))
        info = ServerInfo(self.domain, keys, self.endpoints, now, now + 86_400, OURS.min, OURS.max)
        return issue_server_info(info, self.domain_key)

    def committed(self, domain, stream) -> int:
        return self.incoming.committed(domain, stream)

    async def take_batch(self, domain, stream, first, items):
        return await self.incoming.take_batch(domain, stream, first, items)

    async def lookup_from(self, domain, request) -> LookupReply:
        return LookupReply(status=Status.STATUS_UNAVAILABLE, padding=domain.encode())

    async def claim_from(self, domain, request) -> ClaimReply:
        return ClaimReply(status=Status.STATUS_UNAVAILABLE, padding=domain.encode())

    # ---- what tests do

    async def listen(self) -> None:
        """Open both ports and note where they are."""
        self.port = await self.server.start(f"127.0.0.1:{self.port}")
        site = Site(
            domain=self.domain,
            well_known=lambda: format_well_known(self.server_info(), "1"),
            policies=bytes,
            canary=bytes,
            metrics=lambda: b"",
            healthy=lambda: self.healthy,
            source=str,
            door=self.door,
            metrics_token=lambda: b"metrics-token",
        )
        self.web = HttpServer(build_web(site), bind_tcp("127.0.0.1", 0, "https"), tls=server_context(self.leaf))
        self.endpoints = Endpoints.parse(self.domain, federation=f"127.0.0.1:{self.port}", https=f"127.0.0.1:{self.web.port}")

    async def go_down(self) -> None:
        """Close the federation port."""
        await self.server.stop()

    async def come_back(self) -> None:
        """Open it again, at the same place."""
        self.server = self._new_server()
        await self.server.start(f"127.0.0.1:{self.port}")

    def entry(self) -> StaticEntry:
        """This domain's line of the discovery file."""
        return StaticEntry(self.domain, self.domain_key.public, self.endpoints)

    async def submit(self, domain: str, count: int = 1, *, expires: int = 2_100_000_000, stranger: bool = False) -> None:
        """Accept envelopes for another domain, numbered from 1 over the life of this host."""
        numbers = range(self._sent + 1, self._sent + count + 1)
        self._sent += count

        def store(execute) -> None:
            for number in numbers:
                self.queue.enqueue(
                    execute,
                    Domain(domain),
                    envelope(domain, number, expires=expires, stranger=stranger),
                    origin=b"o" * 16,
                    origin_number=number,
                    accepted_at=int(self.clock()),
                    expires=expires,
                )

        await self.writer.run(store)
        self.queue.wake(Domain(domain))

    def show(self, leaf: Leaf) -> None:
        """Show another leaf, as a renewal does."""
        self.leaf = leaf
        self.trust.renew(leaf)
        self.remotes.renew()


@asynccontextmanager
async def hosts(folder: Path, *names: str) -> AsyncIterator[list[Host]]:
    """Domains that find each other by one discovery file, with queues that run."""
    clock = FakeClock(time.time())  # TLS goes by the real time
    discovery = folder / "domains.toml"
    discovery.write_text("")
    made = [Host(name, folder, clock, discovery) for name in names]
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(asyncio.TaskGroup())
        tasks = []
        for host in made:
            await host.listen()
            tasks += [running.create_task(host.web.run()), running.create_task(host.queue.run(host))]
        discovery.write_text(format_discovery_file({host.domain: host.entry() for host in made}))
        try:
            yield made
        finally:
            for host in made:
                host.web.stop()
                await host.remotes.close()
                await host.server.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for host in made:
                await host.writer.close()
                host.database.close()
