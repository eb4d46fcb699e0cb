"""Answers one incoming stream of envelopes: handshake, then batches in order, each acknowledged after its commit.

Above the transport: gRPC's servicer and the memory network feed it frames. `again` is the check of the caller's certificate against the
pin as it is now; it is made before every batch (homeserver §7.2).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from connexa.crypto import Rng, sha256
from connexa.errors import ConnexaError
from connexa.identity import Domain
from connexa.wire import ID_SIZE, MAX_BATCH_ITEMS, NONCE_SIZE, OURS, malformed
from connexa.wire.v1.federation_pb2 import Batch, BatchAck, DeliverDown, DeliverUp

from .callers import Caller
from .handshake import Side, hello_of, open_proof, read_hello, seal_proof, statement
from .remote import House

__all__ = ["HANDSHAKE_SECONDS", "answer"]

HANDSHAKE_SECONDS = 10.0
MAX_NUMBER = 2**62  # far below what the database's integers hold


async def answer(
    house: House, caller: Caller, frames: AsyncIterator[DeliverUp], *, again: Callable[[], Awaitable[Caller]], rng: Rng
) -> AsyncIterator[DeliverDown]:
    """Speak the answerer's side; raises what ends the stream."""
    hello = await _next(frames, "hello")
    theirs = read_hello(hello.hello, domain=caller.domain, leaf=caller.leaf)
    stream = hello.hello.stream
    if len(stream) != ID_SIZE:
        raise malformed("its stream id has the wrong size")
    own = house.leaf
    ours = Side(house.domain, rng(NONCE_SIZE), OURS, sha256(own.der))
    yield DeliverDown(hello=hello_of(ours, committed=house.committed(caller.domain, stream), leaf=own.der))
    body = statement(theirs, ours)
    open_proof((await _next(frames, "proof")).proof, body, caller.remote.keys)
    proof = seal_proof(body, house.domain_key)
    proof.server_info.CopyFrom(house.server_info())
    yield DeliverDown(proof=proof)
    async for frame in frames:
        if frame.WhichOneof("frame") != "batch":
            raise malformed("a frame other than a batch follows the handshake")
        await again()
        yield DeliverDown(ack=await _take(house, caller.domain, stream, frame.batch))


async def _next(frames: AsyncIterator[DeliverUp], kind: str) -> DeliverUp:
    try:
        async with asyncio.timeout(HANDSHAKE_SECONDS):
            frame = await anext(frames)
    except (TimeoutError, StopAsyncIteration):
        raise ConnexaError("link.timeout", "The other side did not finish its handshake.", retryable=True) from None
    if frame.WhichOneof("frame") != kind:
        raise malformed(f"a {kind} was due")
    return frame


async def _take(house: House, domain: Domain, stream: bytes, batch: Batch) -> BatchAck:
    if batch.stream != stream:
        raise malformed("a batch is of another stream")
    if not 1 <= len(batch.items) <= MAX_BATCH_ITEMS or not 1 <= batch.first < MAX_NUMBER:
        raise malformed("a batch is empty, too long or wrongly numbered")
    return await house.take_batch(domain, stream, batch.first, batch.items)
