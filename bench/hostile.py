"""What other people feel of somebody who attacks their homeserver: the p99 of mail between a hundred pairs, calm and under each attack.

Limits by source address are raised, since everybody comes from one here: what is left is what the homeserver does about an attack that
comes from everywhere. The attackers run in a process of their own, and take the machine's time too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from .crowd import Town, send_frame
from .link import KIBIBYTE, PAIRS, SETTINGS, Load, homeservers, median, open_loop
from .row import Row

CROWD = int(os.environ.get("CROWD", "1000"))
RATE = 200
SECONDS = 1.0
PROMISED_RATIO = 2.0
SEND_PER_SECOND = 50  # the limit that a published default sets; the flood is a hundred times that
READY_SECONDS = 180.0  # a thousand handshakes, on the cores that the homeserver has too
LARGE = 16 * 1024 * 1024
UPGRADE = b"GET /v1/link HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Slow: "
HALF_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(24)  # the record says 200 bytes


def rows() -> Iterator[Row]:
    """What `python -m bench hostile` prints."""
    yield from asyncio.run(_measure())


async def _measure() -> list[Row]:
    settings = SETTINGS | {"LIMITS__SEND_PER_SECOND": str(SEND_PER_SECOND), "LIMITS__SEND_BURST": "200"}
    found: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="connexa-bench-") as name,
        homeservers(Path(name), "a.example", settings=settings) as [(town, pid)],
    ):
        people = await town.settle([f"p{number}" for number in range(PAIRS)])
        load = Load(town, people, town, [*people[1:], people[0]])
        await load.open()
        calm = median(await open_loop(load, [pid], RATE, SECONDS), "p99_ms")
        found.append(Row.measured("hostile.calm.p99", calm, "ms"))
        for attack in ATTACKS:
            async with _attacked(attack, town.endpoint):
                p99 = median(await open_loop(load, [pid], RATE, SECONDS), "p99_ms")
            found += [
                Row.measured(f"hostile.{attack}.p99", p99, "ms"),
                Row.measured(f"hostile.{attack}.times", p99 / calm, "", PROMISED_RATIO),
            ]
        flood = asyncio.create_task(_flood(town))
        p99 = median(await open_loop(load, [pid], RATE, SECONDS), "p99_ms")
        flood.cancel()
        found += [Row.measured("hostile.flood.p99", p99, "ms"), Row.measured("hostile.flood.times", p99 / calm, "", PROMISED_RATIO)]
        load.close()
    return found


@contextlib.asynccontextmanager
async def _attacked(attack: str, endpoint: str) -> AsyncIterator[None]:
    attackers = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.hostile", attack, endpoint, stdout=asyncio.subprocess.PIPE
    )
    try:
        if attackers.stdout is not None:
            await asyncio.wait_for(attackers.stdout.readline(), READY_SECONDS)  # they are there
        yield
    finally:
        attackers.kill()
        await attackers.wait()


async def _flood(town: Town) -> None:
    """One sender, a hundred times over the rate; what is not taken piles up here."""
    sender, victim = await town.settle(["flood", "flooded"])
    link, last = await town.writing(sender)
    envelope = town.envelope(victim, body=KIBIBYTE[0], sealed=KIBIBYTE[1])
    while True:
        link.send(send_frame(last + 1, envelope, SEND_PER_SECOND))
        last += SEND_PER_SECOND
        await asyncio.sleep(0.01)


# ---- the attackers' process


async def _slow_loris(host: str, port: int) -> None:
    _, writer = await asyncio.open_connection(host, port, ssl=_careless(), server_hostname="a.example")
    writer.write(UPGRADE)
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def _half_open(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(HALF_HELLO)
    await reader.read(1)  # until the homeserver has had enough
    writer.close()


async def _large_frames(host: str, port: int) -> None:
    reader, writer = await asyncio.open_connection(host, port, ssl=_careless(), server_hostname="a.example")
    writer.write(
        b"GET /v1/link HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"\x82\xff" + LARGE.to_bytes(8, "big") + bytes(4) + bytes(LARGE))
    await writer.drain()


def _careless() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


ATTACKS: dict[str, tuple[Callable[[str, int], Awaitable[None]], int]] = {
    "slow_loris": (_slow_loris, CROWD),
    "half_open": (_half_open, CROWD),
    "large_frames": (_large_frames, 4),
}


async def _attack(name: str, endpoint: str) -> None:
    act, count = ATTACKS[name]
    host, port = endpoint.rsplit(":", 1)

    async def again_and_again() -> None:
        while True:
            with contextlib.suppress(OSError, EOFError, ssl.SSLError):
                await act(host, int(port))
            await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(again_and_again())
            await asyncio.sleep(0.002)
        os.write(1, b"there\n")


if __name__ == "__main__":
    asyncio.run(_attack(sys.argv[1], sys.argv[2]))
