"""Hostile input at every door of running programs, while two people talk: each piece is refused with its code and changes nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from connexa.crypto import Ed25519Secret
from connexa.crypto.x509 import Leaf, anchor_pem, issue_leaf
from connexa.identity import Domain, Endpoints, StaticEntry, format_discovery_file, parse_discovery_file
from connexa.node.dial import TlsDialer
from connexa.node.link_frames import up
from connexa.testing import ProgramDevice, ProgramServer, ProgramWorld
from connexa.wire import MAX_FRAME, OURS
from connexa.wire.transport import FrameChannel, LinkClosed
from connexa.wire.v1.federation_pb2 import DeliverUp, FederationHello
from connexa.wire.v1.link_pb2 import LinkHello, LinkUp, Login, LookupRequest, Mode, PassShow, Send

ALICE, BOB, MALLORY = "alice@a.example", "bob@b.example", Domain("mallory.example")
MALLORYS_KEY = Ed25519Secret.from_seed(bytes(range(32)))
SECONDS = 10.0


@asynccontextmanager
async def talking(tmp_path: Path) -> AsyncIterator[tuple[ProgramWorld, ProgramDevice, ProgramDevice]]:
    """Two people who talk before and after; what they see and what waits for them is the same as if nothing had happened."""
    async with ProgramWorld.open(tmp_path) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        entries = parse_discovery_file(world.discovery.read_text())
        entries[MALLORY] = StaticEntry(MALLORY, MALLORYS_KEY.public, Endpoints.parse(MALLORY))
        world.discovery.write_text(format_discovery_file(entries))
        pids = {server.domain: server.program.pid for server in world.servers.values()}
        yield world, alice, bob
        await alice.client.send(BOB, "and now for something else", "a" * 32)
        await bob.client.until_text(ALICE, "and now for something else")
        assert await bob.client.texts(ALICE) == ["may I?", "and now for something else"]
        for server in world.servers.values():
            status = await server.ask("GET", "/v1/status")
            assert (status["pid"], status["healthy"], status["users"]) == (pids[server.domain], True, 1)
            assert "Traceback" not in server.program.output


# ---- the link


async def dialled(server: ProgramServer) -> FrameChannel:
    return await TlsDialer(time.time).dial(server.domain, f"127.0.0.1:{server.ports['link']}", [server.key])


async def end_of(channel: FrameChannel) -> int:
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                await channel.receive()
    except LinkClosed as closed:
        return closed.close_code


async def test_at_the_link(tmp_path: Path) -> None:
    hello = LinkUp(hello=LinkHello(min=OURS.min, max=OURS.max, mode=Mode.MODE_MAILBOX)).SerializeToString()
    login = LinkUp(login=Login(user=bytes(32), device=bytes(32), signature=bytes(64))).SerializeToString()
    shown = up(**{"pass": PassShow(key=1, input=bytes(32), proof=bytes(32), use=PassShow.STREAM)})
    submit = LinkUp(hello=LinkHello(min=OURS.min, max=OURS.max, mode=Mode.MODE_SUBMIT)).SerializeToString()
    pieces = [
        ([hello[:-1]], {4400}),
        ([b""], {4400}),
        ([bytes(MAX_FRAME + 1)], {4413, 1009, 1006}),  # the library may cut it before we see it whole
        ([LinkUp(hello=LinkHello(min=9, max=9, mode=Mode.MODE_MAILBOX)).SerializeToString()], {4426}),
        ([hello + b"\xf8\x01\x01"], {4400}),  # a field that no version has
        ([LinkUp(send=Send()).SerializeToString()], {4400}),
        ([hello, hello], {4400}),
        ([hello, login], {4401}),
        ([hello, login[:-1]], {4400}),
        ([submit, shown], {4401}),
        ([submit, login], {4400}),
    ]
    async with talking(tmp_path) as (world, _, _):
        for frames, codes in pieces:
            channel = await dialled(world.servers["b.example"])
            for frame in frames:
                channel.send(frame)
            assert await end_of(channel) in codes, frames


# ---- federation


@asynccontextmanager
async def remote(server: ProgramServer, leaf: Leaf) -> AsyncIterator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(anchor_pem(server.domain, server.key, time.time()), leaf.key_pem, leaf.chain_pem)
    options = [("grpc.ssl_target_name_override", server.domain), ("grpc.enable_retries", 0)]
    async with grpc.aio.secure_channel(f"127.0.0.1:{server.ports['federation']}", credentials, options) as channel:
        yield channel


async def refused_call(channel: grpc.aio.Channel, method: str, raw: bytes) -> tuple[grpc.StatusCode, str]:
    ask: Any = channel.unary_unary(f"/connexa.v1.DeliveryService/{method}")  # raw bytes, without the messages' types
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ask(raw, timeout=SECONDS)
    return refused.value.code(), refused.value.details() or ""


async def refused_stream(channel: grpc.aio.Channel, *frames: bytes) -> str:
    open_stream: Any = channel.stream_stream("/connexa.v1.DeliveryService/Deliver")
    call = open_stream(timeout=SECONDS)
    try:
        for frame in frames:
            await call.write(frame)
        while await call.read() is not grpc.aio.EOF:
            pass
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):  # the latter where it ended before the last frame was written
        pass
    assert await call.code() is not grpc.StatusCode.OK
    return await call.details() or ""


async def introduce(server: ProgramServer) -> None:
    """Make the homeserver know Mallory, as any domain may."""
    async with httpx.AsyncClient(verify=False, trust_env=False) as web:
        answer = await web.post(f"https://127.0.0.1:{server.ports['https']}/v1/introduce", json={"domain": MALLORY})
    assert answer.status_code in (200, 202, 204), answer.text


async def test_at_the_federation_port(tmp_path: Path) -> None:
    own = issue_leaf(MALLORYS_KEY, MALLORY, now=time.time())
    claims_a = issue_leaf(MALLORYS_KEY, "a.example", now=time.time())
    expired = issue_leaf(MALLORYS_KEY, MALLORY, now=time.time() - 9 * 86_400)
    hello = DeliverUp(hello=FederationHello(min=OURS.min, max=OURS.max, domain=MALLORY, nonce=bytes(32), stream=bytes(16)))
    other_version, other_domain = DeliverUp(), DeliverUp()
    other_version.CopyFrom(hello)
    other_version.hello.min = other_version.hello.max = 9
    other_domain.CopyFrom(hello)
    other_domain.hello.domain = "a.example"
    async with talking(tmp_path) as (world, _, _):
        server = world.servers["b.example"]
        await introduce(server)
        for leaf in (claims_a, expired):
            async with remote(server, leaf) as channel:
                code, _ = await refused_call(channel, "Lookup", b"")
                assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAUTHENTICATED)
        async with remote(server, own) as channel:
            assert (await refused_call(channel, "Lookup", b"\xff"))[1] == "frame.malformed"
            assert (await refused_call(channel, "Claim", LookupRequest(id=bytes(16)).SerializeToString() + b"\xf8\x01\x01"))[
                1
            ] == "frame.malformed"
            code, details = await refused_call(channel, "Lookup", bytes(MAX_FRAME + 1))
            assert (code, details) == (grpc.StatusCode.INVALID_ARGUMENT, "frame.too_large") or code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert (await refused_call(channel, "Deliver", b""))[0] is not grpc.StatusCode.OK
            assert await refused_stream(channel, b"\xff") == "frame.malformed"
            assert await refused_stream(channel, hello.SerializeToString()[:-1]) == "frame.malformed"
            assert await refused_stream(channel, other_version.SerializeToString()) == "version.unsupported"
            assert await refused_stream(channel, other_domain.SerializeToString()) == "domain.mismatch"
            proof = DeliverUp()
            proof.proof.signature = bytes(64)
            assert await refused_stream(channel, hello.SerializeToString(), proof.SerializeToString()) == "signature.invalid"


# ---- the local API


async def test_at_the_local_api(tmp_path: Path) -> None:
    async with talking(tmp_path) as (_, alice, _):
        url = f"http://127.0.0.1:{alice.program.ready['port']}"
        token = {"Authorization": f"Bearer {Path(alice.program.ready['token_file']).read_text().strip()}"}
        plain = {"Content-Type": "application/json"}
        send = "/api/messages/send"
        good = b'{"to":"bob@b.example","text":"forged"}'
        pieces = [
            (plain, send, good, 401, "token.bad"),
            ({**plain, "Authorization": "Bearer " + "0" * 64}, send, good, 401, "token.bad"),
            ({**plain, **token, "Host": "evil.example"}, send, good, 400, "host.foreign"),
            ({**plain, **token, "Origin": "https://evil.example"}, send, good, 403, "origin.foreign"),
            ({**token, "Content-Type": "text/plain"}, send, good, 415, "body.not_json"),
            ({**plain, **token}, send, good[:-1], 400, "body.invalid"),
            ({**plain, **token}, send, b'{"to":"bob@b.example","text":7}', 400, "body.invalid"),
            ({**plain, **token}, send, b'{"to":"bob@b.example","text":"x","extra":1}', 400, "body.invalid"),
            ({**plain, **token}, send, b'{"to":"bob@b.example","text":"' + b"x" * 1_000_000 + b'"}', 413, "body.too_large"),
            ({**plain, **token}, send, b'{"to":"bob@b.example","text":"x","message_id":"../etc"}', 400, "body.invalid"),
            ({**plain, **token}, "/api/nothing", good, 404, "route.unknown"),
        ]
        async with httpx.AsyncClient(trust_env=False) as web:
            for headers, path, body, status, code in pieces:
                answer = await web.post(url + path, content=body, headers=headers)
                assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), body[:60]
