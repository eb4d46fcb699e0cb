"""The federation port: gRPC over mutual TLS, where every call and every batch is held against the caller's pin.

Messages are parsed strictly by us, not by gRPC. An error ends a call with a gRPC status whose details are our code string alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.message import Message

from connexa.crypto import Rng
from connexa.discovery import PinBook
from connexa.errors import ConflictError, ConnexaError, IntegrityError, NotFoundError, RefusedError, UsageError
from connexa.identity import Domain, PinState
from connexa.wire import MAX_FEDERATION_FRAME, MAX_FRAME, WireError, parse
from connexa.wire.v1.federation_pb2 import DeliverUp
from connexa.wire.v1.groups_pb2 import GroupNews, GroupNewsReply, GroupReply, GroupRequest
from connexa.wire.v1.link_pb2 import ClaimKeyPackages, ClaimReply, ClaimRequest, KeyPackagesReply, LookupReply, LookupRequest, Status

from .answer import answer
from .callers import Caller, Callers
from .grpc_options import CLAIM, CLAIM_PACKAGES, DELIVER, GROUP, LOOKUP, NEWS, SERVER_OPTIONS, SERVICE
from .remote import House
from .trust import Trust

__all__ = ["FederationServer"]

M = TypeVar("M", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]
OnContact = Callable[[Domain], None]

MAX_STREAMS = 4  # Deliver streams of one remote: a renewed leaf makes two for a while
MAX_CALLS = 64  # look-ups and claims of one remote at the same time
MAX_RPCS = 2_048
STOP_SECONDS = 0.5  # streams of remotes never end by themselves


class FederationServer:
    """Answers remotes for one homeserver."""

    def __init__(self, house: House, trust: Trust, book: PinBook, *, clock: Callable[[], float], rng: Rng, on_contact: OnContact) -> None:
        self._house = house
        self._trust = trust
        self._callers = Callers(book, clock)
        self._rng = rng
        self._on_contact = on_contact
        self._streams: Counter[Domain] = Counter()
        self._calls: Counter[Domain] = Counter()
        self._server: grpc.aio.Server | None = None

    async def start(self, address: str) -> int:
        """Listen on `host:port` and return the port; ConflictError `port.in_use`."""
        server = grpc.aio.server(options=SERVER_OPTIONS, maximum_concurrent_rpcs=MAX_RPCS)
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._handlers()),))
        try:
            port = server.add_secure_port(address, self._trust.credentials())
        except RuntimeError:
            raise ConflictError(
                "port.in_use", f"The federation port {address} cannot be opened.", "Stop what uses it, or choose another port."
            ) from None
        await server.start()
        self._server = server
        return port

    async def stop(self) -> None:
        """Take no more calls and let those under way finish, for a moment."""
        if self._server is not None:
            await self._server.stop(STOP_SECONDS)

    def _handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        return {  # without deserializers gRPC hands over bytes
            DELIVER: grpc.stream_stream_rpc_method_handler(self._deliver, response_serializer=_bytes_of),
            LOOKUP: grpc.unary_unary_rpc_method_handler(self._lookup, response_serializer=_bytes_of),
            CLAIM: grpc.unary_unary_rpc_method_handler(self._claim, response_serializer=_bytes_of),
            CLAIM_PACKAGES: grpc.unary_unary_rpc_method_handler(self._claim_packages, response_serializer=_bytes_of),
            GROUP: grpc.unary_unary_rpc_method_handler(self._group, response_serializer=_bytes_of),
            NEWS: grpc.unary_unary_rpc_method_handler(self._news, response_serializer=_bytes_of),
        }

    async def _deliver(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[Message]:
        async def again() -> Caller:
            current = await self._callers.identify(context.auth_context())
            self._trust.accepted(current.domain)
            return current

        try:
            caller = await self._callers.identify(context.auth_context())
            self._on_contact(caller.domain)
            with _counted(self._streams, caller.domain, MAX_STREAMS):
                frames = _parsed(requests, DeliverUp)
                async for frame in answer(self._house, caller, frames, again=again, rng=self._rng):
                    yield frame
        except ConnexaError as error:
            await _abort(context, error)

    async def _lookup(self, raw: bytes, context: Context) -> LookupReply:
        try:
            request = parse(LookupRequest, raw, MAX_FRAME)
            async with self._call(context) as caller:
                if _is_too_early(caller, request):
                    return LookupReply(status=Status.STATUS_TEMPORARY)
                return await self._house.lookup_from(caller.domain, request)
        except ConnexaError as error:
            await _abort(context, error)

    async def _claim(self, raw: bytes, context: Context) -> ClaimReply:
        try:
            request = parse(ClaimRequest, raw, MAX_FRAME)
            async with self._call(context) as caller:
                if _is_too_early(caller, request):
                    return ClaimReply(status=Status.STATUS_TEMPORARY)
                return await self._house.claim_from(caller.domain, request)
        except ConnexaError as error:
            await _abort(context, error)

    async def _claim_packages(self, raw: bytes, context: Context) -> KeyPackagesReply:
        try:
            request = parse(ClaimKeyPackages, raw, MAX_FRAME)
            async with self._call(context) as caller:
                if _is_too_early(caller, request):
                    return KeyPackagesReply(status=Status.STATUS_TEMPORARY)
                return await self._house.claim_packages_from(caller.domain, request)
        except ConnexaError as error:
            await _abort(context, error)

    async def _group(self, raw: bytes, context: Context) -> GroupReply:
        try:
            request = parse(GroupRequest, raw, MAX_FRAME)
            async with self._call(context) as caller:
                _check_pinned(caller)
                return await self._house.group_from(caller.domain, request)
        except ConnexaError as error:
            await _abort(context, error)

    async def _news(self, raw: bytes, context: Context) -> GroupNewsReply:
        try:
            news = parse(GroupNews, raw, MAX_FEDERATION_FRAME)
            async with self._call(context) as caller:
                _check_pinned(caller)
                return await self._house.news_from(caller.domain, news)
        except ConnexaError as error:
            await _abort(context, error)

    def _call(self, context: Context) -> _Call:
        return _Call(self._callers, self._calls, self._on_contact, context)


class _Call:
    """One unary call of an identified remote, within its bound."""

    def __init__(self, callers: Callers, counts: Counter[Domain], on_contact: OnContact, context: Context) -> None:
        self._callers = callers
        self._counts = counts
        self._on_contact = on_contact
        self._context = context
        self._domain = Domain("")

    async def __aenter__(self) -> Caller:
        caller = await self._callers.identify(self._context.auth_context())
        _count(self._counts, caller.domain, MAX_CALLS)
        self._domain = caller.domain
        self._on_contact(caller.domain)
        return caller

    async def __aexit__(self, *_: object) -> None:
        _uncount(self._counts, self._domain)


@contextmanager
def _counted(counts: Counter[Domain], domain: Domain, most: int) -> Iterator[None]:
    _count(counts, domain, most)
    try:
        yield
    finally:
        _uncount(counts, domain)


def _count(counts: Counter[Domain], domain: Domain, most: int) -> None:
    if counts[domain] >= most:
        raise RefusedError("rate.limited", "That domain has too many calls open.", retryable=True)
    counts[domain] += 1


def _uncount(counts: Counter[Domain], domain: Domain) -> None:
    counts[domain] -= 1
    if counts[domain] <= 0:
        del counts[domain]


def _is_too_early(caller: Caller, request: LookupRequest | ClaimRequest | ClaimKeyPackages) -> bool:
    """A provisional domain may make requests, and nothing that a contact may (I81)."""
    return caller.remote.state is PinState.PROVISIONAL and request.right.WhichOneof("right") == "token"


def _check_pinned(caller: Caller) -> None:
    """Groups are nothing that strangers do (I81)."""
    if caller.remote.state is PinState.PROVISIONAL:
        raise ConnexaError("server.temporary", "That domain is not pinned yet.", retryable=True)


async def _parsed(requests: AsyncIterator[bytes], kind: type[M]) -> AsyncIterator[M]:
    async for raw in requests:
        yield parse(kind, raw, MAX_FEDERATION_FRAME)


def _bytes_of(message: Message) -> bytes:
    return message.SerializeToString()


async def _abort(context: Context, error: ConnexaError) -> NoReturn:
    await context.abort(_grpc_status(error), error.code)
    raise AssertionError("abort() raises")


def _grpc_status(error: ConnexaError) -> grpc.StatusCode:
    match error:
        case _ if error.code == "rate.limited":
            return grpc.StatusCode.RESOURCE_EXHAUSTED
        case _ if error.code == "version.unsupported":
            return grpc.StatusCode.FAILED_PRECONDITION
        case WireError() | UsageError():
            return grpc.StatusCode.INVALID_ARGUMENT
        case IntegrityError() | RefusedError():
            return grpc.StatusCode.UNAUTHENTICATED
        case NotFoundError():
            return grpc.StatusCode.NOT_FOUND
    return grpc.StatusCode.UNAVAILABLE
