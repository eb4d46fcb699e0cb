"""A device that was away: how soon ten thousand messages that waited for it are fetched and acknowledged.

From the first byte of the connection to the homeserver's word, at another login, that it has every acknowledgement.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from connexa.wire.v1.link_pb2 import AckUp, LinkDown, LinkUp

from .crowd import Inhabitant, LoadLink, Town, send_frame
from .link import KIBIBYTE, cpu_seconds, homeservers
from .row import Row

MESSAGES = int(os.environ.get("MESSAGES", "10000"))
ROUNDS = 5
PROMISED_SECONDS = 0.5
IN_ONE_FRAME = 64
WAIT_SECONDS = 60.0


def rows() -> Iterator[Row]:
    """What `python -m bench offline` prints."""
    yield from asyncio.run(_measure())


async def _measure() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="connexa-bench-") as name, homeservers(Path(name), "a.example") as [(town, pid)]:
        sender, recipient = await town.settle(["p0", "p1"])
        seen = []
        for _ in range(ROUNDS):
            await _write(town, sender, recipient)
            cpu = cpu_seconds(pid)
            seen.append((await _fetch(town, recipient), cpu_seconds(pid) - cpu))
    seconds = statistics.median(fetched for fetched, _ in seen)
    spent = statistics.median(cpu for _, cpu in seen)
    return [
        Row.measured("offline.seconds", seconds, "s", PROMISED_SECONDS * MESSAGES / 10_000),
        Row.measured("offline.per_s", MESSAGES / seconds, "1/s"),
        Row.measured("offline.cpu", 1e6 * spent / MESSAGES, "µs/message"),
    ]


async def _write(town: Town, sender: Inhabitant, recipient: Inhabitant) -> None:
    envelope, done = town.envelope(recipient, body=KIBIBYTE[0], sealed=KIBIBYTE[1]), asyncio.Event()
    link, last = await town.writing(sender)

    def committed(frame: LinkDown) -> None:
        if frame.WhichOneof("frame") == "committed" and frame.committed.up_to == last + MESSAGES:
            done.set()

    link.on_frame = committed
    for first in range(last + 1, last + MESSAGES + 1, IN_ONE_FRAME):
        link.send(send_frame(first, envelope, min(IN_ONE_FRAME, last + MESSAGES + 1 - first)))
    await asyncio.wait_for(done.wait(), WAIT_SECONDS)
    link.close()


async def _fetch(town: Town, recipient: Inhabitant) -> float:
    got: list[int] = []
    fresh: list[int] = []
    done = asyncio.Event()

    def pushed(frame: LinkDown) -> None:
        if frame.WhichOneof("frame") == "push":
            fresh.extend(item.seq for item in frame.push.items)

    def read(link: LoadLink) -> None:
        if fresh:
            link.send(LinkUp(ack=AckUp(seqs=fresh)).SerializeToString())
            got.extend(fresh)
            fresh.clear()
            if len(got) == MESSAGES:
                done.set()

    begin = time.perf_counter()
    link = await town.reading(recipient.device, pushed)
    link.on_burst = lambda: read(link)
    await asyncio.wait_for(done.wait(), WAIT_SECONDS)
    while (await _acked(town, recipient)) < max(got):
        pass
    return time.perf_counter() - begin


async def _acked(town: Town, recipient: Inhabitant) -> int:
    """How far the homeserver says that the device has stored its mail."""
    link = await town.mailbox(recipient.device)
    link.close()
    return town.acked
