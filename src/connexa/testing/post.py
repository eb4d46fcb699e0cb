"""Devices of several people with an adversarial post between them, in place of links and homeservers: fast, and repeated by a seed.

    await found_people(folder, "alice", "bob", devices=3)
    post = await Post.open(folder, another_folder, seed=7)
    alice, *_ = post.devices
    await alice.say("bob@a.example", "hello")
    await post.settle()

Every device is the node's own code on its own database file: what it says goes through the outbox, the sealing and the streams, what it
gets through the inbox, and its chores are the node's. Questions are answered by an honest `Desk`. What becomes of an accepted envelope on
its way to each device is the test's to say: it lies in `mail` and is delivered, lost, doubled or kept for later. A device can be killed at
any commit, restarted, and put back to an older copy of its file.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

from connexa.content import Text
from connexa.discovery import DiscoverySettings, Resolver
from connexa.identity import DeviceId
from connexa.node.account import Account, load_account, sender_certificate
from connexa.node.asks import next_ask
from connexa.node.delivery import Delivery
from connexa.node.digests import compare
from connexa.node.domains import Domains
from connexa.node.events import EventLog
from connexa.node.history import answer_history, ask_for_history, history_owed
from connexa.node.home import Home
from connexa.node.inbox import take_push
from connexa.node.link import MailboxLink
from connexa.node.link_frames import CommittedUpTo, PushedItem, Refusal
from connexa.node.mender import mend
from connexa.node.outbox import people_waiting
from connexa.node.outcomes import settle_committed
from connexa.node.own_copies import (
    copies_waiting,
    has_other_devices,
    lacks_keys,
    messages_waiting,
    seal_own_copies,
    seal_own_messages,
    settle_own,
    unsent_own,
)
from connexa.node.receipts import send_receipts
from connexa.node.rollback import agree
from connexa.node.schema import MIGRATIONS
from connexa.node.sending import send_text
from connexa.node.settings import LimitSettings, NodeSettings, PrivacySettings
from connexa.node.streams import Stream, close_streams, enter, has_unsent, oldest_unsent, retire_stream, stream_to_open, unsent
from connexa.node.submit import SEALED_LIFE
from connexa.node.upkeep import Upkeep
from connexa.node.wakeups import Wakeups
from connexa.store import Execute
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import PushClass, Status
from connexa.wire.v1.message_pb2 import Envelope

from .clock import FakeClock
from .desk import Desk, DeskSubmitter, Shop
from .inline import InlineWriter, open_inline
from .network import MemoryNetwork
from .randomness import SeededRandom
from .world import World

__all__ = ["Post", "PostDevice", "Said", "found_people"]

STORE_KEY = bytes(32)
DOMAIN = "a.example"
BATCH = 64
UPKEEP_EVERY = 3_600.0
IDLE = 60.0
MEND_EVERY = 300.0  # and whenever something is due
PATIENCE = 600.0  # seconds by which the clock moves on when nothing else does
_CLASSES = {"token": PushClass.PUSH_CONTACT, "own": PushClass.PUSH_OWN}


async def found_people(folder: Path, *names: str, devices: int = 1, seed: int = 0) -> None:
    """Make people with devices, all of them contacts of each other, on a real homeserver; leaves their stores in the folder."""
    async with World.open(folder, domains=(DOMAIN,), seed=seed) as world:
        people = [await world.person(f"{name}@{DOMAIN}", devices=devices) for name in names]
        for place, asking in enumerate(people):
            for asked in people[:place]:
                await world.befriend(asking[0], asked[0])
        for owner in people:
            for device in owner:
                for other in people:
                    if other is not owner:
                        await device.until_contact(other[0].address)


@dataclass(frozen=True, slots=True, order=True)
class Said:
    """An entry as all devices must agree on it."""

    sender: bytes  # user id
    device: bytes
    counter: int
    message: bytes
    text: str


class PostDevice:
    """One device: the node's parts without links, called by the test in the place of its tasks."""

    def __init__(self, post: Post, name: str, rng: SeededRandom) -> None:
        self._post = post
        self._rng = rng
        self.name = name
        self.address = f"{name.partition('-')[0]}@{DOMAIN}"
        self.path = post.folder / name / "node.db"
        self.revoked = False
        self.open()
        self.id = self.account.device

    def open(self) -> None:
        """Start the program on its store."""
        self.database = open_inline(self.path, STORE_KEY, MIGRATIONS)
        self.writer = InlineWriter(self.database)
        clock, discovery = self._post.clock, DiscoverySettings(file=self._post.folder / "discovery.toml", dns=False, well_known=False)
        privacy, limits = PrivacySettings(receipt_delay=0.0, own_copies_mean=0.0), LimitSettings(events_kept=1_000)
        settings = NodeSettings(discovery=discovery, privacy=privacy, limits=limits, device_name=self.name)
        events = EventLog(self.database, settings.limits.events_kept)
        domains = Domains(self.database, self.writer, events, Resolver(discovery, clock=clock), clock)
        dialer = MemoryNetwork().dialer(self.name)
        self.home = Home(settings, self.database, self.writer, events, clock, self._rng, dialer, domains)
        self.account: Account = load_account(self.database.read, 1)
        self._desk = Desk(self._post.shop, self.account)
        self._delivery = Delivery(self.home, self.account, Wakeups())
        self._delivery.submitter = DeskSubmitter(self._desk, self.account)
        self._stream: Stream | None = None
        self._upkeep_due = self._mend_due = self._used = 0.0
        self._logged_in = False

    def close(self) -> None:
        """End the program, in order or not: the store is the same."""
        self.database.close()

    def restart(self) -> None:
        """End the program and start it again."""
        self.close()
        self.open()

    def copy_store(self, to: Path) -> None:
        """Copy the database file as a careless backup does."""
        self.database.writer_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        shutil.copyfile(self.path, to)

    def put_back(self, copy: Path) -> None:
        """Start from an older copy of the file: a rollback that nobody announces."""
        self.close()
        for leftover in self.path.parent.glob("node.db-*"):
            leftover.unlink()
        shutil.copyfile(copy, self.path)
        self.open()

    # ---- what its owner does and sees

    async def say(self, to: str, text: str) -> bytes:
        """Say something; returns the id of the message once it is durable."""
        message = self._rng(16)

        def store(execute: Execute) -> None:
            _, person = send_text(execute, self.home, self.account, to, Text(text), message)
            self._delivery.seal_at_once(execute, person)

        await self.home.change(store)
        return message

    def entries(self) -> list[Said]:
        """Everything in its log, by who said it and in which order: whatever arrived first."""
        sql = "SELECT sender, device, counter, message, text FROM message WHERE hidden = 0 ORDER BY sender, device, counter, message"
        return [Said(*row) for row in self.database.read(sql)]

    def missing(self) -> int:
        """Entries that it knows of and waits for."""
        return int(self.database.read("SELECT count(*) FROM counter_gap")[0][0])

    def unopened(self) -> int:
        """Messages of devices that it knows which it could not open and that were not made good since."""
        return int(self.database.read("SELECT coalesce(sum(unopened), 0) FROM ask")[0][0])

    # ---- what its tasks do

    async def take(self, items: Sequence[PushedItem]) -> None:
        """Take one push frame."""
        if items:
            await self.home.change(lambda execute: take_push(execute, self.home, self.account, items))
            self._post.acked[self.id] = max(self._post.acked.get(self.id, 0), max(item.seq for item in items))

    async def work(self) -> None:
        """Do everything that is due now: log in, chores, receipts, requests, what own devices are told, and the outbox."""
        home, account = self.home, self.account
        await self._log_in()
        if home.clock() >= self._upkeep_due:
            await self._upkeep().run_all()
            self._upkeep_due = home.clock() + UPKEEP_EVERY
        await home.change(lambda execute: send_receipts(execute, account.id, home.clock(), home.rng))
        due = next_ask(self.database.read, account.id, home.clock())
        if home.clock() >= min(self._mend_due, self._mend_due if due is None else due):
            await home.change(lambda execute: mend(execute, home, account))
            self._mend_due = home.clock() + MEND_EVERY
        await self._tell_own_devices()
        await self.send_out()

    async def _log_in(self) -> None:
        if self._logged_in:
            return
        home, account, acked, last = self.home, self.account, self._post.acked.get(self.id, 0), self._post.last(self.id)
        await home.change(lambda execute: close_streams(execute, account.id, home.clock()))
        await home.change(lambda execute: agree(execute, home, account, acked, last))
        await home.change(lambda execute: settle_own(execute, account, CommittedUpTo(last, ())))
        self._logged_in = True

    async def send_out(self) -> None:
        """Seal what waits and hand over what is sealed."""
        await self._log_in()
        if self.home.clock() > self._used + IDLE:
            self._stream = None  # the link was closed meanwhile
        self._used = self.home.clock()
        while True:
            for person in people_waiting(self.database.read, self.account.id):
                await self._delivery.serve(person)
            if not has_unsent(self.database.read, self.account.id) or not await self._hand_over():
                return

    async def _hand_over(self) -> bool:
        read, account = self.database.read, self.account
        batch = unsent(read, self._stream.id, 0, BATCH) if self._stream else []
        if not batch:
            now = self.home.clock()
            stream = await self.home.change(lambda execute: stream_to_open(execute, account.id, now))
            if stream is None:
                self._upkeep_due = 0.0
                return False
            last = self._post.last(stream.name)
            if not await self.home.change(lambda execute: enter(execute, stream, last)):
                return True  # an older copy of the store was put back: another pass is taken
            self._stream = stream
            await self._settle(stream, last, [])
            if oldest_unsent(read, stream.id) < now - SEALED_LIFE:
                await self.home.change(lambda execute: retire_stream(execute, stream.id, now))
                return True  # they are sealed anew
            batch = unsent(read, stream.id, 0, BATCH)
        if batch and self._stream:
            refused = self._post.accept(self._stream.name, batch, None)
            await self._settle(self._stream, batch[-1][0], refused)
        return True

    async def _settle(self, stream: Stream, up_to: int, refused: Iterable[Refusal]) -> None:
        now = self.home.clock()
        settled = await self.home.change(
            lambda execute: settle_committed(execute, self.home.events, self.account, stream.id, up_to, refused, now)
        )
        self._delivery.settled(settled)

    def _upkeep(self) -> Upkeep:
        self._desk.renew()
        return Upkeep(self.home, self.account, cast(MailboxLink, self._desk))  # it is asked the same questions

    async def _tell_own_devices(self) -> None:
        home, account, read = self.home, self.account, self.database.read
        await home.change(lambda execute: ask_for_history(execute, home, account))
        await home.change(lambda execute: compare(execute, home, account))
        if copies_waiting(read, account.id) or lacks_keys(read, account.id, home.clock()):
            await self._seal_own(seal_own_copies)
        if messages_waiting(read, account.id):
            await self._seal_own(seal_own_messages)
        if history_owed(read, account.id):
            await self._seal_own(answer_history)
        last = self._post.last(self.id)
        while batch := unsent_own(read, account.id, last, BATCH):
            refused, last = self._post.accept(self.id, batch, self.id), batch[-1][0]
            committed = CommittedUpTo(last, tuple(refused))
            await home.change(lambda execute, up_to=committed: settle_own(execute, account, up_to))  # type: ignore[misc]

    async def _seal_own(self, seal: Callable[[Execute, Home, Account, Signed], int]) -> None:
        home, account, read = self.home, self.account, self.database.read
        sender = sender_certificate(read, account.id, home.clock())
        if sender is None or not has_other_devices(read, account.id):
            return
        await self._upkeep().own_sessions()
        while await home.change(lambda execute: seal(execute, home, account, sender)):
            pass


