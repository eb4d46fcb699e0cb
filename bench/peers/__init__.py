"""The same work on the servers that people would run instead: a hundred pairs with 1 and with 8 messages of 1 KiB in flight each, then 50 a
second. A place is free when the server has accepted *and* the reader has the message.

Each peer is set up as people run it, durable as it understands that, without rate limits, by its own protocol on plain TCP; ours by TLS
1.3, with all its checks, each message synced before it is acknowledged. Nothing is installed: peers that are not here are named.
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any

from bench import jetstream
from bench.link import KIBIBYTE, Load, Stretch, homeservers, median, resident_mib, stretch
from bench.row import Row

from . import matrix, mqtt, xmpp
from .pair import Pair, Peer

PAIRS = 100
WINDOWS = (1, 8)
STRETCHES = 5
STRETCH_SECONDS = 2.0
WARM_UP_SECONDS = 1.5
DRAIN_SECONDS = 20.0
LIGHT = 50  # a second
LONGEST_SECONDS = 180.0
BODY = base64.b64encode(os.urandom(768))  # 1 KiB of text: some of these protocols carry nothing else
OURS = "connexa"

Seen = dict[str, list[Stretch]]
"""Stretches by kind of work: full windows of some size, and the fixed rate."""


@asynccontextmanager
async def _nats(root: Path, pairs: int, changed: Callable[[Pair], None]) -> AsyncIterator[tuple[list[int], Sequence[Pair]]]:
    async with jetstream.jetstream(root, pairs, changed) as (pid, made):
        yield [pid], made


@dataclass(frozen=True)
class Known:
    """A peer, whether it is here, and how it comes here."""

    run: Peer
    here: Callable[[], object]
    install: str


PEERS = {
    "prosody": Known(xmpp.prosody, lambda: shutil.which("prosody"), "Debian: prosody"),
    "ejabberd": Known(xmpp.ejabberd, lambda: shutil.which("erl") and glob("/usr/lib/*/ejabberd-*/ebin"), "Debian: ejabberd"),
    "synapse": Known(matrix.synapse, matrix.program, "a virtual environment with matrix-synapse, its bin folder in PATH"),
    "jetstream": Known(_nats, jetstream.program, "Debian: nats-server"),
    "mosquitto": Known(mqtt.mosquitto, mqtt.program, "Debian: mosquitto"),
}


class Windows:
    """The load on one peer: what `Load` is for ours."""

    def __init__(self) -> None:
        self.window = 0
        self.pairs: Sequence[Pair] = ()
        self.latencies: list[float] = []

    def fill(self, pair: Pair) -> None:
        """Something was accepted or has arrived: count it, and send what the window has room for."""
        while len(pair.due) > pair.next - 1 - pair.delivered:
            self.latencies.append(time.perf_counter() - pair.due.popleft())
        room = min(pair.accepted, pair.delivered) + 1 + self.window - pair.next
        if room > 0:
            self.send(pair, room, time.perf_counter())

    def send(self, pair: Pair, count: int, due: float) -> None:
        """Send, whatever is in flight."""
        pair.send(BODY, count, due)


async def _measured(load: Any, pids: list[int]) -> Seen:
    """Full windows, then the fixed rate; between them nothing is in flight, or what a slow peer has not delivered by then."""
    seen = {}
    for window in WINDOWS:
        load.window = window
        for pair in load.pairs:
            load.fill(pair)
        seen[f"w{window}"] = await _look(load, pids)
        await _drained(load)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(_schedule(load))
        seen["light"] = await _look(load, pids)
        sending.cancel()
    await _drained(load)
    return seen


async def _look(load: Any, pids: list[int]) -> list[Stretch]:
    await asyncio.sleep(WARM_UP_SECONDS)
    return [await stretch(load.latencies, pids, STRETCH_SECONDS) for _ in range(STRETCHES)]


async def _schedule(load: Any) -> None:
    begin, sent = time.perf_counter(), 0
    while True:
        due = begin + sent / LIGHT
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        load.send(load.pairs[sent % PAIRS], 1, due)
        sent += 1


async def _drained(load: Any) -> None:
    load.window = 0
    limit = time.perf_counter() + DRAIN_SECONDS
    while any(min(pair.delivered, pair.accepted) < pair.next - 1 for pair in load.pairs):
        if time.perf_counter() > limit:
            return
        await asyncio.sleep(0.02)


async def _ours(root: Path) -> tuple[Seen, float]:
    with homeservers(root, "a.example") as [(town, pid)]:
        people = await town.settle([f"p{number}" for number in range(PAIRS)])
        load = Load(town, people, town, [*people[1:], people[0]])
        await load.open()
        load.carry(KIBIBYTE)
        seen = await _measured(load, [pid])
        load.close()
        return seen, resident_mib(pid)


async def _theirs(known: Known, root: Path) -> tuple[Seen, float]:
    load = Windows()
    async with known.run(root, PAIRS, load.fill) as (pids, load.pairs):
        return await _measured(load, pids), sum(map(resident_mib, pids))


async def _all() -> AsyncIterator[tuple[str, Seen, float]]:
    with tempfile.TemporaryDirectory(prefix="connexa-bench-") as name:
        root = Path(name)
        yield OURS, *await _ours(root / OURS)
        for peer, known in PEERS.items():
            if not known.here():
                print(f"without the rows of {peer}, which is not installed ({known.install})", file=sys.stderr)
                continue
            try:
                yield peer, *await asyncio.wait_for(_theirs(known, root / peer), LONGEST_SECONDS)
            except (OSError, RuntimeError, TimeoutError, ExceptionGroup) as error:
                print(f"without the rows of {peer}: {error!r}", file=sys.stderr)


def _rows(name: str, seen: Seen, memory: float, best: float | None) -> Iterator[Row]:
    """A peer's figures at its better window; its rate beside ours."""
    window = max((f"w{window}" for window in WINDOWS), key=lambda key: median(seen[key], "per_second"))
    rate = round(median(seen[window], "per_second"), 1)
    ratio = rate / best if best else None
    yield Row(name=f"peers.{name}.delivered_per_s", value=rate, unit="1/s", against=OURS if ratio else None, ratio=ratio)
    yield Row.measured(f"peers.{name}.window", float(window[1:]), "in flight")
    yield Row.measured(f"peers.{name}.p50", median(seen[window], "p50_ms"), "ms")
    yield Row.measured(f"peers.{name}.p99", median(seen[window], "p99_ms"), "ms")
    yield Row.measured(f"peers.{name}.cpu", median(seen[window], "cpu_microseconds"), "µs/message")
    yield Row.measured(f"peers.{name}.generator", median(seen[window], "own_cores"), "cores")
    yield Row.measured(f"peers.{name}.light.p50", median(seen["light"], "p50_ms"), "ms")
    yield Row.measured(f"peers.{name}.light.p99", median(seen["light"], "p99_ms"), "ms")
    yield Row.measured(f"peers.{name}.rss", memory, "MiB")


async def _measure() -> list[Row]:
    rows: list[Row] = []
    best: float | None = None
    async for name, seen, memory in _all():
        rows += _rows(name, seen, memory, best)
        best = best or rows[0].value
    return rows


def rows() -> Iterator[Row]:
    """What `python -m bench peers` prints."""
    yield from asyncio.run(_measure())
