"""The link's port on real sockets: TLS 1.3 on aiofastnet, raw frames, slow readers, renewal (H1, H2, H3)."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from connexa.crypto.x509 import anchor_pem
from connexa.homeserver.http_server import bind_tcp
from connexa.homeserver.listener import LinkListener, address_block
from connexa.node.dial import TlsDialer
from connexa.testing import FakeClock
from connexa.wire import MAX_FRAME
from connexa.wire.v1.link_pb2 import LinkHello, LinkUp, Mode

from .domains import until
from .village import DOMAIN, Client, Village, settings_with, village

HELLO = LinkUp(hello=LinkHello(min=1, max=1, mode=Mode.MODE_PAIR)).SerializeToString()


@asynccontextmanager
async def listening(path: Path, **limits: object) -> AsyncIterator[tuple[Village, int]]:
    """A village that is reached over TLS on loopback, by the clock of this machine."""
    import time

    async with village(path, settings_with(waiting_per_source=300, **limits), clock=FakeClock(time.time())) as v:
        listener = LinkListener(v.house, v.house.certificates)
        await listener.start(bind_tcp("127.0.0.1", 0, "link"))
        dialer = TlsDialer(v.clock)

        async def dial(source: str = "") -> Client:
            return Client(await dialer.dial(DOMAIN, f"127.0.0.1:{listener.port}", [v.house.domain_key.public]))

        v.dial = dial  # type: ignore[method-assign]
        yield v, listener.port
        v.house.door.drain()
        await listener.stop()


def client_context(v: Village) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=anchor_pem(DOMAIN, v.house.domain_key.public, v.clock()).decode())
    return context


class RawSocket:
    """A WebSocket client that can break every rule."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, v: Village, port: int, path: str = "/v1/link") -> RawSocket:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context(v), server_hostname=DOMAIN)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {DOMAIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        raw = cls(reader, writer)
        raw.status = int(head.split()[1])
        return raw

    status = 0

    def frame(self, first: int, payload: bytes) -> bytes:
        size = len(payload)
        head = bytes([first, 0x80 | size]) if size < 126 else bytes([first, 0x80 | 127]) + struct.pack(">Q", size)
        if 126 <= size < 65_536:
            head = bytes([first, 0x80 | 126]) + struct.pack(">H", size)
        return head + bytes(4) + payload  # masked with zeros

    async def end(self) -> tuple[int, bytes]:
        """The close code, and everything that came before it."""
        async with asyncio.timeout(60):
            try:
                received = await self.reader.read(-1)
            except (ConnectionError, ssl.SSLError):
                received = b""
        before, close = received[:-4], received[-4:]
        return (struct.unpack(">H", close[2:])[0] if close[:1] == b"\x88" else 0), before


async def test_mail_crosses_real_sockets(tmp_path: Path) -> None:
    async with listening(tmp_path) as (v, _):
        alice, bob = await v.settle("alice"), await v.settle("bob")
        device = await v.login(bob.devices[0], resume=True)
        client = await v.submit((await v.passes(alice, 1))[0])
        client.send(*[(number, v.mail(bob)) for number in range(1, 51)])
        assert await client.committed(50) == {}
        items = await device.pushes(50)
        device.ack(*[item.seq for item in items])
        await device.quiet()
        assert v.rows() == 0


@pytest.mark.parametrize(
    "first",
    [0x02, 0x00, 0x80, 0xC2, 0xA2, 0x92, 0x81, 0x01],
    ids=["fragment", "bare continuation", "last continuation", "RSV1", "RSV2", "RSV3", "text", "text fragment"],
)
async def test_h2_anything_but_a_whole_binary_frame_is_closed_and_not_processed(tmp_path: Path, first: int) -> None:
    async with listening(tmp_path) as (v, port):
        raw = await RawSocket.open(v, port)
        assert raw.status == 101
        raw.writer.write(raw.frame(first, HELLO) + raw.frame(0x82, HELLO))
        code, before = await raw.end()
        assert (code, before) == (4400, b"")  # no challenge: neither frame was looked at
        raw.writer.close()


async def test_h2_an_oversized_frame_in_one_burst_is_closed_and_not_processed(tmp_path: Path) -> None:
    async with listening(tmp_path) as (v, port):
        for size in (MAX_FRAME + 1, 3_000_000):
            raw = await RawSocket.open(v, port)
            raw.writer.write(raw.frame(0x82, bytes(size)) + raw.frame(0x82, HELLO))
            _code, before = await raw.end()
            assert before[:1] in (b"", b"\x88")  # no challenge; the library closes with a reason, in words
            raw.writer.close()
        await until(lambda: v.house.door.open_links == 0)


async def test_other_paths_and_older_tls_are_not_served(tmp_path: Path) -> None:
    async with listening(tmp_path) as (v, port):
        assert (await RawSocket.open(v, port, "/")).status == 404
        context = client_context(v)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=DOMAIN)


async def test_h1_the_port_of_links_runs_on_aiofastnet(tmp_path: Path) -> None:
    async with listening(tmp_path) as (v, port):
        raw = await RawSocket.open(v, port)
        transport = next(iter(v.house.door._connections))._sink._transport.underlying_transport  # type: ignore[attr-defined]
        assert type(transport).__module__.startswith("aiofastnet")
        raw.writer.close()


async def test_h3_a_stopped_reader_is_bounded_by_its_window_and_then_complete(tmp_path: Path) -> None:
    async with listening(tmp_path, send_burst=10_000, send_per_second=10_000) as (v, _):
        alice, bob = await v.settle("alice"), await v.settle("bob")
        device = await v.login(bob.devices[0], resume=True)
        transport = device.channel._transport.underlying_transport  # type: ignore[attr-defined]
        transport.pause_reading()
        client = await v.submit((await v.passes(alice, 1))[0])
        for number in range(1, 401):
            client.send((number, v.mail(bob, body=16_400)))
        assert await client.committed(400) == {}
        sinks = [connection.buffered() for connection in v.house.door._connections]
        assert max(sinks) < 1_500_000  # of seven megabytes
        transport.resume_reading()
        seqs: list[int] = []
        while len(seqs) < 400:
            push = await device.expect("push")
            seqs += [item.seq for item in push.items]
            device.ack(*[item.seq for item in push.items])
        assert seqs == sorted(set(seqs))


async def test_a_renewed_leaf_is_shown_at_the_next_handshake_and_open_links_stay(tmp_path: Path) -> None:
    async with listening(tmp_path) as (v, _):
        alice = await v.settle("alice")
        before = await v.login(alice.devices[0])
        shown = before.channel.certificate_hash
        v.house.certificates.renew_if_due(v.house.domain_key, force=True)
        await before.quiet()
        after = await v.login(alice.devices[0])
        assert after.channel.certificate_hash == v.house.certificates.hash != shown
        await after.quiet()


async def test_pings_are_answered(tmp_path: Path) -> None:
    async with listening(tmp_path) as (v, port):
        raw = await RawSocket.open(v, port)
        raw.writer.write(raw.frame(0x89, b"are you there"))
        async with asyncio.timeout(5):
            assert await raw.reader.readexactly(15) == b"\x8a\x0dare you there"
        raw.writer.close()


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("memory:alice", "memory:alice"),
    ],
)
def test_limits_count_addresses_by_block(address: str, block: str) -> None:
    assert address_block(address) == block
