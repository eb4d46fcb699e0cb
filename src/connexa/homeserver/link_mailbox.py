"""A device's own mailbox link: pushes and acknowledgements, envelopes to the person's other devices, and the keeping of keys.

Implements the mode `mailbox` of first-message §1 and §4. Everything here is scoped to the device that logged in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import Message

from connexa.errors import ConnexaError, IntegrityError, RefusedError
from connexa.homeserver.devices import Login, keep_next_list, login_of, newest_list
from connexa.homeserver.doors import put_invite, put_token_keys, set_door
from connexa.homeserver.limits import Bucket
from connexa.homeserver.link_calls import Answer, Calls
from connexa.homeserver.link_groups import GROUP_ANSWERS
from connexa.homeserver.link_pushes import Fresh, Pushes
from connexa.homeserver.link_role import Connection, unexpected
from connexa.homeserver.link_sends import Effects, Sends
from connexa.homeserver.mailbox import Arrival, ack_up_to, page
from connexa.homeserver.post import Sender
from connexa.homeserver.prekeys import check_upload, claim, keep_upload, one_time_left, prekey_status
from connexa.homeserver.tables import first
from connexa.identity import DeviceId, SenderCertificate, issue_sender_certificate, read_device_list, sender_keys_hash
from connexa.store import Execute
from connexa.wire import DEVICE_SIZE, MAX_DEVICES, malformed, read_acks
from connexa.wire.v1.groups_pb2 import GroupHints
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import (
    BundlesReply,
    Empty,
    GetDomain,
    GetOwnList,
    GetSenderCertificate,
    IssuePasses,
    LinkUp,
    Notice,
    OwnBundles,
    PassesReply,
    PrekeyStatus,
    PrekeyStatusReply,
    PutDeviceList,
    PutInvite,
    PutPrekeys,
    PutTokenKeys,
    SetDoor,
    Status,
)
from connexa.wire.v1.message_pb2 import Envelope

if TYPE_CHECKING:
    from connexa.homeserver.homeserver import Homeserver

__all__ = ["MailboxRole"]

T = TypeVar("T")
MAX_ACKS: Final = 65_536
SENDER_SECONDS: Final = 86_400


class MailboxRole:
    """One logged-in link."""

    __slots__ = ("_calls", "_connection", "_pushes", "_sends", "device", "house", "user")

    def __init__(self, house: Homeserver, connection: Connection, login: Login) -> None:
        self.house = house
        self._connection = connection
        self.user = login.certificate.user
        self.device = login.certificate.device
        limits, now = house.settings.limits, asyncio.get_running_loop().time()
        self._pushes = Pushes(connection, self._fetch, limits, house.metrics)
        self._sends = Sends(
            connection,
            self,
            database=house.database,
            writer=house.writer,
            intake=house.intake,
            outcomes=house.outcomes,
            check=house.delivery.check_envelope,
            announce=self._announce,
            clock=house.clock,
            bucket=house.send_rates.bucket(self.device, now),
            most_refusals=limits.refusals_kept,
            storing=house.delivery.storing,
            last=login.last_number,
        )
        bucket = Bucket(limits.calls_per_second, limits.calls_burst, now)
        self._calls = Calls(connection, self, _ANSWERS, house.spawn, bucket, house.metrics)
        house.links.enter_mailbox(self.user, self.device, self, house.sequence.newest)

    def opened(self) -> None:
        """Behind `ready`: what waits to be said."""
        self._sends.on_outcomes()
        if (left := one_time_left(self.house.database.read, self.device, self.house.clock())) <= self.house.settings.limits.prekeys_low:
            self.notify(Notice(code="prekeys.low", number=left))

    def take_at_once(self, frame: bytes) -> bool:
        """Take acknowledgements."""
        seqs = read_acks(frame)
        if seqs is not None:
            self._ack(seqs)
        return seqs is not None

    def take(self, name: str, frame: LinkUp) -> None:
        """Take one frame."""
        match name:
            case "ack":
                self._ack(list(frame.ack.seqs))
            case "send":
                self._sends.take([(one.number, one.envelope) for one in frame.send.envelopes])
            case "call":
                self._calls.take(frame.call)
            case "resume":
                self._resume(frame.resume.last, frame.resume.window)
            case "outcome_ack":
                self._sends.acknowledge(list(frame.outcome_ack.numbers))
            case _:
                raise unexpected()

    def drained(self) -> None:
        """The node reads again."""
        self._pushes.drained()

    def closed(self) -> None:
        """The connection is gone."""
        self._sends.closed()
        self.house.links.leave_mailbox(self.user, self.device, self)

    # ---- what the homeserver says

    @property
    def sent_seq(self) -> int:
        """How far the device was served."""
        return self._pushes.sent_seq

    def on_arrivals(self, fresh: list[Fresh]) -> None:
        """Rows were committed."""
        self._pushes.arrive(fresh)

    def on_dirty(self) -> None:
        """Rows may have been committed."""
        self._pushes.look()

    def notify(self, notice: Notice) -> None:
        """Tell the device something."""
        self._connection.say(notice=notice)

    def hint(self, hints: GroupHints) -> None:
        """Tell the device that there is something to read in its groups."""
        self._connection.say(hints=hints)

    def end(self, error: ConnexaError) -> None:
        """End this link."""
        self._connection.end(error)

    # ---- pushes and acknowledgements

    def _fetch(self, after: int, limit: int) -> list[Arrival]:
        return page(self.house.database.read, self.device, after, limit)

    def _resume(self, last: int, window: int) -> None:
        if self._pushes.started:
            raise unexpected()  # each one reads the mailbox anew
        if not self.house.sequence.may_be_known(last):
            raise malformed("it has stored what was never pushed")
        if last:
            self.house.writer.submit(lambda execute: ack_up_to(execute, self.device, last)).add_done_callback(self._count_acked)
        self._pushes.start(last, window)

    def _ack(self, seqs: list[int]) -> None:
        if len(seqs) > MAX_ACKS or not self.house.sequence.may_be_known(max(seqs, default=0)):
            raise malformed("it acknowledges what was never pushed")
        self.house.post.ack(self._pushes.acked(seqs))

    def _count_acked(self, done: asyncio.Future[int]) -> None:
        if done.exception() is None:  # else the rows stay, and are pushed once more
            self.house.metrics.acked.inc(done.result())

    # ---- envelopes to own devices (Stream)

    @property
    def id(self) -> bytes:
        """Outcomes of what this device sends are kept under its id."""
        return self.device

    def last(self, execute: Execute) -> int:
        """Highest committed number of what this device sent; a device that was removed meanwhile sends nothing."""
        row = first(execute, "SELECT last_number FROM device WHERE device = ?", (self.device,))
        if row is None:
            raise _removed()
        return int(row[0])

    def advance(self, execute: Execute, number: int) -> None:
        """Set it."""
        execute("UPDATE device SET last_number = ? WHERE device = ?", (number, self.device))

    def put(self, sender: Sender, last: int, raws: Sequence[bytes], size: int, now: float) -> bool:
        """Own copies are judged by operations."""
        return False

    def judge(self, execute: Execute, number: int, envelope: Envelope, raw: bytes, now: float, effects: Effects) -> Status:
        """Only the own devices can be reached here (P38)."""
        if envelope.domain != self.house.domain:
            return Status.STATUS_BAD_RIGHT
        return self.house.delivery.deliver_own(
            execute, envelope, user=self.user, sender=self.device, accepted_at=int(now), arrived=effects.arrived
        )

    def _announce(self, effects: Effects) -> None:
        self.house.delivery.announce(effects.arrived)

    # ---- calls

    async def put_prekeys(self, asked: PutPrekeys) -> Message:
        """Store prekeys of this device."""
        pool = self.house.settings.limits.one_time_prekeys
        checked = check_upload(asked, self.login().certificate, self.house.clock(), pool=pool)
        await self.change(lambda execute: keep_upload(execute, self.device, checked, pool=pool, anew=asked.anew))
        return Empty()

    async def prekey_status(self, asked: PrekeyStatus) -> PrekeyStatusReply:
        """What is left of them."""
        return prekey_status(self.house.database.read, self.device, self.house.clock())

    async def put_device_list(self, asked: PutDeviceList) -> Message:
        """Store the next list; devices that it leaves out are forgotten at once."""
        limits = self.house.settings.limits
        if len(asked.certificates) > MAX_DEVICES:
            raise malformed("it has too many certificates")
        if not self.house.list_uploads.take(self.user, asyncio.get_running_loop().time()):
            raise RefusedError("rate.limited", "The list of devices was changed too often today.", retryable=True)
        user, now = self.login().user, self.house.clock()
        _, gone = await self.change(
            lambda execute: keep_next_list(execute, user, asked.device_list, asked.certificates, now, limits.devices_per_person)
        )
        self.house.links.expel(gone)
        version = read_device_list(asked.device_list, user).version
        self.house.links.notify_user(self.user, Notice(code="devices.changed", number=version))
        return Empty()

    async def sender_certificate(self, asked: GetSenderCertificate) -> Signed:
        """What this device shows inside sealed envelopes for a day."""
        now = self.house.clock()
        login = self.login()
        certificate = SenderCertificate(
            user=self.user,
            device=self.device,
            keys=sender_keys_hash(login.user.key, login.certificate.dsk),
            domain=self.house.domain,
            expires=int(now) + SENDER_SECONDS,
        )
        return issue_sender_certificate(certificate, self.house.domain_key, now)

    async def issue_passes(self, asked: IssuePasses) -> PassesReply:
        """Evaluate blinded passes."""
        limits = self.house.settings.limits
        per_day = limits.media_passes_per_day if asked.media else limits.passes_per_day
        return await self.house.pass_keys.issue(self.user, asked.blinded, self.house.clock(), per_day, media=asked.media)

    async def put_token_keys(self, asked: PutTokenKeys) -> Message:
        """Store the person's weekly keys."""
        await self.change(lambda execute: put_token_keys(execute, self.user, asked, self.house.clock()))
        return Empty()

    async def put_invite(self, asked: PutInvite) -> Message:
        """Store or revoke an invite of the person."""
        most = self.house.settings.limits.invites
        await self.change(lambda execute: put_invite(execute, self.user, asked, self.house.clock(), most))
        return Empty()

    async def set_door(self, asked: SetDoor) -> Message:
        """Say whether strangers may ask."""
        await self.change(lambda execute: set_door(execute, self.user, asked.discoverable))
        return Empty()

    async def own_bundles(self, asked: OwnBundles) -> BundlesReply:
        """Bundles of the person's other devices."""
        if len(asked.devices) > MAX_DEVICES or any(len(device) != DEVICE_SIZE for device in asked.devices):
            raise malformed("it names too many devices")
        wanted = [device for device in asked.devices if device != self.device] or self.others()
        if not wanted:
            return BundlesReply()
        bundles = await self.change(lambda execute: claim(execute, self.user, wanted, self.house.clock()))
        for device, _ in bundles:
            self.house.tell_low(device)
        return BundlesReply(bundles=[bundle for _, bundle in bundles])

    def others(self) -> list[DeviceId]:
        """The person's other devices."""
        rows = self.house.database.read("SELECT device FROM device WHERE user = ? AND device != ?", (self.user, self.device))
        return [DeviceId(row[0]) for row in rows]

    async def own_list(self, asked: GetOwnList) -> Signed:
        """The person's current list."""
        newest = newest_list(self.house.database.read, self.user)
        if newest is None:
            raise IntegrityError("devices.gap", "There is no list of devices.")
        return newest

    async def domain(self, asked: GetDomain) -> Message:
        """What this homeserver knows of a domain."""
        return await self.house.domain_reply(asked)

    def login(self) -> Login:
        """What the homeserver knows of the device; RefusedError where it was removed meanwhile, or its certificate has ended."""
        found = login_of(self.house.database.read, self.user, self.device, self.house.clock())
        if found is None:
            raise _removed()
        return found

    async def change(self, operation: Callable[[Execute], T]) -> T:
        """Run an operation of this device, unless it was removed meanwhile."""

        def guarded(execute: Execute) -> T:
            self.last(execute)
            return operation(execute)

        return await self.house.writer.run(guarded)


def _removed() -> RefusedError:
    return RefusedError("login.refused", "This device is not in its person's list any more.")


_ANSWERS: Final[dict[str, Answer]] = {
    "put_prekeys": MailboxRole.put_prekeys,
    "prekey_status": MailboxRole.prekey_status,
    "put_device_list": MailboxRole.put_device_list,
    "sender_certificate": MailboxRole.sender_certificate,
    "issue_passes": MailboxRole.issue_passes,
    "put_token_keys": MailboxRole.put_token_keys,
    "put_invite": MailboxRole.put_invite,
    "set_door": MailboxRole.set_door,
    "own_bundles": MailboxRole.own_bundles,
    "own_list": MailboxRole.own_list,
    "domain": MailboxRole.domain,
    **GROUP_ANSWERS,
}