@dataclass(slots=True)
class Post:
    """The office: it accepts each numbered envelope once, and keeps a copy for each device until the test delivers or loses it."""

    folder: Path
    clock: FakeClock
    shop: Shop
    mail: dict[DeviceId, list[PushedItem]] = field(default_factory=dict)
    devices: list[PostDevice] = field(default_factory=list)
    acked: dict[DeviceId, int] = field(default_factory=dict)  # the highest push that a device has confirmed
    accepted: int = 0
    _last: dict[bytes, int] = field(default_factory=dict)
    _seq: int = 1 << 32  # behind everything that the homeserver has pushed

    @classmethod
    async def open(cls, founded: Path, folder: Path, *, seed: int = 0) -> Self:
        """Begin with a copy of what `found_people` has left."""
        shutil.copytree(founded, folder, dirs_exist_ok=True)
        clock, rng = FakeClock(FakeClock()() + 3_600), SeededRandom(f"post {seed}")
        post = cls(folder, clock, await Shop.open(folder / DOMAIN / "server.db", DOMAIN, clock, rng.fork("shop")))
        for path in sorted(folder.glob("*/node.db")):
            device = PostDevice(post, path.parent.name, rng.fork(path.parent.name))
            post.devices.append(device)
            post.mail[device.id] = []
        return post

    def close(self) -> None:
        """End everything."""
        for device in self.devices:
            device.close()
        self.shop.close()

    def last(self, stream: bytes) -> int:
        """The highest number of a stream that was accepted or refused."""
        return self._last.get(stream, 0)

    def accept(self, stream: bytes, batch: Iterable[tuple[int, bytes]], sender: DeviceId | None) -> list[Refusal]:
        """Take numbered envelopes; returns what was refused of them."""
        refused = []
        for number, raw in batch:
            if number <= self.last(stream):
                continue  # it came again: our answer was lost
            status, envelope = self.shop.judge(raw, sender)
            self._last[stream] = number
            if status == Status.STATUS_ACCEPTED:
                self._put(envelope)
            else:
                refused.append(Refusal(number, status))
        return refused

    async def settle(self, until: Callable[[], bool] = lambda: True, *, hours: float = 72.0) -> None:
        """Be honest and let time pass until no device waits for anything and it is as the caller says, or the hours are over."""
        end = self.clock() + hours * 3_600
        while True:
            await self._deliver_all()
            calm = all(device.missing() == 0 and device.unopened() == 0 for device in self.devices)
            if (calm and until()) or self.clock() >= end:
                return
            self.clock.advance(PATIENCE)

    async def _deliver_all(self) -> None:
        while True:
            for device in self.devices:
                await device.work()
            if not any(self.mail[device.id] for device in self.devices):
                return
            for device in self.devices:
                await device.take(self.collect(device))

    def collect(self, device: PostDevice) -> list[PushedItem]:
        """Take everything out of a device's mail."""
        items, self.mail[device.id] = self.mail[device.id], []
        return items

    def _put(self, envelope: Envelope) -> None:
        self.accepted += 1
        kind = _CLASSES[envelope.WhichOneof("right") or ""]
        for packet in envelope.packets:
            self._seq += 1
            item = PushedItem(
                self._seq, int(self.clock()), kind, envelope.id, envelope.body, DeviceId(packet.device), packet.sek, packet.sealed
            )
            self.mail[item.device].append(item)  # type: ignore[index]  # a device id
