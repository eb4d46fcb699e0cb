"""The dialler against a bare server that can show any certificate and send any frame."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from connexa.crypto import Ed25519Secret, sha256
from connexa.crypto.x509 import Leaf, issue_leaf
from connexa.errors import IntegrityError, NetworkError
from connexa.node.dial import TlsDialer
from connexa.wire import MAX_FRAME
from connexa.wire.transport import LinkClosed

DOMAIN = "a.example"
KEY = Ed25519Secret.from_seed(bytes(range(32)))
OTHER = Ed25519Secret.from_seed(bytes(range(1, 33)))
SECONDS = 5.0


class Bare(WSListener):
    """Runs one script when a client is there, and keeps what it gets."""

    def __init__(self, script: Callable[[WSTransport], Any]) -> None:
        self._script = script
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._script(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        else:
            self.got.put_nowait(frame.get_payload_as_bytes())


@asynccontextmanager
async def serving(
    tmp_path: Path, leaf: Leaf, script: Callable[[WSTransport], Any] = lambda _: None
) -> AsyncIterator[tuple[str, list[Bare]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    (tmp_path / "leaf.pem").write_bytes(leaf.chain_pem + leaf.key_pem)
    context.load_cert_chain(tmp_path / "leaf.pem")
    listeners: list[Bare] = []

    def accept(_: object) -> Bare:
        listeners.append(Bare(script))
        return listeners[-1]

    server = await ws_create_server(accept, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", listeners
    finally:
        server.close()
        for listener in listeners:
            if listener.transport is not None:
                listener.transport.disconnect(graceful=False)


def leaf_of(key: Ed25519Secret, domain: str = DOMAIN, *, ago_days: float = 0) -> Leaf:
    return issue_leaf(key, domain, now=time.time() - ago_days * 86_400)


async def test_frames_go_both_ways_and_the_certificate_is_remembered(tmp_path: Path) -> None:
    leaf = leaf_of(KEY)
    async with serving(tmp_path, leaf, lambda transport: transport.send(WSMsgType.BINARY, b"down")) as (endpoint, listeners):
        channel = await TlsDialer(time.time).dial(DOMAIN, endpoint, [OTHER.public, KEY.public])
        assert channel.certificate_hash == sha256(leaf.der)
        channel.send(b"up")
        assert await asyncio.wait_for(channel.receive(), SECONDS) == b"down"
        assert await asyncio.wait_for(listeners[0].got.get(), SECONDS) == b"up"
        channel.close()
        with pytest.raises(LinkClosed) as closed:
            await asyncio.wait_for(channel.receive(), SECONDS)
        assert closed.value.close_code == 1000


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        (lambda: leaf_of(OTHER), "certificate.invalid"),  # the right name under another domain key
        (lambda: leaf_of(KEY, "b.example"), "certificate.invalid"),  # the right key, another name
        (lambda: leaf_of(KEY, f"sub.{DOMAIN}"), "certificate.invalid"),
        (lambda: leaf_of(KEY, ago_days=8), "certificate.expired"),
        (lambda: leaf_of(KEY, ago_days=-3), "certificate.expired"),  # not valid yet
    ],
)
async def test_a_certificate_that_does_not_follow_from_the_pin_is_refused(tmp_path: Path, leaf: Callable[[], Leaf], code: str) -> None:
    async with serving(tmp_path, leaf()) as (endpoint, _):
        with pytest.raises(IntegrityError) as refused:
            await TlsDialer(time.time).dial(DOMAIN, endpoint, [KEY.public])
        assert refused.value.code == code


async def test_a_leaf_for_longer_than_the_rules_allow_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path, issue_leaf(KEY, DOMAIN, now=time.time(), days=30)) as (endpoint, _):
        with pytest.raises(IntegrityError, match=r"certificate\.invalid"):
            await TlsDialer(time.time).dial(DOMAIN, endpoint, [KEY.public])


async def test_tls_below_1_3_is_not_spoken(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    leaf = leaf_of(KEY)
    (tmp_path / "leaf.pem").write_bytes(leaf.chain_pem + leaf.key_pem)
    context.load_cert_chain(tmp_path / "leaf.pem")
    server = await ws_create_server(lambda _: Bare(lambda _: None), "127.0.0.1", 0, ssl=context)
    try:
        with pytest.raises(NetworkError, match=r"link\.unreachable"):
            await TlsDialer(time.time).dial(DOMAIN, f"127.0.0.1:{server.sockets[0].getsockname()[1]}", [KEY.public])
    finally:
        server.close()


async def test_nobody_there_is_a_network_error(tmp_path: Path) -> None:
    async with serving(tmp_path, leaf_of(KEY)) as (endpoint, _):
        pass
    with pytest.raises(NetworkError, match=r"link\.unreachable"):
        await TlsDialer(time.time).dial(DOMAIN, endpoint, [KEY.public])


def _binary(payload: bytes, **bits: bool) -> Callable[[WSTransport], None]:
    return lambda transport: transport.send(WSMsgType.BINARY, payload, **bits)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (_binary(bytes(MAX_FRAME + 1)), 1009),
        (_binary(b"half", fin=False), 1002),
        (_binary(b"bits", rsv1=True), 1002),
        (lambda transport: transport.send(WSMsgType.TEXT, b"text"), 1002),
        (lambda transport: transport.send(WSMsgType.CONTINUATION, b"bare"), 1002),
    ],
)
async def test_h02_frames_that_are_not_ours_end_the_link(tmp_path: Path, script: Callable[[WSTransport], None], code: int) -> None:
    def run(transport: WSTransport) -> None:
        script(transport)
        transport.send(WSMsgType.BINARY, b"after")

    async with serving(tmp_path, leaf_of(KEY), run) as (endpoint, _):
        channel = await TlsDialer(time.time).dial(DOMAIN, endpoint, [KEY.public])
        with pytest.raises(LinkClosed) as closed:
            await asyncio.wait_for(channel.receive(), SECONDS)
        assert closed.value.close_code in (code, 1006)  # the library may cut an oversized frame before we see it


async def test_the_close_code_of_the_homeserver_arrives_behind_its_last_frames(tmp_path: Path) -> None:
    def run(transport: WSTransport) -> None:
        transport.send(WSMsgType.BINARY, b"last")
        transport.send_close(4401)  # type: ignore[arg-type]  # any number goes

    async with serving(tmp_path, leaf_of(KEY), run) as (endpoint, _):
        channel = await TlsDialer(time.time).dial(DOMAIN, endpoint, [KEY.public])
        assert await asyncio.wait_for(channel.receive(), SECONDS) == b"last"
        with pytest.raises(LinkClosed) as closed:
            await asyncio.wait_for(channel.receive(), SECONDS)
        assert closed.value.close_code == 4401


async def test_a_node_that_does_not_read_stops_the_homeserver_and_loses_nothing(tmp_path: Path) -> None:
    frames = [number.to_bytes(4, "big") + bytes(MAX_FRAME - 4) for number in range(40)]  # 10 MiB

    def run(transport: WSTransport) -> None:
        for frame in frames:
            transport.send(WSMsgType.BINARY, frame)

    async with serving(tmp_path, leaf_of(KEY), run) as (endpoint, listeners):
        channel = await TlsDialer(time.time).dial(DOMAIN, endpoint, [KEY.public])
        first = await asyncio.wait_for(channel.receive(), SECONDS)
        assert listeners[0].transport is not None
        async with asyncio.timeout(SECONDS):
            while not channel._paused:  # noqa: ASYNC110 - the socket fills in its own time
                await asyncio.sleep(0)
        for _ in range(2_000):  # all ten would come in now, were they let in
            await asyncio.sleep(0)
        assert channel._unread < 4 * 1024 * 1024
        rest = [await asyncio.wait_for(channel.receive(), SECONDS) for _ in frames[1:]]
        assert [first, *rest] == frames
        channel.close()
