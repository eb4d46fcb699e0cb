"""The way out over gRPC: one channel to each remote, made from its pin and our leaf, and made anew when either changes.

Implements `RemoteCaller`. A remote that does not know our domain yet refuses the TLS connection, which shows here as "unavailable" and
nothing more: then we introduce ourselves once and call again on the same channel (homeserver §7.3).
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import grpc
from google.protobuf.message import Message

from connexa.crypto import Ed25519Public, sha256
from connexa.crypto.x509 import Leaf, anchor_pem
from connexa.discovery import PinBook, Remote, Resolver
from connexa.errors import ConnexaError, NetworkError, RefusedError
from connexa.identity import Domain, Endpoint
from connexa.wire import MAX_FEDERATION_FRAME, MAX_FRAME, parse
from connexa.wire.v1.federation_pb2 import DeliverDown, DeliverUp
from connexa.wire.v1.groups_pb2 import GroupNews, GroupNewsReply, GroupReply, GroupRequest
from connexa.wire.v1.link_pb2 import ClaimKeyPackages, ClaimReply, ClaimRequest, KeyPackagesReply, LookupReply, LookupRequest

from .grpc_options import CHANNEL_OPTIONS, CLAIM, CLAIM_PACKAGES, DELIVER, GROUP, LOOKUP, NEWS, SERVICE
from .introduction import introduce

__all__ = ["GrpcRemotes", "OwnSide"]

CONNECT_SECONDS = 10.0
CALL_SECONDS = 15.0
MAX_CHANNELS = 1_024
CLOSE_GRACE = 5.0  # for calls on a channel that is replaced
INTRODUCE_PAUSE = 60.0  # between two introductions to one remote
_CODE = re.compile(r"[a-z_]+\.[a-z_]+")


@dataclass(frozen=True, slots=True)
class OwnSide:
    """Our end: who we are, the leaf and the pins as they are now (both come after the way out is made)."""

    domain: Domain
    leaf: Callable[[], Leaf]
    book: Callable[[], PinBook]


@dataclass(frozen=True, slots=True)
class _Made:
    """What a channel was made from; another one is needed when any of it changes."""

    keys: tuple[bytes, ...]
    leaf: bytes
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class _Open:
    """A channel and what it was made from."""

    channel: grpc.aio.Channel
    made: _Made


@dataclass(slots=True, weakref_slot=True)
class _Turn:
    """One caller connects to a remote, and the others wait for what comes of it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed: float = float("-inf")  # loop time: who came before it need not try again


class _GrpcStream:
    """A `DeliverStream` over one gRPC call."""

    def __init__(self, call: grpc.aio.StreamStreamCall[bytes, bytes], leaf: bytes, keys: tuple[Ed25519Public, ...]) -> None:
        self._call = call
        self.leaf = leaf
        self.keys = keys

    async def send(self, frame: DeliverUp) -> None:
        """Send one frame."""
        try:
            with _ended_calls():
                await self._call.write(frame.SerializeToString())
        except asyncio.InvalidStateError:
            raise _said(await self._call.details() or "") from None

    async def receive(self) -> DeliverDown:
        """Return the next frame."""
        with _ended_calls():
            raw = await self._call.read()
        if not isinstance(raw, bytes):  # grpc.aio.EOF
            raise NetworkError("remote.closed", "The remote ended the stream.")
        return parse(DeliverDown, raw, MAX_FEDERATION_FRAME)


