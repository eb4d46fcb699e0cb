"""P20: what servers see of two senders of one size class has the same form, and nowhere outside the seal stands who it is: not in the
packet, the envelope, the frames of the submit link, the keys of rate limits, the homeserver's tables for mail, or a log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connexa.node.account import Account, load_account
from connexa.testing import Device as Running
from connexa.testing import World
from connexa.wire.transport import FrameHandler, FrameSink, LinkAcceptor
from connexa.wire.v1.link_pb2 import LinkUp
from connexa.wire.v1.message_pb2 import Envelope
from tests.pairwise.tap import Tap
from tests.pairwise.world import Device

MESSAGE = bytes(range(256)) * 2 + bytes(29) + b"\x80"
MAIL_TABLES = ("body", "mailbox", "outcome", "spent_pass", "used_right", "queue", "queue_stream", "remote_stream")


def test_p20_packets_of_two_senders_have_the_same_form_and_name_nobody() -> None:
    alice, bob, carol = Device.make("a", 1), Device.make("b", 2), Device.make("c", 3)
    for initial in (b"", bytes(1_394)):
        packets = [device.seal_to(bob, initial, MESSAGE) for device in (alice, carol)]
        assert len({len(packet) for packet in packets}) == 1
        for device, packet in zip((alice, carol), packets, strict=True):
            for name in (device.user.id, device.id, device.domain.encode(), device.dsk.public.raw, device.dik.public.raw):
                assert name not in packet
    assert alice.seal_to(bob, b"", MESSAGE) != alice.seal_to(bob, b"", MESSAGE)


async def test_p20_envelopes_of_two_devices_have_the_same_form_and_name_nobody(two_people: Path, tmp_path: Path) -> None:
    post = await Tap.open(two_people, tmp_path, seed=20)
    try:
        await post.settle()
        alice, other = post.devices[0], post.devices[1]
        forms = []
        for device in (alice, other):
            post.raws.clear()
            await device.say("bob@a.example", "the same number of letters")
            await device.send_out()
            (raw,) = post.raws
            assert not _names(device.account, raw)
            forms.append(_form(Envelope.FromString(raw)))
        assert forms[0] == forms[1]
    finally:
        post.close()


def _form(envelope: Envelope) -> list[tuple[str, int]]:
    """The fields that are there, with their sizes, in order."""
    fields: list[tuple[str, int]] = [("all", envelope.ByteSize()), ("right", len(envelope.token)), ("body", len(envelope.body))]
    fields += [(name.name, 0) for name, _ in envelope.ListFields()]
    return fields + [(packet.device.hex(), len(packet.sealed)) for packet in envelope.packets]


def _names(account: Account, raw: bytes) -> list[bytes]:
    """What of somebody stands in these bytes."""
    keys = (account.user.key.raw, account.dsk.public.raw, account.dik.public.raw)
    spelled = (str(account.address).encode(), account.user_id.hex().encode(), account.device.hex().encode())
    names = (account.user_id, account.device, account.user.packet, account.certificate.body, *keys, *spelled)
    return [name for name in names if name in raw]


@dataclass
class Listener:
    """A homeserver's door that keeps every frame of every connection."""

    real: LinkAcceptor
    frames: list[list[bytes]] = field(default_factory=list)

    def accept(self, sink: FrameSink) -> FrameHandler:
        self.frames.append([])
        return Overheard(self.real.accept(sink), self.frames[-1])

    def submitted(self) -> Iterator[bytes]:
        """The frames of connections that a pass has opened."""
        for frames in self.frames:
            if any(LinkUp.FromString(frame).HasField("pass") for frame in frames):
                yield from frames


@dataclass
class Overheard:
    """One connection."""

    real: FrameHandler
    frames: list[bytes]

    def on_frame(self, frame: bytes) -> None:
        self.frames.append(bytes(frame))
        self.real.on_frame(frame)

    def on_drained(self) -> None:
        self.real.on_drained()

    def on_closed(self) -> None:
        self.real.on_closed()


async def test_p20_a_homeserver_learns_no_sender(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with World.open(tmp_path) as world:
        doors = {}
        for domain, house in world.houses.items():
            doors[domain] = Listener(house.server)
            world.network.attach(domain, doors[domain], house.server.domain_key.public)
        (alice,), (bob,) = await world.person("alice@a.example"), await world.person("bob@b.example")
        before = {domain: len(door.frames) for domain, door in doors.items()}
        await world.befriend(alice, bob)
        for number in range(5):
            await alice.node.send("", "bob@b.example", f"word {number}")
            await bob.until_text("alice@a.example", f"word {number}")
        accounts = [_account(tmp_path, device) for device in (alice, bob)]
        for sender, domain in zip(accounts, ("a.example", "b.example"), strict=True):
            doors[domain].frames = doors[domain].frames[before[domain] - 1 :]
            frames = list(doors[domain].submitted())
            assert frames
            assert not [name for frame in frames for name in _names(sender, frame)]
            server = world.houses[domain].server
            for house in world.houses.values():
                for table in MAIL_TABLES:
                    for row in house.server.database.read(f"SELECT * FROM {table}"):
                        assert _is_to(sender, row, table) or not _names(sender, b"".join(v for v in row if isinstance(v, bytes))), table
            passes = {row[0] for row in server.database.read("SELECT stream FROM spent_pass")}
            assert set(server.lookup_rates._buckets) <= passes
            assert set(server.send_rates._buckets) - {sender.device} <= passes
        said = "\n".join(record.getMessage() for record in caplog.records).encode()
        assert not [name for sender in accounts for name in _names(sender, said)]


def _account(folder: Path, device: Running) -> Account:
    return load_account(device.node._home.database.read, 1)


def _is_to(person: Account, row: tuple[object, ...], table: str) -> bool:
    """Whether a row is of mail to this person, or of a question about them: that may say so."""
    if table == "queue" and row[1] == person.address.domain:  # the envelope of an answer to them, on its way
        return True
    asked_about = isinstance(row[0], bytes) and row[0].startswith((b"lookup ", b"claim ", b"request ")) and row[0].endswith(person.user_id)
    return asked_about or person.device in row or person.user_id in row
