"""Groups as homeservers see them: real MLS framing around random bytes, since a blind hub cannot tell, and members that hold tokens.

A `Band` is a group with the members that its test knows: it builds requests, and asks them through a member's own homeserver.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connexa.crypto import Ed25519Secret, sha256
from connexa.homeserver import Homeserver
from connexa.homeserver.settings import LimitSettings
from connexa.identity import Domain, GroupAdmins, KeyPackageProof, issue_admins, issue_key_package_proof, sign_take_over
from connexa.mls.credential import Credential
from connexa.mls.framing import MLSMessage, PrivateMessage
from connexa.mls.key_package import KeyPackage
from connexa.mls.nodes import Capabilities, HPKECiphertext, Lifetime
from connexa.mls.registry import ContentType
from connexa.mls.suite import get_suite
from connexa.mls.welcome import EncryptedGroupSecrets, Welcome
from connexa.testing import SeededRandom, World
from connexa.wire.v1.groups_pb2 import (
    GetGroupInfo,
    GroupAdd,
    GroupBundle,
    GroupCall,
    GroupCreate,
    GroupLeave,
    GroupLog,
    GroupMode,
    GroupPlace,
    GroupReply,
    GroupRequest,
    GroupSend,
    GroupState,
    GroupTakeOver,
    OfferedKeyPackage,
    TakeOver,
)
from tests.homeserver.village import Device

A, B, C = Domain("a.example"), Domain("b.example"), Domain("c.example")
BLIND = GroupMode.GROUP_MODE_BLIND
SUITE = get_suite(1)
DAY = 86_400


@asynccontextmanager
async def region(path: Path, **limits: Any) -> AsyncIterator[World]:
    """Three homeservers that know each other."""
    async with World.open(path, domains=(A, B, C), limits=LimitSettings(**limits)) as world:
        yield world


def house(world: World, domain: str) -> Homeserver:
    return world.houses[domain].server


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds that nobody announces."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 - nobody sets an event for it
            await asyncio.sleep(0.005)


def sealed_message(rng: SeededRandom, group: bytes, epoch: int, kind: ContentType, size: int = 64) -> bytes:
    """A PrivateMessage of which nothing but its head is real."""
    return MLSMessage(PrivateMessage(group, epoch, kind, b"", rng(28), rng(size))).encode()


def sealed_welcome(rng: SeededRandom, refs: list[bytes]) -> bytes:
    """A Welcome of which nothing but its shape is real."""
    entries = tuple(EncryptedGroupSecrets(ref, HPKECiphertext(rng(32), rng(80))) for ref in refs)
    return MLSMessage(Welcome(1, entries, rng(200))).encode()


@dataclass(frozen=True)
class Seat:
    """A member as it knows itself."""

    domain: str
    alias: bytes
    token: bytes

    @property
    def place(self) -> GroupPlace:
        return GroupPlace(domain=self.domain, alias=self.alias, token_hash=sha256(self.token))


@dataclass
class Band:
    """A group, its hub, and who is in it."""

    world: World
    hub: str
    id: bytes
    rng: SeededRandom
    epoch: int = 0
    term: int = 0
    seats: list[Seat] = field(default_factory=list)
    admins: list[Ed25519Secret] = field(default_factory=list)
    fallbacks: tuple[Domain, ...] = ()
    join_key: bytes = b""

    @classmethod
    async def found(cls, world: World, hub: str = A, *, seed: str = "band", fallbacks: tuple[Domain, ...] = (), admins: int = 1) -> Band:
        """A group with one member at its hub."""
        rng = SeededRandom(seed)
        band = cls(world, hub, rng(32), rng, admins=[Ed25519Secret.generate(rng) for _ in range(admins)], fallbacks=fallbacks)
        founder = band.seat(hub)
        reply = await band.ask(founder, create=band.creation(founder))
        assert reply.stored.epoch == 0, reply
        band.seats.append(founder)
        return band

    def seat(self, domain: str) -> Seat:
        return Seat(domain, self.rng(32), self.rng(32))

    def creation(self, founder: Seat, mode: GroupMode = BLIND) -> GroupCreate:
        first = GroupBundle(sealed=b"sealed 0", own=founder.place, join_hash=self.join_hash)
        first.admins.CopyFrom(issue_admins(self.admin_set(), self.admins[0]))
        return GroupCreate(mode=mode, first=first)

    def admin_set(self, version: int = 1) -> GroupAdmins:
        return GroupAdmins(self.id, version, tuple(key.public.raw for key in self.admins), self.fallbacks)

    @property
    def join_hash(self) -> bytes:
        return sha256(self.join_key) if self.join_key else b""

    # ---- requests

    async def ask(self, seat: Seat, *, hub: str | None = None, **request: Any) -> GroupReply:
        """Ask the hub through the member's homeserver."""
        return await self.send_request(seat.domain, GroupRequest(token=seat.token, **request), hub)

    async def send_request(self, through: str, request: GroupRequest, hub: str | None = None) -> GroupReply:
        request.group = request.group or self.id
        request.term = request.term or self.term
        return await house(self.world, through).groups.ask(b"p" * 16, GroupCall(hub=hub or self.hub, request=request))

    def bundle(self, *, add: list[Seat] | None = None, remove: list[Seat] | None = None, **changes: Any) -> GroupBundle:
        """A commit in the current epoch with what belongs to it."""
        commit = sealed_message(self.rng, self.id, self.epoch, ContentType.COMMIT)
        bundle = GroupBundle(epoch=self.epoch, commit=commit, sealed=b"sealed %d" % (self.epoch + 1), join_hash=self.join_hash)
        for seat in add or []:
            bundle.adds.append(GroupAdd(place=seat.place, ref=sha256(b"ref", seat.alias), extra=b"extra " + seat.alias[:4]))
        if add:
            bundle.welcome = sealed_welcome(self.rng, [entry.ref for entry in bundle.adds])
        bundle.removes.extend(seat.alias for seat in remove or [])
        for name, value in changes.items():
            if isinstance(value, (bytes, int)):
                setattr(bundle, name, value)
            else:
                getattr(bundle, name).CopyFrom(value)
        return bundle

    async def commit(self, seat: Seat | None = None, **changes: Any) -> int:
        """Commit, and know of it; returns its number in the log."""
        reply = await self.ask(seat or self.seats[0], commit=self.bundle(**changes))
        assert reply.WhichOneof("reply") == "stored", reply
        self.epoch = reply.stored.epoch
        self.seats += changes.get("add", [])
        for gone in changes.get("remove", []):
            self.seats.remove(gone)
        return reply.stored.seq

    def words(self, epoch: int | None = None, kind: ContentType = ContentType.APPLICATION, size: int = 64) -> GroupSend:
        at = self.epoch if epoch is None else epoch
        return GroupSend(epoch=at, id=self.rng(16), message=sealed_message(self.rng, self.id, at, kind, size))

    async def say(self, seat: Seat | None = None) -> int:
        reply = await self.ask(seat or self.seats[0], send=self.words())
        assert reply.WhichOneof("reply") == "stored", reply
        return reply.stored.seq

    async def log(self, seat: Seat | None = None, after: int = 0, limit: int = 256) -> Any:
        reply = await self.ask(seat or self.seats[0], log=GroupLog(after=after, limit=limit))
        return reply.page if reply.WhichOneof("reply") == "page" else reply.refused

    async def info(self, seat: Seat | None = None, offset: int = 0, epoch: int = 0) -> Any:
        reply = await self.ask(seat or self.seats[0], info=GetGroupInfo(offset=offset, epoch=epoch))
        return reply.info if reply.WhichOneof("reply") == "info" else reply.refused

    async def leave(self, seat: Seat) -> GroupReply:
        return await self.ask(seat, leave=GroupLeave())

    # ---- take-over

    def take_over(self, hub: str, *, signers: int | None = None, group_info: bytes = b"", **changes: Any) -> GroupTakeOver:
        """A record that this many admins have signed."""
        places = [seat.place for seat in self.seats]
        state = GroupState(places=places, join_hash=self.join_hash, group_info=group_info).SerializeToString()
        record = TakeOver(
            group=self.id,
            term=self.term + 1,
            hub=hub,
            old_hub=self.hub,
            mode=BLIND,
            epoch=self.epoch,
            tag=bytes(32),
            state=sha256(state),
        )
        for name, value in changes.items():
            setattr(record, name, value)
        body = record.SerializeToString()
        keys = self.admins[: len(self.admins) if signers is None else signers]
        signatures = [sign_take_over(body, key, self.world.clock()) for key in keys]
        return GroupTakeOver(body=body, signatures=signatures, state=state, sealed=b"sealed")

    async def show(self, hub: str, record: GroupTakeOver, through: str = B) -> GroupReply:
        return await self.send_request(through, GroupRequest(take_over=record), hub)


def key_package(rng: SeededRandom, now: float, *, last_resort: bool = False, days: float = 60) -> KeyPackage:
    """A key package that holds."""
    bundle = KeyPackage.generate(
        SUITE,
        Credential.basic(rng(16)),
        SUITE.generate_signature_key(rng),
        capabilities=Capabilities(cipher_suites=(1,), credentials=(1,)),
        lifetime=Lifetime(int(now) - 3_600, int(now + days * DAY)),
        rng=rng,
        last_resort=last_resort,
    )
    return bundle.key_package


def offered(owner: Device, rng: SeededRandom, now: float, *, last_resort: bool = False, **changes: Any) -> OfferedKeyPackage:
    """A device's key package with its proof; `changes` are made to the proof before it is signed."""
    package = key_package(rng, now, last_resort=last_resort)
    proof = KeyPackageProof(owner.owner.user.id, owner.id, package.ref(SUITE), rng(32), int(now + 60 * DAY))
    return OfferedKeyPackage(key_package=package.encode(), proof=issue_key_package_proof(replace(proof, **changes), owner.dsk))