@contextmanager
def _ended_calls() -> Iterator[None]:
    """Turn every way in which gRPC says that a call is over into our error.

    A call that was cancelled on this side, as by a channel that closes after the renewal of the leaf, raises CancelledError; that must
    not pass for the cancellation of the task.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise _said(error.details() or "") from None
    except grpc.aio.UsageError:
        raise _said("") from None
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise _said("") from None


class GrpcRemotes:
    """The `RemoteCaller` of real networks."""

    def __init__(self, own: OwnSide, resolver: Resolver, *, clock: Callable[[], float]) -> None:
        self._own = own
        self._resolver = resolver
        self._clock = clock
        self._channels: OrderedDict[Domain, _Open] = OrderedDict()
        self._introduced: OrderedDict[Domain, float] = OrderedDict()  # loop time of the last introduction
        self._turns: WeakValueDictionary[Domain, _Turn] = WeakValueDictionary()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def deliver(self, domain: Domain) -> AsyncIterator[_GrpcStream]:
        """Open a stream; introduces us where the remote does not know us."""
        remote = await self._own.book().require(domain)
        opened = await self._reach(remote)
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = opened.channel.stream_stream(f"/{SERVICE}/{DELIVER}")
        with _ended_calls():
            call = method()
        try:
            yield _GrpcStream(call, opened.made.leaf, remote.keys)
        finally:
            call.cancel()

    async def lookup(self, domain: Domain, request: LookupRequest) -> LookupReply:
        """Ask a remote for one of its users."""
        return parse(LookupReply, await self._unary(domain, LOOKUP, request), MAX_FRAME)

    async def claim(self, domain: Domain, request: ClaimRequest) -> ClaimReply:
        """Ask a remote for prekey bundles."""
        return parse(ClaimReply, await self._unary(domain, CLAIM, request), MAX_FRAME)

    async def claim_packages(self, domain: Domain, request: ClaimKeyPackages) -> KeyPackagesReply:
        """Ask a remote for key packages."""
        return parse(KeyPackagesReply, await self._unary(domain, CLAIM_PACKAGES, request), MAX_FRAME)

    async def group(self, domain: Domain, request: GroupRequest) -> GroupReply:
        """Ask a remote as the hub of a group."""
        return parse(GroupReply, await self._unary(domain, GROUP, request), MAX_FRAME)

    async def news(self, domain: Domain, news: GroupNews) -> GroupNewsReply:
        """Tell a remote what is new in groups that are kept here."""
        return parse(GroupNewsReply, await self._unary(domain, NEWS, news), MAX_FRAME)

    def renew(self) -> None:
        """Leave the channels that show an older leaf; streams on them end after a moment and are opened again on new ones."""
        for domain in list(self._channels):
            self._drop(domain)

    async def close(self) -> None:
        """Close every channel at once."""
        for domain in list(self._channels):
            self._drop(domain, grace=None)
        await asyncio.gather(*self._closing)

    async def _unary(self, domain: Domain, method: str, request: Message) -> bytes:
        opened = await self._reach(await self._own.book().require(domain))
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = opened.channel.unary_unary(f"/{SERVICE}/{method}")
        with _ended_calls():
            return await call(request.SerializeToString(), timeout=CALL_SECONDS)

    async def _reach(self, remote: Remote) -> _Open:
        """Return a channel that is connected: the remote has taken our certificate."""
        loop = asyncio.get_running_loop()
        turn = self._turns.setdefault(remote.domain, _Turn())
        came = loop.time()
        async with turn.lock:
            if turn.failed < came:
                if (opened := await self._connect(remote)) is not None:
                    return opened
                self._drop(remote.domain, grace=None)  # the next try is the caller's to time, not the channel's
                turn.failed = loop.time()
        raise NetworkError("remote.unreachable", f"The homeserver of {remote.domain} cannot be reached.")

    async def _connect(self, remote: Remote) -> _Open | None:
        opened = await self._channel(remote)
        if await _connected(opened.channel, first_answer=True):
            return opened
        if self._may_introduce(remote.domain):
            await self._introduce(remote)
            if await _connected(opened.channel, first_answer=False):
                return opened
        return None

    async def _channel(self, remote: Remote) -> _Open:
        leaf = self._own.leaf()
        made = _Made(tuple(key.raw for key in remote.keys), sha256(leaf.der), remote.federation)
        known = self._channels.get(remote.domain)
        if known and known.made == made:
            self._channels.move_to_end(remote.domain)
            return known
        self._drop(remote.domain)
        target = _target(await self._resolver.addresses(remote.domain, remote.federation), remote.federation.port)
        roots = b"".join(anchor_pem(remote.domain, key, self._clock()) for key in remote.keys)
        credentials = grpc.ssl_channel_credentials(roots, leaf.key_pem, leaf.chain_pem)
        options = [*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", remote.domain)]
        opened = _Open(grpc.aio.secure_channel(target, credentials, options), made)
        self._channels[remote.domain] = opened
        if len(self._channels) > MAX_CHANNELS:
            self._drop(next(iter(self._channels)))
        return opened

    async def _introduce(self, remote: Remote) -> None:
        try:
            addresses = await self._resolver.addresses(remote.domain, remote.https)
            await introduce(self._own.domain, remote, addresses, now=self._clock())
        except NetworkError:
            self._introduced.pop(remote.domain, None)  # nobody heard it
            self._drop(remote.domain, grace=None)
            raise

    def _drop(self, domain: Domain, grace: float | None = CLOSE_GRACE) -> None:
        opened = self._channels.pop(domain, None)
        if opened is not None:
            task = asyncio.create_task(opened.channel.close(grace))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _may_introduce(self, domain: Domain) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._introduced.get(domain, float("-inf")) < INTRODUCE_PAUSE:
            return False
        self._introduced[domain] = now
        self._introduced.move_to_end(domain)
        if len(self._introduced) > MAX_CHANNELS:
            self._introduced.popitem(last=False)
        return True


def _target(addresses: list[str], port: int) -> str:
    """Addresses of one family as gRPC takes them."""
    family = "ipv6" if ":" in addresses[0] else "ipv4"
    same = [address for address in addresses if (":" in address) == (family == "ipv6")]
    return f"{family}:" + ",".join(str(Endpoint(address, port)) for address in same)


async def _connected(channel: grpc.aio.Channel, *, first_answer: bool) -> bool:
    """Wait until the channel is connected; with `first_answer` no longer than until one try has failed."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            while (state := channel.get_state(try_to_connect=True)) is not grpc.ChannelConnectivity.READY:
                if first_answer and state is grpc.ChannelConnectivity.TRANSIENT_FAILURE:
                    return False
                await channel.wait_for_state_change(state)
    except (TimeoutError, grpc.aio.UsageError):  # the latter: it was replaced while we waited
        return False
    return True


def _said(details: str) -> ConnexaError:
    """What the end of a call comes to; gRPC's own words may hold addresses and are left out."""
    if _CODE.fullmatch(details):
        return RefusedError("remote.refused", f"The remote homeserver refused the call ({details}).", retryable=True)
    return NetworkError("remote.closed", "The connection to the remote homeserver ended.")
