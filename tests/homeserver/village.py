"""One homeserver in memory and the people on it, with clients that speak frames and nothing else.

The clients are small on purpose: they can send what no node would. Envelopes carry random bytes where a real one has ciphertext, since a
homeserver cannot tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from google.protobuf.message import Message

from connexa.crypto import Ed25519Secret, Kind, Rng, X25519Secret, hmac_sha256, sha256
from connexa.crypto.voprf import VoprfPublic, blind_batch, finalize_batch
from connexa.discovery import DiscoverySettings, Resolver
from connexa.errors import NetworkError
from connexa.homeserver import Homeserver, ServerSettings
from connexa.homeserver.media import BlobStore
from connexa.homeserver.schema import MIGRATIONS
from connexa.homeserver.settings import LimitSettings
from connexa.identity import (
    DeviceCertificate,
    DeviceId,
    Domain,
    UserSecret,
    issue_device_certificate,
    next_device_list,
    read_server_info,
)
from connexa.pairwise import (
    PrekeyOwner,
    make_last_resort,
    make_one_time,
    make_seal_key,
    make_signed_prekey,
    packets_hash,
    right_proof,
    week_of,
    weekly_key,
)
from connexa.store import Store, open_database
from connexa.store.shared import open_shared
from connexa.testing import FakeClock, MemoryNetwork, SeededRandom
from connexa.wire import MAX_FRAME, OURS, VersionRange, account_statement, login_statement, parse, pass_statement
from connexa.wire.transport import FrameChannel, LinkClosed
from connexa.wire.v1.federation_pb2 import Item
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import (
    AckUp,
    Call,
    IssuePasses,
    LinkDown,
    LinkHello,
    LinkUp,
    Login,
    Mode,
    NumberedEnvelope,
    PairOpen,
    PassShow,
    Push,
    PutPrekeys,
    PutTokenKeys,
    Ready,
    Register,
    Reply,
    Resume,
    Send,
    Status,
    TokenKey,
)
from connexa.wire.v1.message_pb2 import Envelope, InviteProof, Own, Packet, Step

DOMAIN = Domain("b.example")
SECONDS = 10.0
BODY = 272
SEALED = 2_160


def commit_by(store: Store, first: Callable[[], None] | None = None) -> None:
    """From now on `first` happens before each COMMIT, on its thread: it may wait, or fail; without it all is as it was."""
    vars(store).pop("transaction_commit", None)
    commit = store.transaction_commit

    def committing() -> None:
        if first is not None:
            first()
        commit()

    store.transaction_commit = committing  # type: ignore[method-assign]


STORE: ContextVar[str] = ContextVar("STORE", default="")
"""Where the next village keeps its state: a PostgreSQL, or beside it in a file."""


def open_store(path: Path) -> Store:
    return open_shared(url, MIGRATIONS) if (url := STORE.get()) else open_database(path / "server.db", bytes(32), MIGRATIONS)


class NoRemotes:
    """A way out that leads nowhere."""

    def deliver(self, domain: Domain) -> Any:
        raise NetworkError("remote.unreachable", "There is no way out.")

    async def lookup(self, domain: Domain, request: Message) -> Any:
        raise NetworkError("remote.unreachable", "There is no way out.")

    async def claim(self, domain: Domain, request: Message) -> Any:
        raise NetworkError("remote.unreachable", "There is no way out.")

    claim_packages = group = news = claim


class Client:
    """One connection of a node."""

    def __init__(self, channel: FrameChannel) -> None:
        self.channel = channel
        self.seen: list[LinkDown] = []
        self.ready: Ready | None = None
        self._call = 0

    def say(self, **frame: Any) -> None:
        self.channel.send(LinkUp(**frame).SerializeToString())

    async def next(self) -> LinkDown:
        """The next frame, whatever it is."""
        async with asyncio.timeout(SECONDS):
            frame = parse(LinkDown, await self.channel.receive(), MAX_FRAME)
        self.seen.append(frame)
        return frame

    async def expect(self, name: str) -> Any:
        """The next frame of that name; notices in between, and outcomes and hints before a reply, are kept in `seen`."""
        passing = ("notice", "outcome", "hints") if name == "reply" else ("notice",)
        while (frame := await self.next()).WhichOneof("frame") != name:
            assert frame.WhichOneof("frame") in passing, f"{frame.WhichOneof('frame')} came instead of {name}: {frame}"
        return getattr(frame, name)

    async def greet(self, mode: Mode) -> Any:
        self.say(hello=LinkHello(min=OURS.min, max=OURS.max, mode=mode))
        return await self.expect("challenge")

    async def closed(self) -> tuple[int, str]:
        """Wait for the end: its close code and the code of the last notice."""
        notice = ""
        try:
            while True:
                frame = await self.next()
                notice = frame.notice.code if frame.WhichOneof("frame") == "notice" else notice
        except LinkClosed as closed:
            return closed.close_code, notice

    async def call(self, **question: Message) -> Any:
        """Ask; returns the answer, or the failure."""
        self._call += 1
        call = Call(id=self._call)
        for name, value in question.items():
            getattr(call, name).CopyFrom(value)
            getattr(call, name).SetInParent()
        self.say(call=call)
        reply: Reply = await self.expect("reply")
        assert reply.id == self._call
        return getattr(reply, reply.WhichOneof("reply") or "")

    def send(self, *envelopes: tuple[int, bytes]) -> None:
        self.say(send=Send(envelopes=[NumberedEnvelope(number=number, envelope=raw) for number, raw in envelopes]))

    async def committed(self, up_to: int) -> dict[int, Status]:
        """Wait until everything up to a number is committed; returns what was refused."""
        refused: dict[int, Status] = {}
        while True:
            committed = await self.expect("committed")
            refused |= {r.number: r.status for r in committed.refused}
            if committed.up_to >= up_to:
                return refused

    async def pushes(self, count: int) -> list[Any]:
        """Wait for that many pushed items."""
        items: list[Any] = []
        while len(items) < count:
            push: Push = await self.expect("push")
            items += push.items
        assert len(items) == count
        return items

    def ack(self, *seqs: int) -> None:
        self.say(ack=AckUp(seqs=seqs))

    async def quiet(self) -> None:
        """Everything said before this is committed, and nothing was pushed meanwhile."""
        await self.call(put_token_keys=PutTokenKeys())

    def close(self) -> None:
        self.channel.close()


@dataclass
class Device:
    """A device with its keys."""

    owner: Person
    dsk: Ed25519Secret
    id: DeviceId
    certificate: Signed
    otps: int = 0
    last: int = 0

    @property
    def prekeys(self) -> PrekeyOwner:
        return PrekeyOwner(self.owner.user.id, self.id, self.dsk)

    def upload(self, now: float, rng: Rng, *, one_time: int = 3, weeks: int = 2) -> PutPrekeys:
        upload = PutPrekeys(spk=make_signed_prekey(self.prekeys, 1 + self.otps, now, rng)[0])
        upload.last_resort.CopyFrom(make_last_resort(self.prekeys, 1 + self.otps, now, rng)[0])
        for _ in range(one_time):
            self.otps += 1
            upload.one_time.append(make_one_time(self.prekeys, self.otps, now, rng)[0])
        upload.seks.extend(make_seal_key(self.prekeys, week_of(now) + ahead, rng)[0] for ahead in range(weeks))
        return upload


@dataclass
class Person:
    """Somebody with an account."""

    name: str
    user: UserSecret
    profile: bytes
    devices: list[Device] = field(default_factory=list)
    lists: list[Signed] = field(default_factory=list)
    attestation: Signed | None = None

    def add_device(self, rng: Rng, now: float) -> Device:
        dsk = Ed25519Secret.generate(rng)
        device = DeviceId(rng(32))
        certificate = issue_device_certificate(
            DeviceCertificate(self.user.id, device, dsk.public, X25519Secret.generate(rng).public, int(now) + 365 * 86_400), self.user
        )
        made = Device(self, dsk, device, certificate)
        self.devices.append(made)
        return made

    def next_list(self, now: float) -> Signed:
        made = next_device_list(self.lists[-1] if self.lists else None, self.user, [d.certificate for d in self.devices], now)
        self.lists.append(made)
        return made


@dataclass(frozen=True)
class Token:
    """A pass that was fetched."""

    key: int
    input: bytes
    output: bytes

    @property
    def stream(self) -> bytes:
        return sha256(self.input)[:16]


class Village:
    """A homeserver, its clock, and the way to it."""

    def __init__(self, house: Homeserver, clock: FakeClock, rng: SeededRandom) -> None:
        self.house = house
        self.clock = clock
        self.rng = rng
        self.network = MemoryNetwork()
        self.network.attach(DOMAIN, house, house.domain_key.public)
        self.people: dict[str, Person] = {}

    async def dial(self, source: str = "somewhere") -> Client:
        return Client(await self.network.dialer(source).dial(DOMAIN, "", [self.house.domain_key.public]))

    # ---- accounts

    def stranger(self, name: str) -> Person:
        return Person(name, UserSecret.generate(self.rng, self.clock()), self.rng(32))

    async def register(self, person: Person, invite: bytes | None = None, *, source: str = "") -> Client:
        """Ask for an account; the answer is for the caller to read."""
        if invite is None:
            invite = bytes.fromhex(await self.house.create_account_invite(1, 7))
        device = person.devices[0] if person.devices else person.add_device(self.rng, self.clock())
        first = person.lists[0] if person.lists else person.next_list(self.clock())
        return await self.apply(person, device.certificate, first, invite, source=source)

    async def apply(self, person: Person, certificate: Signed, devices: Signed, invite: bytes = b"", *, source: str = "") -> Client:
        """Show the user key with this certificate and list; empty ones ask what the homeserver has."""
        client = await self.dial(source or f"home of {person.name}")
        challenge = await client.greet(Mode.MODE_REGISTER)
        statement = account_statement(
            domain=DOMAIN,
            localpart=person.name,
            nonce=challenge.nonce,
            user=person.user.id,
            certificate_body=sha256(certificate.body),
            list_body=sha256(devices.body),
            certificate=client.channel.certificate_hash,
        )
        client.say(
            register=Register(
                invite=invite,
                localpart=person.name,
                user_key=person.user.public.packet,
                certificate=certificate,
                device_list=devices,
                signature=person.user.key.sign(Kind.ACCOUNT, statement),
            )
        )
        return client

    async def settle(self, name: str, devices: int = 1) -> Person:
        """Somebody with an account, devices with prekeys, and token keys."""
        person = self.stranger(name)
        client = await self.register(person)
        person.attestation = (await client.expect("registered")).attestation
        self.people[name] = person
        while len(person.devices) < devices:
            await self.link_device(person)
        for device in person.devices:
            client = await self.login(device)
            assert not isinstance(await client.call(put_prekeys=device.upload(self.clock(), self.rng)), str)
            client.close()
        client = await self.login(person.devices[0])
        await client.call(put_token_keys=self.token_keys(person))
        client.close()
        return person

    async def link_device(self, person: Person) -> Device:
        from connexa.wire.v1.link_pb2 import PutDeviceList

        client = await self.login(person.devices[0])
        added = person.add_device(self.rng, self.clock())
        reply = await client.call(
            put_device_list=PutDeviceList(device_list=person.next_list(self.clock()), certificates=[added.certificate])
        )
        assert reply.DESCRIPTOR.name == "Empty", reply
        client.close()
        return added

    def token_keys(self, person: Person, *, replace: bool = False) -> PutTokenKeys:
        week = week_of(self.clock())
        keys = [TokenKey(week=w, key=weekly_key(person.profile, w)) for w in range(week, week + 8)]
        return PutTokenKeys(keys=keys, replace=replace)

    # ---- links

    async def login(self, device: Device, *, resume: bool = False, window: int = 256) -> Client:
        client = await self.dial(f"home of {device.owner.name}")
        challenge = await client.greet(Mode.MODE_MAILBOX)
        client.say(login=self.login_frame(device, challenge.nonce, client.channel.certificate_hash))
        ready = await client.expect("ready")
        device.last = ready.last
        if resume:
            client.say(resume=Resume(last=0, window=window))
        return client

    def login_frame(
        self, device: Device, nonce: bytes, certificate: bytes, *, domain: str = DOMAIN, mode: int = Mode.MODE_MAILBOX
    ) -> Login:
        statement = login_statement(
            node=OURS,
            server=OURS,
            mode=mode,
            domain=domain,
            nonce=nonce,
            user=device.owner.user.id,
            device=device.id,
            certificate=certificate,
        )
        return Login(user=device.owner.user.id, device=device.id, signature=device.dsk.sign(Kind.LOGIN, statement))

    async def passes(self, person: Person, count: int, *, media: bool = False) -> list[Token]:
        client = await self.login(person.devices[0])
        batch = blind_batch([self.rng(32) for _ in range(count)], self.rng)
        reply = await client.call(issue_passes=IssuePasses(blinded=batch.elements, media=media))
        client.close()
        info = read_server_info(self.house.server_info(), domain=DOMAIN, now=self.clock())
        public = next(VoprfPublic(p.key) for p in (info.media_keys if media else info.pass_keys) if p.id == reply.key)
        outputs = finalize_batch(public, batch, reply.evaluated, reply.proof)
        return [Token(reply.key, i, o) for i, o in zip(batch.inputs, outputs, strict=True)]

    async def submit(self, token: Token, use: int = PassShow.STREAM, *, source: str = "anywhere") -> Client:
        """Open a submit link; `ready.last` is on the client."""
        client = await self.show(token, use, source=source)
        client.ready = await client.expect("ready")
        return client

    async def show(self, token: Token, use: int = PassShow.STREAM, *, source: str = "anywhere") -> Client:
        client = await self.dial(source)
        challenge = await client.greet(Mode.MODE_SUBMIT)
        statement = pass_statement(node=OURS, server=VersionRange(challenge.min, challenge.max), nonce=challenge.nonce)
        proof = hmac_sha256(token.output, b"connexa/pass/v1\0", statement)
        client.say(**{"pass": PassShow(key=token.key, input=token.input, proof=proof, use=use)})  # type: ignore[arg-type]
        return client

    async def pair(self, slot: bytes, source: str) -> Client:
        client = await self.dial(source)
        await client.greet(Mode.MODE_PAIR)
        client.say(pair=PairOpen(slot=slot))
        return client

    # ---- envelopes

    def envelope(
        self, to: Person, *, devices: list[DeviceId] | None = None, body: int = BODY, ttl: int = 86_400, **changes: Any
    ) -> Envelope:
        """An envelope for somebody, without its right."""
        now = self.clock()
        envelope = Envelope(version=1, id=self.rng(16), expires=int(now) + ttl, domain=DOMAIN, user=to.user.id, body=self.rng(body))
        for device in devices if devices is not None else [d.id for d in to.devices]:
            envelope.packets.append(Packet(device=device, sek=week_of(now), sealed=self.rng(SEALED)))
        for name, value in changes.items():
            setattr(envelope, name, value)
        return envelope

    def with_token(self, envelope: Envelope, profile: bytes, week: int | None = None) -> bytes:
        key = weekly_key(profile, week_of(self.clock()) if week is None else week)
        envelope.token = right_proof(key, envelope.id, envelope.user, sha256(envelope.body), packets_hash(envelope.packets))
        return envelope.SerializeToString()

    def with_invite(self, envelope: Envelope, invite: bytes, secret: bytes) -> bytes:
        proof = right_proof(secret, envelope.id, envelope.user, sha256(envelope.body), packets_hash(envelope.packets))
        envelope.invite.CopyFrom(InviteProof(id=invite, proof=proof))
        return envelope.SerializeToString()

    def with_step(self, envelope: Envelope, step: bytes) -> bytes:
        envelope.stranger.CopyFrom(Step(id=step))
        return envelope.SerializeToString()

    def own(self, sender: Device, **changes: Any) -> bytes:
        """An envelope to all other devices of the same person."""
        others = [d.id for d in sender.owner.devices if d is not sender]
        envelope = self.envelope(sender.owner, devices=others, **changes)
        envelope.own.CopyFrom(Own())
        return envelope.SerializeToString()

    def mail(self, to: Person, **changes: Any) -> bytes:
        """An envelope under the token of its recipient."""
        return self.with_token(self.envelope(to, **changes), to.profile)

    def item(self, raw: bytes) -> Item:
        return Item(envelope=raw, accepted_at=int(self.clock()))

    def rows(self, table: str = "mailbox") -> int:
        row = self.house.database.first(f"SELECT count(*) FROM {table}")
        return int(row[0]) if row else 0


def settings_with(**limits: Any) -> ServerSettings:
    """Settings for tests: strangers are answered at once unless a test asks otherwise."""
    chosen = {"answer_seconds": 0.0, "logins_per_minute": 1_000, "registrations_per_hour": 1_000, "passes_shown_per_minute": 1_000} | limits
    return ServerSettings(domain=DOMAIN, limits=LimitSettings(**chosen))


@asynccontextmanager
async def village(
    path: Path,
    settings: ServerSettings | None = None,
    *,
    clock: FakeClock | None = None,
    seed: str = "village",
    blobs: BlobStore | None = None,
) -> AsyncIterator[Village]:
    """A homeserver that runs, on a real database."""
    clock, rng = clock or FakeClock(), SeededRandom(seed)
    database = open_store(path)
    resolver = Resolver(DiscoverySettings(dns=False, well_known=False), clock=clock)
    house = await Homeserver.open(
        settings or settings_with(), database, clock=clock, rng=rng, resolver=resolver, remotes=NoRemotes(), blobs=blobs
    )
    running = asyncio.create_task(house.run())
    await asyncio.sleep(0)
    try:
        yield Village(house, clock, rng)
    finally:
        running.cancel()
        await asyncio.wait([running])
        await house.close()
        database.close()
        if not running.cancelled() and (error := running.exception()) is not None:
            raise error


def changed(settings: ServerSettings, **changes: Any) -> ServerSettings:
    return msgspec.structs.replace(settings, **changes)
