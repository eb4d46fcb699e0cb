"""mosquitto by MQTT 3.1.1: quality of service 1 on both legs, sessions that outlive their connections.

Its store is written every half hour and when it ends, so what it has accepted is lost with the process. No accounts, no limits.
"""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from connexa.cli.demo.process import free_ports

from .pair import Changed, Running, daemon

__all__ = ["mosquitto", "program"]

ANSWER_SECONDS = 20.0
_CONNACK, _PUBLISH, _PUBACK, _SUBACK = 2, 3, 4, 9


def program() -> str | None:
    """Where the server is, if it is installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def _text(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def _packet(kind: int, payload: bytes) -> bytes:
    length, size = b"", len(payload)
    while True:
        size, low = divmod(size, 128)
        length += bytes([low | (128 if size else 0)])
        if not size:
            return bytes([kind]) + length + payload


class _Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.on_message: Callable[[], None] = lambda: None
        self.on_accepted: Callable[[], None] = lambda: None
        self._rest = b""
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, question: bytes, answer: int) -> None:
        self._answers[answer] = waiting = asyncio.get_running_loop().create_future()
        self.write(question)
        await asyncio.wait_for(waiting, ANSWER_SECONDS)

    def data_received(self, data: bytes) -> None:
        buffer, place, acks = self._rest + data, 0, []
        while (found := _whole(buffer, place)) is not None:
            begin, end = found
            kind = buffer[place] >> 4
            if kind == _PUBLISH:
                topic = begin + 2 + int.from_bytes(buffer[begin : begin + 2], "big")
                acks.append(b"\x40\x02" + buffer[topic : topic + 2])
                self.on_message()
            elif kind == _PUBACK:
                self.on_accepted()
            elif waiting := self._answers.pop(kind, None):
                waiting.set_result(None)
            place = end
        self._rest = buffer[place:]
        if acks:
            self.write(b"".join(acks))


def _whole(buffer: bytes, place: int) -> tuple[int, int] | None:
    """Where the payload of the packet at a place begins and ends, if all of it is there."""
    length = shift = 0
    for at in range(place + 1, min(place + 5, len(buffer))):
        length |= (buffer[at] & 127) << shift
        shift += 7
        if buffer[at] < 128:
            end = at + 1 + length
            return (at + 1, end) if end <= len(buffer) else None
    return None


class _Pair:
    def __init__(self, number: int, sender: _Client, reader: _Client, changed: Changed) -> None:
        self.next, self.accepted, self.delivered = 1, 0, 0
        self.due: deque[float] = deque()
        self._sender = sender
        self._topic = _text(b"u/r%d" % number)
        self._changed = changed
        sender.on_accepted = self._accepted
        reader.on_message = self._delivered

    def send(self, body: bytes, count: int, due: float) -> None:
        for number in range(self.next, self.next + count):
            self._sender.write(_packet(0x32, self._topic + struct.pack(">H", number % 65_535 + 1) + body))
        self.next += count
        self.due.extend([due] * count)

    def _accepted(self) -> None:
        self.accepted += 1
        self._changed(self)

    def _delivered(self) -> None:
        self.delivered += 1
        self._changed(self)


@asynccontextmanager
async def mosquitto(root: Path, pairs: int, changed: Changed) -> AsyncIterator[Running]:
    """A broker below `root`."""
    (port,) = free_ports(1)
    root.mkdir(parents=True)
    (root / "mosquitto.conf").write_text(_SETTINGS.format(root=root, port=port))
    async with AsyncExitStack() as leaving:
        pid = await leaving.enter_async_context(daemon([program() or "mosquitto", "-c", str(root / "mosquitto.conf")], port, root))

        async def client(name: bytes, topic: bytes = b"") -> _Client:
            _, made = await asyncio.get_running_loop().create_connection(_Client, "127.0.0.1", port)
            leaving.callback(made.close)
            await made.ask(_packet(0x10, _text(b"MQTT") + b"\x04\0\0\0" + _text(name)), _CONNACK)
            if topic:
                await made.ask(_packet(0x82, b"\0\x01" + _text(topic) + b"\x01"), _SUBACK)
            return made

        made = [
            _Pair(number, await client(b"s%d" % number), await client(b"r%d" % number, b"u/r%d" % number), changed)
            for number in range(pairs)
        ]
        yield [pid], made


_SETTINGS = """listener {port} 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location {root}/
max_queued_messages 0
max_inflight_messages 100
log_type error
"""
