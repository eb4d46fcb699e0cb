"""Federation on the memory network: the way from one homeserver in this process to another, without gRPC and TLS.

The handshake, the numbering and the checks above them are the real ones; certificates are held against the pins here as the TLS listener
does it. Frames are encoded and parsed, so what could not cross a wire does not cross here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from connexa.crypto import Ed25519Public, Rng, sha256
from connexa.crypto.x509 import InvalidCertificate, leaf_domain
from connexa.discovery import PinBook, Remote
from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.homeserver.federation import Caller, House, answer
from connexa.identity import Domain
from connexa.tasks import TaskGroup
from connexa.wire import MAX_FEDERATION_FRAME, parse
from connexa.wire.v1.federation_pb2 import DeliverDown, DeliverUp
from connexa.wire.v1.groups_pb2 import GroupNews, GroupNewsReply, GroupReply, GroupRequest
from connexa.wire.v1.link_pb2 import ClaimKeyPackages, ClaimReply, ClaimRequest, KeyPackagesReply, LookupReply, LookupRequest

from .clock import FakeClock
from .inline import Killed
from .network import Fate, MemoryNetwork

__all__ = ["MemoryRemotes", "FederationPort"]

M = TypeVar("M", bound=Message)
IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class FederationPort:
    """What another homeserver's federation port gives: the house and its pin book."""

    house: House
    book: PinBook
    rng: Rng


class MemoryRemotes:
    """The `RemoteCaller` of one homeserver on a memory network; `others` finds the federation ports."""

    def __init__(
        self, domain: str, network: MemoryNetwork, others: dict[str, FederationPort], clock: FakeClock | Callable[[], float]
    ) -> None:
        self._domain = Domain(domain)
        self._network = network
        self._others = others
        self._clock = clock

    @asynccontextmanager
    async def deliver(self, domain: Domain) -> AsyncIterator[MemoryStream]:
        """Open a stream of envelopes."""
        there, caller, remote = await self._meet(domain)
        stream = MemoryStream(caller.leaf, remote.keys, lambda: self._travel(domain))

        async def again() -> Caller:
            return (await self._meet(domain))[1]

        found = self._network.connections(self._domain, domain)
        found.add(stream)
        async with TaskGroup() as tasks:
            serving = tasks.create_task(stream.serve(answer(there.house, caller, stream.incoming(), again=again, rng=there.rng)))
            try:
                yield stream
            finally:
                found.discard(stream)
                serving.cancel()

    async def lookup(self, domain: Domain, request: LookupRequest) -> LookupReply:
        """Ask for a person of another domain."""
        return await self._call(domain, lambda there, caller: there.lookup_from(caller, _crossed(request)))

    async def claim(self, domain: Domain, request: ClaimRequest) -> ClaimReply:
        """Ask for prekey bundles."""
        return await self._call(domain, lambda there, caller: there.claim_from(caller, _crossed(request)))

    async def claim_packages(self, domain: Domain, request: ClaimKeyPackages) -> KeyPackagesReply:
        """Ask for key packages."""
        return await self._call(domain, lambda there, caller: there.claim_packages_from(caller, _crossed(request)))

    async def group(self, domain: Domain, request: GroupRequest) -> GroupReply:
        """Ask the hub of a group."""
        return await self._call(domain, lambda there, caller: there.group_from(caller, _crossed(request)))

    async def news(self, domain: Domain, news: GroupNews) -> GroupNewsReply:
        """Tell what is new in groups."""
        return await self._call(domain, lambda there, caller: there.news_from(caller, _crossed(news)))

    async def _call(self, domain: Domain, ask: Callable[[House, Domain], Awaitable[M]]) -> M:
        there, caller, _ = await self._meet(domain)
        fate = self._network.fate(self._domain, domain)
        if fate is Fate.LOST:
            raise _unreachable(domain)
        try:
            reply = await ask(there.house, caller.domain)
            if fate is Fate.TWICE:
                reply = await ask(there.house, caller.domain)
        except Killed:
            raise _unreachable(domain) from None
        await self._travel(domain)
        if fate is Fate.UNANSWERED:
            raise _unreachable(domain)
        return _crossed(reply)

    async def _meet(self, domain: Domain) -> tuple[FederationPort, Caller, Remote]:
        """Connect: each side holds the other's certificate against its pin; an unknown caller is looked up, as Introduce has it done."""
        await self._travel(domain)
        here, there = self._others[self._domain], self._others[domain]
        remote = await here.book.require(domain)
        _check_leaf(there.house, remote, self._clock())
        try:
            seen = await there.book.known(self._domain) or await there.book.find(self._domain)
        except ConnexaError as error:
            raise RefusedError("remote.refused", f"The remote homeserver refused the call ({error.code}).", retryable=True) from None
        _check_leaf(here.house, seen, self._clock())
        return there, Caller(seen, sha256(here.house.leaf.der)), remote

    async def _travel(self, domain: Domain) -> None:
        await asyncio.sleep(self._network.delay_between(self._domain, domain))
        if domain not in self._others or self._domain not in self._others or not self._network.reaches(self._domain, domain):
            raise _unreachable(domain)


