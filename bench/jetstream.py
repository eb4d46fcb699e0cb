"""NATS JetStream as a peer: one work-queue stream in files, a durable push consumer for each recipient, explicit acknowledgements.

Its own protocol on plain TCP, without accounts, encryption or limits, and with its own durability: it syncs its files every two minutes,
where we sync before each acknowledgement.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from connexa.cli.demo.process import free_ports

__all__ = ["JetStreamPair", "jetstream", "program"]

START_SECONDS = 20.0
_CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"lang":"raw","version":"0","protocol":1}\r\n'


def program() -> str | None:
    """Where the server is, if it is installed."""
    return shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")


class _Connection(asyncio.Protocol):
    """One client: publishes, hears acknowledgements on its inbox, and takes what a consumer delivers."""

    def __init__(self, name: str) -> None:
        self.inbox = f"_IB.{name}".encode()
        self.on_message: Callable[[], None] = lambda: None
        self.on_accepted: Callable[[], None] = lambda: None
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._reply: asyncio.Future[bytes] | None = None
        self._pong: asyncio.Future[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        buffer, place, acks = self._rest + data, 0, []
        while (end := buffer.find(b"\r\n", place)) >= 0:
            line = buffer[place:end]
            if not line.startswith(b"MSG"):
                self._command(line)
                place = end + 2
                continue
            words = line.split(b" ")
            size = int(words[-1])
            if len(buffer) < end + size + 4:
                break
            body, place = buffer[end + 2 : end + 2 + size], end + size + 4
            if words[1] != self.inbox:
                self.on_message()
                acks.append(b"PUB %s 4\r\n+ACK\r\n" % words[3])
            elif self._reply is not None and not self._reply.done():
                self._reply.set_result(body)
            else:
                self.on_accepted()
        self._rest = buffer[place:]
        if acks:
            self.write(b"".join(acks))

    def _command(self, line: bytes) -> None:
        if line == b"PING":
            self.write(b"PONG\r\n")
        elif line == b"PONG" and self._pong is not None and not self._pong.done():
            self._pong.set_result(None)
        elif line.startswith(b"-ERR"):
            raise RuntimeError(line.decode())

    async def flush(self) -> None:
        self._pong = asyncio.get_running_loop().create_future()
        self.write(b"PING\r\n")
        await asyncio.wait_for(self._pong, START_SECONDS)

    async def ask(self, subject: str, question: dict[str, Any]) -> None:
        self._reply = asyncio.get_running_loop().create_future()
        body = msgspec.json.encode(question)
        self.write(b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), self.inbox, len(body), body))
        answer = msgspec.json.decode(await asyncio.wait_for(self._reply, START_SECONDS))
        self._reply = None
        if "error" in answer:
            raise RuntimeError(f"{subject}: {answer['error']}")


class JetStreamPair:
    """One who publishes and one who takes, with the counts that the load looks at."""

    def __init__(self, number: int, sender: _Connection, recipient: _Connection, changed: Callable[[JetStreamPair], None]) -> None:
        self.next, self.accepted, self.delivered = 1, 0, 0
        self.due: deque[float] = deque()
        self._sender = sender
        self._subject = f"m.r{number}".encode()
        self._changed = changed
        sender.on_accepted = self._accepted
        recipient.on_message = self._delivered

    def send(self, body: bytes, count: int, due: float) -> None:
        """Publish the same body that many times."""
        one = b"PUB %s %s %d\r\n%s\r\n" % (self._subject, self._sender.inbox, len(body), body)
        self._sender.write(one * count)
        self.next += count
        self.due.extend([due] * count)

    def _accepted(self) -> None:
        self.accepted += 1
        self._changed(self)

    def _delivered(self) -> None:
        self.delivered += 1
        self._changed(self)


@asynccontextmanager
async def jetstream(root: Path, pairs: int, changed: Callable[[JetStreamPair], None]) -> AsyncIterator[tuple[int, list[JetStreamPair]]]:
    """A server below `root`; its process and the pairs."""
    (port,) = free_ports(1)
    found = program()
    if found is None:
        raise FileNotFoundError("nats-server")
    words = [found, "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(root)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - nothing else runs yet
    connections: list[_Connection] = []

    async def connect(name: str, subject: str = "") -> _Connection:
        made = _Connection(name)
        await asyncio.get_running_loop().create_connection(lambda: made, "127.0.0.1", port)
        connections.append(made)
        made.write(_CONNECT + b"SUB %s 1\r\n" % made.inbox + (f"SUB {subject} 2\r\n".encode() if subject else b""))
        await made.flush()
        return made

    try:
        admin = await _retried(lambda: connect("admin"))
        stream = {"name": "M", "subjects": ["m.>"], "retention": "workqueue", "storage": "file", "num_replicas": 1, "discard": "old"}
        await admin.ask("$JS.API.STREAM.CREATE.M", stream)
        made = []
        for number in range(pairs):
            name = f"r{number}"
            consumer = {
                "durable_name": name,
                "deliver_subject": f"d.{name}",
                "filter_subject": f"m.{name}",
                "ack_policy": "explicit",
                "deliver_policy": "all",
                "replay_policy": "instant",
                "max_ack_pending": 1_000,
            }
            recipient = await connect(name, f"d.{name}")
            await admin.ask(f"$JS.API.CONSUMER.DURABLE.CREATE.M.{name}", {"stream_name": "M", "config": consumer})
            made.append(JetStreamPair(number, await connect(f"s{number}"), recipient, changed))
        yield server.pid, made
    finally:
        for connection in connections:
            connection.close()
        server.terminate()
        await asyncio.to_thread(server.wait)


async def _retried(connect: Callable[[], Awaitable[_Connection]]) -> _Connection:
    """Connect as soon as the server listens."""
    limit = time.monotonic() + START_SECONDS
    while True:
        try:
            return await connect()
        except OSError:
            if time.monotonic() > limit:
                raise
            await asyncio.sleep(0.05)
