"""Messages between people of one homeserver: a real process, TLS 1.3, durable before it is acknowledged, pushed, deleted when acknowledged.

Closed loop: each of a hundred pairs keeps 32 messages in flight; a place is free when the homeserver has committed *and* the recipient has
it. Open loop: a fixed rate, latency from the moment at which a message was due. The generator is this process, on the other core; a figure
is the median of five stretches. NATS JetStream, where it is installed, gets the same closed loop behind it in the same run.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connexa.cli.demo.process import free_ports
from connexa.cli.demo.server import Homeserver
from connexa.identity import format_discovery_file
from connexa.wire.v1.link_pb2 import AckUp, LinkDown, LinkUp

from . import jetstream
from .crowd import Inhabitant, LoadLink, Town, send_frame
from .row import Row, percentile

PAIRS = 100
IN_FLIGHT = 32
STRETCHES = 5
WARM_UP_SECONDS = 1.5
DRAIN_SECONDS = 20.0
EARLY_SECONDS = 0.002  # an event loop sleeps for up to a millisecond longer than it is told: the rest of the way is waited awake
BURST = 256  # messages sent without a look at what comes
# Body and sealed packet of an envelope of 1 KiB, as the peers carry, and those of a real one to one device.
KIBIBYTE = (600, 250)
SEALED = (272, 2_160)
PROMISED_PER_SECOND = 30_000
PROMISED_OPEN_P99_MS = 10.0
PROMISED_OPEN_CORES = 1.0
PROMISED_LIGHT_P50_MS = 2.0
SETTINGS = {  # a hundred people behind one address, who write as fast as they can
    "REGISTRATION": "open",
    "LIMITS__LINKS": "30000",
    "LIMITS__WAITING_PER_SOURCE": "1000",
    "LIMITS__LOGINS_PER_MINUTE": "1000000",
    "LIMITS__PASSES_SHOWN_PER_MINUTE": "1000000",
    "LIMITS__REGISTRATIONS_PER_HOUR": "1000000",
    "LIMITS__SEND_PER_SECOND": "100000",
    "LIMITS__SEND_BURST": "100000",
    "LIMITS__ODD_PACKETS": "true",
    "LIMITS__DOMAIN_ENVELOPES_PER_SECOND": "100000",
    "LIMITS__DOMAIN_ENVELOPES_BURST": "100000",
    "DISCOVERY__DNS": "false",
    "DISCOVERY__WELL_KNOWN": "false",
}


@dataclass
class Pair:
    """One person who writes and one who reads, with the messages between them."""

    sender: Inhabitant
    recipient: Inhabitant
    envelope: bytes = b""
    next: int = 1
    accepted: int = 0
    delivered: int = 0
    due: deque[float] = field(default_factory=deque)
    out: LoadLink | None = None
    into: LoadLink | None = None
    acks: list[int] = field(default_factory=list)


class Load:
    """Pairs of those who write, in one town, and those who read, there or in another one."""

    def __init__(self, town: Town, senders: Sequence[Inhabitant], other: Town, recipients: Sequence[Inhabitant]) -> None:
        self.pairs = [Pair(sender, recipient) for sender, recipient in zip(senders, recipients, strict=True)]
        self.window = 0
        self.latencies: list[float] = []
        self._town = town
        self._other = other

    async def open(self) -> None:
        """Everybody comes."""
        await asyncio.gather(*(self._open(pair) for pair in self.pairs))

    async def _open(self, pair: Pair) -> None:
        pair.into = await self._other.reading(pair.recipient.device, lambda frame: self._arrived(pair, frame))
        pair.into.on_burst = lambda: self._read(pair)
        pair.out, last = await self._town.writing(pair.sender)
        pair.out.on_frame = lambda frame: self._committed(pair, frame)
        pair.next, pair.accepted, pair.delivered = last + 1, last, last

    def carry(self, sizes: tuple[int, int]) -> None:
        """From now on envelopes are of these sizes."""
        for pair in self.pairs:
            pair.envelope = self._other.envelope(pair.recipient, body=sizes[0], sealed=sizes[1])

    def _arrived(self, pair: Pair, frame: LinkDown) -> None:
        if frame.WhichOneof("frame") != "push":
            return
        now, items = time.perf_counter(), frame.push.items
        for item in items:
            pair.acks.append(item.seq)
            self.latencies.append(now - pair.due.popleft())
        pair.delivered += len(items)

    def _read(self, pair: Pair) -> None:
        if pair.acks and pair.into is not None:
            pair.into.send(LinkUp(ack=AckUp(seqs=pair.acks)).SerializeToString())
            pair.acks.clear()
        self.fill(pair)

    def _committed(self, pair: Pair, frame: LinkDown) -> None:
        if frame.WhichOneof("frame") == "committed":
            if frame.committed.refused:
                raise RuntimeError(f"refused: {frame.committed.refused[0]}")
            pair.accepted = frame.committed.up_to
            self.fill(pair)

    def fill(self, pair: Pair) -> None:
        """Send what the window has room for."""
        room = min(pair.accepted, pair.delivered) + 1 + self.window - pair.next
        if self.window and room > 0:
            self.send(pair, room, time.perf_counter())

    def send(self, pair: Pair, count: int, due: float) -> None:
        """Send, whatever is in flight."""
        if pair.out is not None:
            pair.out.send(send_frame(pair.next, pair.envelope, count))
            pair.next += count
            pair.due.extend([due] * count)

    async def drain(self) -> None:
        """Until everything that was sent is committed and has arrived."""
        self.window = 0
        limit = time.perf_counter() + DRAIN_SECONDS
        while any(min(pair.delivered, pair.accepted) < pair.next - 1 for pair in self.pairs):
            if time.perf_counter() > limit:
                raise RuntimeError("messages are missing")
            await asyncio.sleep(0.02)

    def close(self) -> None:
        """Everybody goes."""
        for pair in self.pairs:
            for link in (pair.out, pair.into):
                if link is not None:
                    link.close()


@dataclass(frozen=True)
class Stretch:
    """What some seconds saw."""

    per_second: float
    server_cores: float
    own_cores: float
    cpu_microseconds: float
    p50_ms: float
    p99_ms: float
    resident_mib: float


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def homeservers(root: Path, *names: str, settings: Mapping[str, str] = SETTINGS) -> Iterator[list[tuple[Town, int]]]:
    """Homeservers, with raised limits where nothing else is said: the way to each, and its process."""
    discovery = root / "discovery.toml"
    servers = [Homeserver(name, root / name[0], free_ports(3), discovery) for name in names]
    for server in servers:
        server.program.settings.update({f"CONNEXA_SERVER__{name}": value for name, value in settings.items()})
    entries = {entry.domain: entry for entry in [server.create() for server in servers]}
    discovery.write_text(format_discovery_file(entries), encoding="ascii")
    try:
        for server in servers:
            server.program.start().await_ready()
        keys = [entries[server.domain].key for server in servers]
        yield [
            (Town(server.domain, f"127.0.0.1:{server.ports['link']}", key), server.program.ready["pid"])
            for server, key in zip(servers, keys, strict=True)
        ]
    finally:
        for server in servers:
            server.end()


async def stretch(latencies: list[float], pids: Sequence[int], seconds: float) -> Stretch:
    """Look on while a load runs."""
    latencies.clear()
    cpu, own, begin = sum(map(cpu_seconds, pids)), time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    elapsed, server = time.perf_counter() - begin, sum(map(cpu_seconds, pids)) - cpu
    count, taken = len(latencies), sorted(latencies)
    if not taken:
        raise RuntimeError("nothing arrived: this machine has no time for a measurement now")
    return Stretch(
        per_second=count / elapsed,
        server_cores=server / elapsed,
        own_cores=(time.process_time() - own) / elapsed,
        cpu_microseconds=1e6 * server / count,
        p50_ms=1000 * percentile(taken, 50),
        p99_ms=1000 * percentile(taken, 99),
        resident_mib=sum(map(resident_mib, pids)),
    )


def median(stretches: Sequence[Stretch], name: str) -> float:
    """The middle one."""
    return float(statistics.median(getattr(one, name) for one in stretches))


async def closed(load: Load, pids: Sequence[int], sizes: tuple[int, int], seconds: float) -> list[Stretch]:
    """Windows that are always full."""
    load.carry(sizes)
    load.window = IN_FLIGHT
    for pair in load.pairs:
        load.fill(pair)
    await asyncio.sleep(WARM_UP_SECONDS)
    seen = [await stretch(load.latencies, pids, seconds) for _ in range(STRETCHES)]
    await load.drain()
    return seen


async def open_loop(load: Load, pids: Sequence[int], rate: int, seconds: float) -> list[Stretch]:
    """A fixed schedule, whether or not the homeserver keeps up with it."""

    async def schedule() -> None:
        begin, sent, often = time.perf_counter(), 0, rate > 0.5 / EARLY_SECONDS  # then there is no time to sleep
        while True:
            due = int((time.perf_counter() - begin) * rate) + 1
            for number in range(sent, min(due, sent + BURST)):  # who is late must still hear what arrives
                load.send(load.pairs[number % PAIRS], 1, begin + number / rate)
                sent += 1
            left = begin + sent / rate - time.perf_counter()
            await asyncio.sleep(0 if left <= 0 else 0.0005 if often else max(0.0, left - EARLY_SECONDS))

    load.carry(KIBIBYTE)
    async with asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(schedule())
        await asyncio.sleep(WARM_UP_SECONDS)
        seen = [await stretch(load.latencies, pids, seconds) for _ in range(STRETCHES)]
        sending.cancel()
    await load.drain()
    return seen


async def peer(root: Path) -> list[Stretch]:
    """The closed loop on NATS JetStream."""
    body = os.urandom(1024)
    latencies: list[float] = []
    window = IN_FLIGHT

    def changed(pair: jetstream.JetStreamPair) -> None:
        while len(pair.due) > pair.next - 1 - pair.delivered:
            latencies.append(time.perf_counter() - pair.due.popleft())
        room = min(pair.accepted, pair.delivered) + 1 + window - pair.next
        if room > 0:
            pair.send(body, room, time.perf_counter())

    async with jetstream.jetstream(root, PAIRS, changed) as (pid, pairs):
        for pair in pairs:
            changed(pair)
        await asyncio.sleep(WARM_UP_SECONDS)
        seen = [await stretch(latencies, [pid], 0.8) for _ in range(STRETCHES)]
        window = 0
    return seen


async def measure() -> list[Row]:
    """Everything, one after the other."""
    with tempfile.TemporaryDirectory(prefix="connexa-bench-") as name:
        root = Path(name)
        with homeservers(root, "a.example") as [(town, pid)]:
            pids = [pid]
            people = await town.settle([f"p{number}" for number in range(PAIRS)])
            load = Load(town, people, town, [*people[1:], people[0]])
            await load.open()
            kibibyte = await closed(load, pids, KIBIBYTE, 1.5)
            sealed = await closed(load, pids, SEALED, 0.8)
            steady = await open_loop(load, pids, 10_000, 1.2)
            light = await open_loop(load, pids, 50, 0.8)
            load.close()
        rows = [*closed_rows("link.closed", kibibyte, PROMISED_PER_SECOND)]
        if jetstream.program() is not None:
            theirs = await peer(root / "jetstream")
            rows += closed_rows("link.closed.jetstream", theirs)
            ratio = median(kibibyte, "per_second") / median(theirs, "per_second")
            rows.append(Row(name="link.closed.ratio_jetstream", value=ratio, unit="times", promised=1.0, against="jetstream", ratio=ratio))
        else:
            print("without the rows of NATS JetStream: nats-server is not installed", file=sys.stderr)
    rows += closed_rows("link.closed.sealed", sealed)
    rows += [
        *open_rows("link.open.10000", steady, p99=PROMISED_OPEN_P99_MS, cores=PROMISED_OPEN_CORES),
        *open_rows("link.open.50", light, p50=PROMISED_LIGHT_P50_MS),
    ]
    return rows


def closed_rows(name: str, seen: Sequence[Stretch], promised: float | None = None) -> Iterator[Row]:
    """What closed windows have shown."""
    yield Row.measured(f"{name}.delivered_per_s", median(seen, "per_second"), "1/s", promised)
    yield Row.measured(f"{name}.p50", median(seen, "p50_ms"), "ms")
    yield Row.measured(f"{name}.p99", median(seen, "p99_ms"), "ms")
    yield Row.measured(f"{name}.cpu", median(seen, "cpu_microseconds"), "µs/message")
    yield Row.measured(f"{name}.cores", median(seen, "server_cores"), "cores")
    yield Row.measured(f"{name}.generator", median(seen, "own_cores"), "cores")
    yield Row.measured(f"{name}.rss", median(seen, "resident_mib"), "MiB")


def open_rows(
    name: str, seen: Sequence[Stretch], *, p50: float | None = None, p99: float | None = None, cores: float | None = None
) -> Iterator[Row]:
    """What a fixed schedule has shown, with what was promised of it."""
    yield Row.measured(f"{name}.p50", median(seen, "p50_ms"), "ms", p50)
    yield Row.measured(f"{name}.p99", median(seen, "p99_ms"), "ms", p99)
    yield Row.measured(f"{name}.cpu", median(seen, "cpu_microseconds"), "µs/message")
    yield Row.measured(f"{name}.cores", median(seen, "server_cores"), "cores", cores)
    yield Row.measured(f"{name}.generator", median(seen, "own_cores"), "cores")
    yield Row.measured(f"{name}.rss", median(seen, "resident_mib"), "MiB")


def rows() -> Iterator[Row]:
    """What `python -m bench link` prints."""
    yield from asyncio.run(measure())