class MemoryStream:
    """One stream of envelopes; both directions hold a few frames."""

    def __init__(self, leaf: bytes, keys: tuple[Ed25519Public, ...], travel: Callable[[], Awaitable[None]]) -> None:
        self.leaf = leaf
        self.keys = keys
        self._travel = travel
        self._up: asyncio.Queue[bytes] = asyncio.Queue(IN_FLIGHT)
        self._down: asyncio.Queue[bytes | ConnexaError] = asyncio.Queue(IN_FLIGHT)
        self._ended: ConnexaError | None = None

    def lose(self) -> None:
        """Break: whoever waits learns it at once."""
        if self._ended is None:
            self._ended = NetworkError("remote.closed", "The connection to the remote homeserver ended.")
            while not self._down.empty():
                self._down.get_nowait()
            self._down.put_nowait(self._ended)

    async def send(self, frame: DeliverUp) -> None:
        """Send one frame."""
        await self._pass()
        await self._up.put(frame.SerializeToString())

    async def receive(self) -> DeliverDown:
        """Return the next frame."""
        frame = await self._down.get()
        if isinstance(frame, ConnexaError):
            self._ended = frame
            raise frame
        await self._pass()
        return parse(DeliverDown, frame, MAX_FEDERATION_FRAME)

    async def _pass(self) -> None:
        try:
            await self._travel()
        except NetworkError:
            self.lose()
        if self._ended is not None:
            raise self._ended

    async def incoming(self) -> AsyncIterator[DeliverUp]:
        """Yield the frames to the side that answers."""
        while True:
            yield parse(DeliverUp, await self._up.get(), MAX_FEDERATION_FRAME)

    async def serve(self, frames: AsyncIterator[DeliverDown]) -> None:
        """Carry the answers until they end."""
        try:
            async for frame in frames:
                if self._ended is None:
                    await self._down.put(frame.SerializeToString())
        except ConnexaError as error:
            await self._down.put(RefusedError("remote.refused", f"The remote homeserver refused the call ({error.code}).", retryable=True))
            return
        except Killed:  # that program's end, not this one's
            self.lose()
            return
        await self._down.put(NetworkError("remote.closed", "The remote ended the stream."))


def _unreachable(domain: Domain) -> NetworkError:
    return NetworkError("remote.unreachable", f"The homeserver of {domain} cannot be reached.")


def _check_leaf(house: House, remote: Remote, now: float) -> None:
    for key in remote.keys:
        try:
            if leaf_domain(house.leaf.der, key, now) == remote.domain:
                return
        except InvalidCertificate:
            continue
    raise InvalidCertificate


def _crossed(message: M) -> M:
    return parse(type(message), message.SerializeToString(), MAX_FEDERATION_FRAME)
