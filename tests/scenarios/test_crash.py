"""`kill -9` of a homeserver under load, round after round: what it has confirmed is with its recipient in the end, stored once.

Below the nodes, which would forgive doubles: every envelope has an id of its own, an id has one number, and a number one id.
`make crash` plays a hundred rounds; CRASH_ROUNDS and CRASH_SEED are taken from the environment.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bench.crowd import Inhabitant, LoadLink, Town, send_frame
from bench.link import SETTINGS

from connexa.cli.demo.process import free_ports
from connexa.crypto import Ed25519Public
from connexa.identity import Domain
from connexa.testing import Program, run_program
from connexa.wire.v1.link_pb2 import AckUp, LinkDown, LinkUp
from connexa.wire.v1.message_pb2 import Envelope

DOMAIN = Domain("a.example")
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "15"))
PAIRS = 8
EACH = 24  # envelopes of each sender in one round
LISTENERS = ("link", "federation", "https")


@dataclass
class Pair:
    """One who writes and one who reads; `sent[n - 1]` is the envelope under the number n."""

    sender: Inhabitant
    recipient: Inhabitant
    sent: list[bytes] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    confirmed: int = 0
    got: dict[bytes, int] = field(default_factory=dict)  # id to number in the mailbox
    of_seq: dict[int, bytes] = field(default_factory=dict)
    doubles: int = 0
    refused: int = 0
    forgotten: int = 0
    links: list[LoadLink] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def committed(self, frame: LinkDown) -> None:
        if frame.WhichOneof("frame") == "committed":
            self.refused += len(frame.committed.refused)
            self.confirmed = max(self.confirmed, frame.committed.up_to)
            self.moved.set()

    def pushed(self, link: LoadLink, frame: LinkDown) -> None:
        if frame.WhichOneof("frame") != "push":
            return
        for item in frame.push.items:
            known = self.got.setdefault(item.envelope, item.seq)
            self.doubles += known != item.seq or self.of_seq.setdefault(item.seq, item.envelope) != item.envelope
        link.send(LinkUp(ack=AckUp(seqs=[item.seq for item in frame.push.items])).SerializeToString())
        self.moved.set()


@pytest.mark.slow
@pytest.mark.timeout(60 + 15 * ROUNDS)
@pytest.mark.xdist_group("heavy")
async def test_what_was_confirmed_survives_every_kill_and_is_stored_once(tmp_path: Path) -> None:
    seed = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(2**32))
    print(f"CRASH_SEED={seed}")  # shown where the test fails
    dice = random.Random(seed)
    settings = SETTINGS | {f"{name.upper()}__PORT": str(port) for name, port in zip(LISTENERS, free_ports(3), strict=True)}
    env = {f"CONNEXA_SERVER__{name}": value for name, value in settings.items()}
    made = await run_program(["--json", "server", "init", DOMAIN], home=tmp_path, env=env)
    program = Program("a", ["--json", "server", "run"], home=tmp_path, env=env)
    await program.start()
    try:
        where = (DOMAIN, f"127.0.0.1:{settings['LINK__PORT']}", Ed25519Public.from_bytes(bytes.fromhex(made.data["key"])))
        town = Town(*where)
        people = await town.settle([f"p{number}" for number in range(2 * PAIRS)])
        pairs = [Pair(*both) for both in zip(people[:PAIRS], people[PAIRS:], strict=True)]
        for _ in range(ROUNDS):
            for pair in pairs:
                _write(town, pair)
            opened = asyncio.gather(*(_come(town, pair) for pair in pairs), return_exceptions=True)
            await asyncio.wait([opened], timeout=dice.random() * 0.4)  # anywhere from the first handshake to the last answer
            await program.kill()
            opened.cancel()  # whose link was opening waits for nobody
            await asyncio.wait([opened])
            await program.start()
            town = Town(*where)  # it shows a new leaf
        await asyncio.gather(*(_come(town, pair) for pair in pairs))
        async with asyncio.timeout(60):
            await asyncio.gather(*(_all_is_there(pair) for pair in pairs))
        assert sum(len(pair.got) for pair in pairs) == ROUNDS * PAIRS * EACH
        assert [(pair.doubles, pair.refused, pair.forgotten) for pair in pairs] == [(0, 0, 0)] * PAIRS
    finally:
        await program.kill()


def _write(town: Town, pair: Pair) -> None:
    for _ in range(EACH):
        raw, id_ = _envelope(town, pair.recipient)
        pair.sent.append(raw)
        pair.ids.append(id_)


def _envelope(town: Town, to: Inhabitant) -> tuple[bytes, bytes]:
    raw = town.envelope(to, body=600, sealed=250)
    return raw, Envelope.FromString(raw).id


async def _come(town: Town, pair: Pair) -> None:
    """Open both links and send whatever the homeserver does not have."""
    for link in pair.links:
        link.close()
    reading = LoadLink()

    def pushed(frame: LinkDown) -> None:
        pair.pushed(reading, frame)

    reading = await town.reading(pair.recipient.device, pushed)
    writing, last = await town.writing(pair.sender)
    pair.forgotten += max(0, pair.confirmed - last)
    pair.links = [reading, writing]
    pair.confirmed = last
    writing.on_frame = pair.committed
    for number in range(last + 1, len(pair.sent) + 1):
        writing.send(send_frame(number, pair.sent[number - 1], 1))


async def _all_is_there(pair: Pair) -> None:
    while pair.confirmed < len(pair.sent) or set(pair.ids[: pair.confirmed]) - set(pair.got):
        pair.moved.clear()
        await pair.moved.wait()
