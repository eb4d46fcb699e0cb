"""One domain's homeserver: everything that it does, without sockets; listeners and federation bring it connections and calls.

Composed here and nowhere else. `open` reads or makes what must be there, `run` is its background work; links come by `accept`, other
homeservers by the methods of `federation.House`, administrators by the methods at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeVar

import msgspec

from connexa.crypto import Ed25519Secret, Rng
from connexa.crypto.x509 import Leaf
from connexa.discovery import OnEvent, PinBook, Resolver
from connexa.errors import ConnexaError, RefusedError
from connexa.homeserver.accounts import AccountView, all_accounts, create_account_invite, delete_account, reset_account
from connexa.homeserver.audit import PROGRAM, note
from connexa.homeserver.certificates import Certificates
from connexa.homeserver.delivery import Delivery
from connexa.homeserver.directory import Directory
from connexa.homeserver.domain_key import DomainKeys, create_domain
from connexa.homeserver.doorkeeper import Doorkeeper
from connexa.homeserver.federation import Incoming, OutgoingQueue, QueueBounds, RemoteCaller, RemoteTable
from connexa.homeserver.groups.key_packages import packages_left
from connexa.homeserver.groups.service import GroupService
from connexa.homeserver.intake import Intake
from connexa.homeserver.limits import RateTable
from connexa.homeserver.link import Door, LinkConnection
from connexa.homeserver.link_pair import PairSlots
from connexa.homeserver.links import Links
from connexa.homeserver.loads import Loads
from connexa.homeserver.media import BlobStore, MediaService
from connexa.homeserver.metrics import Metrics
from connexa.homeserver.outcomes import Outcomes
from connexa.homeserver.passes import PassKeys
from connexa.homeserver.post import Post
from connexa.homeserver.prekeys import one_time_left
from connexa.homeserver.publication import Publication
from connexa.homeserver.sequence import Sequence as SeqNumbers
from connexa.homeserver.settings import LimitSettings, ServerSettings
from connexa.homeserver.shared import FencedWriter, SharedLoads, SharedPost, SharedSequence, Siblings
from connexa.homeserver.upkeep import Upkeep
from connexa.homeserver.usher import Usher
from connexa.identity import DeviceId, Domain, Endpoints, PinState, UserId, check_domain
from connexa.store import Execute, Store, Writer
from connexa.store.shared import SharedDatabase
from connexa.wire.transport import FrameSink
from connexa.wire.v1.federation_pb2 import BatchAck, Item
from connexa.wire.v1.groups_pb2 import GroupNews, GroupNewsReply, GroupReply, GroupRequest
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import (
    ClaimKeyPackages,
    ClaimReply,
    ClaimRequest,
    DomainReply,
    GetDomain,
    KeyPackagesReply,
    LookupReply,
    LookupRequest,
    Notice,
)

__all__ = ["Homeserver"]

T = TypeVar("T")

TICK_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = 5.0
LOOK_UPS_AT_ONCE: Final = 32


class Homeserver:
    """One domain, one process."""

    def __init__(
        self,
        settings: ServerSettings,
        database: Store,
        writer: Writer,
        sequence: SeqNumbers,
        keys: DomainKeys,
        *,
        clock: Callable[[], float],
        rng: Rng,
        resolver: Resolver,
        remotes: RemoteCaller,
        on_pin: OnEvent | None = None,
        blobs: BlobStore | None = None,
    ) -> None:
        limits = msgspec.structs.replace(settings.limits)  # ours alone: what is reloaded is written into it
        settings = msgspec.structs.replace(settings, limits=limits)
        self.settings = settings
        self.blocked = set(settings.blocked())
        self.database = database
        self.writer = writer
        self.sequence = sequence
        self.clock = clock
        self.rng = rng
        self.remotes = remotes
        self.metrics = Metrics()
        self.pass_keys = PassKeys(database, writer, rng)
        self.publication = Publication(settings, keys, self.pass_keys, clock, media=blobs is not None)
        self.media = MediaService(blobs, database, writer, self.pass_keys, limits, clock) if blobs is not None else None
        self.certificates = Certificates(keys.domain, clock, rng)
        self.links = Links()
        self.intake = Intake(limits.uncommitted_bytes, self.metrics)
        self.outcomes = Outcomes(clock)
        self.doors = Doorkeeper(database)
        loads = SharedLoads() if isinstance(database, SharedDatabase) else Loads(database)
        self.delivery = Delivery(settings, sequence, self.links, self.metrics, clock, doors=self.doors, loads=loads, blocked=self.blocked)
        usher = Usher(keys.domain, limits, sequence, self.links, doors=self.doors, loads=loads)
        self.post = (
            SharedPost(usher, loads, self.links, self.metrics, writer.kick, self.doors)
            if isinstance(loads, SharedLoads)
            else Post(usher, loads, self.links, self.metrics, writer.kick)
        )
        writer.carry(self.post)
        self.directory = Directory(writer, self.delivery, limits, self._tell_low, self._tell_few_packages)
        self.pairs = PairSlots(limits.pair_seconds)
        # By stream, not by link: who comes back by another link goes on where they were.
        self.send_rates: RateTable[bytes] = RateTable(lambda: limits.send_per_second, seconds=1, burst=lambda: limits.send_burst)
        self.lookup_rates: RateTable[bytes] = RateTable(lambda: limits.lookups_per_minute, seconds=60)
        self.package_uploads: RateTable[DeviceId] = RateTable(lambda: limits.key_packages_per_day, seconds=86_400)
        self.list_uploads: RateTable[UserId] = RateTable(lambda: limits.lists_per_day, seconds=86_400)
        self.remote_table = RemoteTable(database, writer)
        self.pins = PinBook(self.remote_table, resolver, clock=clock, on_event=on_pin)
        self.incoming = Incoming(keys.domain, database, writer, self.delivery, self.pins, clock=clock)
        me = rng(16) if isinstance(database, SharedDatabase) else b""
        steward = FencedWriter(writer, me) if me else writer
        self.queue = OutgoingQueue(database, steward, remotes, self.outcomes, clock=clock, rng=rng, bounds=_bounds(limits))
        self.groups = GroupService(self)
        self.door = Door(self)
        self._measure()
        self.upkeep = Upkeep(steward)
        self._look_ups = asyncio.Semaphore(LOOK_UPS_AT_ONCE)
        self._tasks: asyncio.TaskGroup | None = None
        self.siblings: Siblings | None = None
        if isinstance(database, SharedDatabase) and isinstance(loads, SharedLoads) and isinstance(sequence, SharedSequence):
            self.siblings = Siblings(self, database, sequence, loads, me)
            self.links.elsewhere, self.queue.elsewhere = self.siblings, self.siblings.queue

    def _measure(self) -> None:
        """What nobody counts along is asked for by whoever reads the metrics."""
        ask, metrics = self.metrics.ask, self.metrics
        ask(metrics.failing, lambda: float(self.writer.failure is not None))
        ask(metrics.draining, lambda: float(self.door.draining))
        ask(metrics.database, self.database.size)
        ask(metrics.queued, lambda: (self.database.first("SELECT bytes FROM queue_load WHERE domain = ''") or (0,))[0])

    @classmethod
    async def open(
        cls,
        settings: ServerSettings,
        database: Store,
        *,
        clock: Callable[[], float],
        rng: Rng,
        resolver: Resolver,
        remotes: RemoteCaller,
        on_pin: OnEvent | None = None,
        writes: Callable[[Store], Writer] = Writer,
        blobs: BlobStore | None = None,
    ) -> Homeserver:
        """Open the homeserver of `settings.domain`; its domain key is made at the first time.

        `writes` makes the store's writer; `blobs` keeps media, which is not taken without.
        """
        domain = check_domain(settings.domain)
        writer = writes(database)
        keys = await writer.run(lambda execute: create_domain(execute, domain, rng, clock()))
        sequence = SharedSequence(database) if isinstance(database, SharedDatabase) else await SeqNumbers.open(database, writer)
        house = cls(
            settings,
            database,
            writer,
            sequence,
            keys,
            clock=clock,
            rng=rng,
            resolver=resolver,
            remotes=remotes,
            on_pin=on_pin,
            blobs=blobs,
        )
        await house.pass_keys.ensure(clock())
        house.certificates.renew_if_due(keys.current)
        return house

    async def run(self) -> None:
        """Do the background work until cancelled: queues, expiry, renewal of leaf and pass keys, and answers that take a while."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                tasks.create_task(self.queue.run(self) if self.siblings is None else self.siblings.run(lambda: self.queue.run(self)))
                tasks.create_task(self.groups.courier.run())
                if self.media is not None:
                    tasks.create_task(self.media.run())
                while True:
                    await self.tick()
                    await asyncio.sleep(TICK_SECONDS)
            finally:
                self._tasks = None

    async def tick(self) -> None:
        """One round of upkeep."""
        now = self.clock()
        try:
            await self.pass_keys.ensure(now)
            if self.siblings is None or self.siblings.steward:
                self.metrics.expired.inc(await self.upkeep.sweep(now))
            self.groups.tick()
        except ConnexaError as error:  # a full disk, or no database: the writer says so too, and the next round tries again
            if not error.retryable:
                raise
        self.certificates.renew_if_due(self.domain_key)
        self.links.look_for_missed()

    async def drain(self) -> None:
        """Take nothing more, say what is committed of what was taken, and send the links away; bounded."""
        self.door.quiet()
        with contextlib.suppress(ConnexaError, TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.writer.run(lambda execute: None)  # behind everything that was taken
                await asyncio.sleep(0)  # what the commit has settled is said in the turn after it
        self.door.drain()

    async def close(self) -> None:
        """Tell the links, finish what the writer holds, and stop; the database stays the caller's to close."""
        self.door.drain()
        await self.writer.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run an answer beside everything else."""
        if self._tasks is None:
            work.close()
            raise ConnexaError("server.draining", "The homeserver is not running.", retryable=True)
        self._tasks.create_task(work)

    # ---- what it is

    @property
    def domain(self) -> Domain:
        """The domain that is served."""
        return self.publication.keys.domain

    @property
    def domain_keys(self) -> DomainKeys:
        """The domain's keys, the next one and the rotations included."""
        return self.publication.keys

    @property
    def domain_key(self) -> Ed25519Secret:
        """The key that signs."""
        return self.publication.keys.current

    @property
    def leaf(self) -> Leaf:
        """What every listener shows."""
        return self.certificates.leaf

    def server_info(self) -> Signed:
        """The domain's word about itself, fresh."""
        return self.publication.server_info()

    def publish(self, endpoints: Endpoints) -> None:
        """Say where the listeners really are, once they listen."""
        self.publication.endpoints = endpoints

    def adopt(self, settings: ServerSettings) -> None:
        """Go by other settings from now on: limits, who may register and blocked domains; links that are open keep their windows."""
        blocked = settings.blocked()
        self.settings.limits.adopt(settings.limits)
        self.settings = msgspec.structs.replace(settings, limits=self.settings.limits)
        self.blocked.clear()
        self.blocked.update(blocked)
        self.intake.most = settings.limits.uncommitted_bytes
        self.queue.bounds = _bounds(settings.limits)
        self.pairs.seconds = settings.limits.pair_seconds
        self.publication.take(self.settings)

    def take_keys(self, keys: DomainKeys) -> None:
        """Go on with other domain keys, announced or rotated."""
        self.publication.keys = keys
        self.certificates.renew_if_due(keys.current, force=True)

    # ---- links

    def accept(self, sink: FrameSink) -> LinkConnection:
        """Take over a connection (`LinkAcceptor`)."""
        return self.door.accept(sink)

    def is_blocked(self, domain: str) -> bool:
        """Whether the administrator wants nothing to do with a domain."""
        return domain in self.blocked

    def tell_low(self, device: DeviceId) -> None:
        """Ask a device for more one-time prekeys, if it is here and needs them."""
        if (left := one_time_left(self.database.read, device, self.clock())) <= self.settings.limits.prekeys_low:
            self._tell_low(device, left)

    def tell_few_packages(self, device: DeviceId) -> None:
        """Ask a device for more key packages, if it is here and needs them."""
        if (left := packages_left(self.database.read, device, self.clock())) <= self.settings.limits.key_packages_low:
            self._tell_few_packages(device, left)

    def _tell_low(self, device: DeviceId, left: int) -> None:
        self.links.notify_device(device, Notice(code="prekeys.low", number=left))

    def _tell_few_packages(self, device: DeviceId, left: int) -> None:
        self.links.notify_device(device, Notice(code="key_packages.low", number=left))

    def heard_from(self, domain: Domain) -> None:
        """Another homeserver called: what waits for it may go now."""
        self.queue.heard_from(domain)
        self.groups.courier.heard_from(domain)

    async def domain_reply(self, asked: GetDomain) -> DomainReply:
        """What is known of a domain: one of the two channels by which nodes pin it (first-message §8)."""
        domain = check_domain(asked.domain)
        if domain == self.domain:
            return DomainReply(server_info=self.server_info(), pinned=True)
        if self.is_blocked(domain):
            raise RefusedError("domain.blocked", "This homeserver has nothing to do with that domain.")
        if self._look_ups.locked():
            raise RefusedError("rate.limited", "Too many domains are being looked up now.", retryable=True)
        async with self._look_ups:
            remote = await self.pins.find(domain)
        reply = DomainReply(pinned=remote.state is PinState.PINNED and remote.server_info is not None)
        if remote.signed_info is not None:
            reply.server_info.CopyFrom(remote.signed_info)
        return reply

    # ---- other homeservers (federation.House); `domain` was authenticated by its pin

    def committed(self, domain: Domain, stream: bytes) -> int:
        """The highest committed number of a remote's stream."""
        return self.incoming.committed(domain, stream)

    async def take_batch(self, domain: Domain, stream: bytes, first: int, items: Sequence[Item]) -> BatchAck:
        """Store a batch; returns when it is durable."""
        return await self.incoming.take_batch(domain, stream, first, items)

    async def lookup_from(self, domain: Domain, request: LookupRequest) -> LookupReply:
        """Answer a remote's look-up."""
        return await self.directory.lookup(request, self.clock(), domain)

    async def claim_from(self, domain: Domain, request: ClaimRequest) -> ClaimReply:
        """Answer a remote's claim."""
        return await self.directory.claim(request, self.clock(), domain)

    async def claim_packages_from(self, domain: Domain, request: ClaimKeyPackages) -> KeyPackagesReply:
        """Answer a remote's claim of key packages."""
        return await self.directory.claim_key_packages(request, self.clock(), domain.encode(), domain)

    async def group_from(self, domain: Domain, request: GroupRequest) -> GroupReply:
        """Answer a remote as the hub of a group."""
        return await self.groups.answer(domain, request)

    async def news_from(self, domain: Domain, news: GroupNews) -> GroupNewsReply:
        """Take what a remote hub tells."""
        return await self.groups.take_news(domain, news)

    # ---- administrators

    async def administer(self, work: Callable[[Execute], T], who: str, act: str, about: str = "") -> T:
        """Run an administrator's operation and write it down, in one transaction; what was refused was not done."""
        now = self.clock()

        def audited(execute: Execute) -> T:
            result = work(execute)
            note(execute, now, who, act, about)
            return result

        return await self.writer.run(audited)

    async def create_account_invite(self, uses: int, days: float, admin: bool = False, *, who: str = PROGRAM) -> str:
        """Make an invite to register; returns its secret, which is not kept."""
        now = self.clock()
        return await self.administer(
            lambda execute: create_account_invite(execute, self.rng, uses=uses, days=days, admin=admin, now=now), who, "invite.created"
        )

    def list_users(self) -> list[AccountView]:
        """Every account."""
        return list(all_accounts(self.database.read))

    async def delete_user(self, localpart: str, *, who: str = PROGRAM) -> None:
        """Delete an account and end its links."""
        now = self.clock()
        _, devices = await self.administer(lambda execute: delete_account(execute, localpart, now), who, "user.deleted", localpart)
        self.links.expel(devices)

    async def reset_user(self, localpart: str, *, who: str = PROGRAM) -> str:
        """Let a person who lost their key begin anew at their address; returns the secret of the invite for it."""
        now = self.clock()
        invite, devices = await self.administer(
            lambda execute: reset_account(execute, self.rng, localpart, now), who, "user.reset", localpart
        )
        self.links.expel(devices)
        return invite


def _bounds(limits: LimitSettings) -> QueueBounds:
    return QueueBounds(limits.queue_domain_bytes, limits.queue_bytes)
