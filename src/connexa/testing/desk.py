"""An honest homeserver without links: it answers a device's questions with the homeserver's own rooms, and judges envelopes as it does.

What it does not do is carry: what becomes of an envelope that it accepts is up to the `Post`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from connexa.discovery import DiscoverySettings, Resolver
from connexa.errors import ConnexaError, RefusedError
from connexa.homeserver.devices import Login, keep_next_list, login_of, newest_list
from connexa.homeserver.domain_key import create_domain
from connexa.homeserver.doors import put_invite, put_token_keys
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.prekeys import check_upload, claim, keep_upload, prekey_status
from connexa.homeserver.rights import judge_envelope
from connexa.homeserver.schema import MIGRATIONS
from connexa.homeserver.sequence import Sequence
from connexa.homeserver.settings import LimitSettings, ServerSettings
from connexa.identity import DeviceId, Domain, SenderCertificate, issue_sender_certificate, sender_keys_hash
from connexa.node.account import Account
from connexa.node.submit import Submitter
from connexa.store import Execute
from connexa.wire import parse_envelope
from connexa.wire.v1 import link_pb2 as frames
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.message_pb2 import Envelope

from .clock import FakeClock
from .inline import InlineWriter, open_inline
from .network import MemoryNetwork
from .randomness import SeededRandom
from .remotes import MemoryRemotes

__all__ = ["Desk", "DeskSubmitter", "Shop"]

R = TypeVar("R", bound=Message)
T = TypeVar("T")
DAY = 86_400
POOL = 200
MOST_DEVICES = 8


class Shop:
    """The homeserver's rooms on the store that it left behind."""

    def __init__(self, house: Homeserver) -> None:
        self.house = house

    @classmethod
    async def open(cls, path: Path, domain: str, clock: FakeClock, rng: SeededRandom) -> Shop:
        """Open the store of a homeserver that is not running."""
        database = open_inline(path, bytes(32), MIGRATIONS)
        discovery = DiscoverySettings(dns=False, well_known=False)
        settings = ServerSettings(domain=domain, discovery=discovery, limits=LimitSettings(answer_seconds=0.0, media_segments=0))
        resolver, remotes = Resolver(discovery, clock=clock), MemoryRemotes(domain, MemoryNetwork(), {}, clock)
        writer = InlineWriter(database)
        sequence = await Sequence.open(database, writer)
        keys = await writer.run(lambda execute: create_domain(execute, Domain(domain), rng, clock()))
        return cls(Homeserver(settings, database, writer, sequence, keys, clock=clock, rng=rng, resolver=resolver, remotes=remotes))

    def close(self) -> None:
        """Close its store."""
        self.house.database.close()

    def judge(self, raw: bytes, sender: DeviceId | None) -> tuple[frames.Status, Envelope]:
        """What the homeserver says to an envelope; `sender` where it came by that device's own link, for the person's other devices."""
        query, now, envelope = self.house.database.read, self.house.clock(), parse_envelope(raw)
        status = frames.Status.STATUS_ACCEPTED
        door = self.house.doors.find(query, envelope.user)
        if sender is None:
            status = judge_envelope(query, envelope, door.resident if door else None, door.keys if door else {}, now)
        reachable = door.reachable(envelope.packets[0].sek) - {sender} if door else set[bytes]()
        if envelope.own.only:
            reachable &= {envelope.own.only}
        if status == frames.Status.STATUS_ACCEPTED and {packet.device for packet in envelope.packets} != reachable:
            status = frames.Status.STATUS_STALE_DEVICES
        return status, envelope


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a link begins with."""

    device_list: Signed
    server_info: Signed


class Desk:
    """Where one device asks, and what it has in the place of a mailbox link."""

    def __init__(self, shop: Shop, account: Account) -> None:
        self._house = shop.house
        self._account = account
        self.ended: ConnexaError | None = None
        self.renew()

    def renew(self) -> None:
        """Log in anew: what the homeserver says at once is fresh."""
        device_list = newest_list(self._house.database.read, self._account.user_id) or Signed()
        self.ready = _Ready(device_list, self._house.server_info())

    async def call(self, request: Message, answer: type[R], *, timeout: float = 0.0) -> R:
        """Answer a question at once, or raise what the homeserver would refuse it with."""
        del timeout
        reply = await self._answer(request)
        if not isinstance(reply, answer):
            raise AssertionError(f"{type(reply).__name__} is no {answer.__name__}")
        return answer.FromString(reply.SerializeToString())

    async def _answer(self, asked: Message) -> Message:
        house, now = self._house, self._house.clock()
        match asked:
            case frames.LookupRequest():
                return await house.directory.lookup(asked, now)
            case frames.ClaimRequest():
                return await house.directory.claim(asked, now)
            case frames.GetDomain():
                return await house.domain_reply(asked)
            case frames.IssuePasses():
                return await house.pass_keys.issue(self._login().user.id, asked.blinded, now, house.settings.limits.passes_per_day)
        return self._of_device(asked, self._login(), now)

    def _login(self) -> Login:
        login = login_of(self._house.database.read, self._account.user_id, self._account.device, self._house.clock())
        if login is None:
            raise RefusedError("login.refused", "This device is not in its person's list any more.")
        return login

    def _of_device(self, asked: Message, login: Login, now: float) -> Message:
        user, device = login.certificate.user, login.certificate.device
        match asked:
            case frames.GetOwnList():
                return newest_list(self._house.database.read, user) or Signed()
            case frames.PutDeviceList():
                self._change(lambda execute: keep_next_list(execute, login.user, asked.device_list, asked.certificates, now, MOST_DEVICES))
            case frames.PutPrekeys():
                checked = check_upload(asked, login.certificate, now, pool=POOL)
                self._change(lambda execute: keep_upload(execute, device, checked, pool=POOL, anew=asked.anew))
            case frames.PutTokenKeys():
                self._change(lambda execute: put_token_keys(execute, user, asked, now))
            case frames.PutInvite():
                self._change(lambda execute: put_invite(execute, user, asked, now, 64))
            case frames.PrekeyStatus():
                return prekey_status(self._house.database.read, device, now)
            case frames.GetSenderCertificate():
                return self._certify(login, now)
            case frames.OwnBundles():
                wanted = [one for one in asked.devices if one != device]
                bundles = self._change(lambda execute: claim(execute, user, wanted, now))
                return frames.BundlesReply(bundles=[bundle for _, bundle in bundles])
            case _:
                raise AssertionError(f"nobody answers {type(asked).__name__}")
        return frames.Empty()

    def _certify(self, login: Login, now: float) -> Signed:
        keys = sender_keys_hash(login.user.key, login.certificate.dsk)
        domain = Domain(self._account.address.domain)
        certificate = SenderCertificate(login.certificate.user, login.certificate.device, keys, domain, int(now) + DAY)
        return issue_sender_certificate(certificate, self._house.domain_key, now)

    def _change(self, operation: Callable[[Execute], T]) -> T:
        return self._house.writer.submit(operation).result()


class DeskSubmitter(Submitter):
    """What a device has in the place of its submit link; the post collects envelopes without being told."""

    def __init__(self, desk: Desk, account: Account) -> None:
        self._desk = desk
        self._account = account

    def wake(self) -> None:
        """Nothing sleeps."""

    async def call(self, request: Message, answer: type[R]) -> R:
        """Ask the desk."""
        return await self._desk.call(request, answer)
