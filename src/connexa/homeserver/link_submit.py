"""A submit link: envelopes to other people, look-ups and claims, opened by a pass and by nobody's name (first-message §1, §6).

A *stream* carries envelopes under tokens and invites; a *step* one look-up, a few claims and one request towards one stranger. People of
this domain are answered here, others through their homeserver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from google.protobuf.message import Message

from connexa.errors import ConnexaError, RefusedError, UsageError
from connexa.homeserver.directory import read_claim, read_lookup
from connexa.homeserver.limits import Bucket
from connexa.homeserver.link_calls import Answer, Calls
from connexa.homeserver.link_role import Connection, unexpected
from connexa.homeserver.link_sends import Effects, Sends
from connexa.homeserver.outcomes import where
from connexa.homeserver.passes import STREAM_SECONDS, Opened, pass_refused
from connexa.homeserver.post import Sender
from connexa.homeserver.steps import StepUse, bind_target, spend_step, target_of
from connexa.homeserver.tables import first
from connexa.identity import Domain, UserPublic, check_domain
from connexa.store import Execute
from connexa.wire import read_sends, status_code
from connexa.wire.transport import CLOSE_OK
from connexa.wire.v1.groups_pb2 import GroupCall, GroupReply
from connexa.wire.v1.link_pb2 import (
    ClaimKeyPackages,
    ClaimReply,
    ClaimRequest,
    GetDomain,
    KeyPackagesReply,
    LinkUp,
    LookupReply,
    LookupRequest,
    PassShow,
    Right,
    Status,
    WhereIs,
    WhereReply,
)
from connexa.wire.v1.message_pb2 import Envelope, Step

if TYPE_CHECKING:
    from connexa.homeserver.homeserver import Homeserver

__all__ = ["SubmitRole"]


class SubmitRole:
    """One link that a pass has opened."""

    __slots__ = ("_calls", "_connection", "_house", "_idle", "_lookups", "_loop", "_pass", "_sends", "_used")

    def __init__(self, house: Homeserver, connection: Connection, opened: Opened) -> None:
        self._house = house
        self._connection = connection
        self._pass = opened
        limits = house.settings.limits
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
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
            bucket=house.send_rates.bucket(opened.stream, now),
            most_refusals=limits.refusals_kept,
            storing=house.delivery.storing,
            last=opened.last_number,
        )
        bucket = Bucket(limits.calls_per_second, limits.calls_burst, now)
        self._calls = Calls(connection, self, _ANSWERS, house.spawn, bucket, house.metrics)
        self._lookups = house.lookup_rates.bucket(opened.stream, now)
        self._used = now
        self._idle = self._loop.call_later(limits.submit_idle, self._close_if_idle)
        house.links.enter_submit(opened.stream, self)

    def opened(self) -> None:
        """Behind `ready`: what became of earlier envelopes."""
        self._sends.on_outcomes()

    def take_at_once(self, frame: bytes) -> bool:
        """Take envelopes."""
        envelopes = read_sends(frame)
        if envelopes is None:
            return False
        self._used = self._loop.time()
        self._sends.take(envelopes)
        return True

    def take(self, name: str, frame: LinkUp) -> None:
        """Take one frame."""
        self._used = self._loop.time()
        match name:
            case "send":
                self._sends.take([(one.number, one.envelope) for one in frame.send.envelopes])
            case "call":
                self._calls.take(frame.call)
            case "outcome_ack":
                self._sends.acknowledge(list(frame.outcome_ack.numbers))
            case _:
                raise unexpected()

    def drained(self) -> None:
        """The node reads again; nothing large waits for it here."""

    def closed(self) -> None:
        """The connection is gone."""
        self._idle.cancel()
        self._sends.closed()
        self._house.links.leave_submit(self._pass.stream, self)

    def end(self, error: ConnexaError) -> None:
        """End this link."""
        self._connection.end(error)

    def _close_if_idle(self) -> None:
        left = self._used + self._house.settings.limits.submit_idle - self._loop.time()
        if left <= 0:
            self._connection.close(CLOSE_OK)
        else:
            self._idle = self._loop.call_later(left, self._close_if_idle)

    # ---- envelopes to other people (Stream)

    @property
    def id(self) -> bytes:
        """Outcomes are kept under the pass's id."""
        return self._pass.stream

    def last(self, execute: Execute) -> int:
        """Highest committed number of this pass."""
        row = first(execute, "SELECT last_number FROM spent_pass WHERE hash = ?", (self._pass.hash,))
        if row is None:
            raise pass_refused()
        return int(row[0])

    def advance(self, execute: Execute, number: int) -> None:
        """Set it."""
        execute("UPDATE spent_pass SET last_number = ? WHERE hash = ?", (number, self._pass.hash))

    def put(self, sender: Sender, last: int, raws: Sequence[bytes], size: int, now: float) -> bool:
        """Contacts write to contacts here all day long: that needs no operation."""
        if self._pass.use != PassShow.STREAM or now >= self._pass.opened + STREAM_SECONDS:
            return False
        return self._house.post.put(sender, self._pass.hash, last, raws, size, now)

    def judge(self, execute: Execute, number: int, envelope: Envelope, raw: bytes, now: float, effects: Effects) -> Status:
        """Store an envelope here, or queue it for its domain."""
        status = self._admit(execute, envelope, now)
        if status != Status.STATUS_ACCEPTED:
            return status
        if envelope.domain == self._house.domain:
            return self._house.delivery.deliver(execute, envelope, accepted_at=int(now), from_domain=None, now=now, arrived=effects.arrived)
        return self._queue(execute, number, envelope, raw, now, effects)

    def _admit(self, execute: Execute, envelope: Envelope, now: float) -> Status:
        """Whether this pass may carry this right to that person."""
        right = envelope.WhichOneof("right")
        if self._pass.use == PassShow.STREAM:
            if right not in ("token", "invite"):
                return Status.STATUS_BAD_RIGHT
            # After its day a stream brings outcomes alone; what still comes is to be sealed anew for another pass.
            return Status.STATUS_TEMPORARY if now >= self._pass.opened + STREAM_SECONDS else Status.STATUS_ACCEPTED
        if right != "stranger" or envelope.stranger.id != self._pass.stream:
            return Status.STATUS_BAD_RIGHT
        target = target_of(envelope.domain, envelope.user)
        return Status.STATUS_ACCEPTED if spend_step(execute, self._pass, "requests", now, target) else Status.STATUS_BAD_RIGHT

    def _queue(self, execute: Execute, number: int, envelope: Envelope, raw: bytes, now: float, effects: Effects) -> Status:
        try:
            domain = check_domain(envelope.domain)
        except UsageError:
            return Status.STATUS_MALFORMED_ENVELOPE
        if self._house.is_blocked(domain):
            return Status.STATUS_BLOCKED
        if envelope.WhichOneof("right") == "stranger":
            envelope.stranger.CopyFrom(Step())  # the step is nobody's business but ours (first-message §2)
            raw = envelope.SerializeToString()
        try:
            self._house.queue.enqueue(
                execute,
                domain,
                raw,
                origin=self._pass.stream,
                origin_number=number,
                accepted_at=int(now),
                expires=envelope.expires,
            )
        except ConnexaError as error:  # the queue to that domain is full
            if not error.retryable:
                raise
            return Status.STATUS_TEMPORARY
        effects.domains.add(domain)
        self._house.metrics.judged("queued", status_code(Status.STATUS_ACCEPTED))
        return Status.STATUS_ACCEPTED

    def _announce(self, effects: Effects) -> None:
        if effects.arrived:
            self._house.delivery.announce(effects.arrived)
        for domain in effects.domains:
            self._house.queue.wake(Domain(domain))

    # ---- calls

    async def lookup(self, asked: LookupRequest) -> LookupReply:
        """Find somebody, here or at their homeserver."""
        query = read_lookup(asked)
        domain = self._check_asked(query.domain)
        target = target_of(domain, query.user) if query.user else b""
        if (refused := await self._spend(asked.right, "lookups", target)) is not None:
            return LookupReply(status=refused)
        if domain == self._house.domain:
            reply = await self._house.directory.lookup(asked, self._house.clock())
        else:
            reply = await self._house.remotes.lookup(domain, LookupRequest(id=asked.id, query=asked.query, right=_outside(asked.right)))
        if self._pass.use == PassShow.STEP:
            await self._bind(reply, domain)
        return reply

    async def claim(self, asked: ClaimRequest) -> ClaimReply:
        """Fetch prekey bundles, here or at their homeserver."""
        query = read_claim(asked)
        domain = self._check_asked(query.domain)
        if (refused := await self._spend(asked.right, "claims", target_of(domain, query.user))) is not None:
            return ClaimReply(status=refused)
        if domain == self._house.domain:
            return await self._house.directory.claim(asked, self._house.clock())
        return await self._house.remotes.claim(domain, ClaimRequest(id=asked.id, query=asked.query, right=_outside(asked.right)))

    async def claim_key_packages(self, asked: ClaimKeyPackages) -> KeyPackagesReply:
        """Fetch key packages of a contact's devices, here or at their homeserver; strangers fetch none."""
        query = read_claim(asked)
        domain = self._check_asked(query.domain)
        if self._pass.use != PassShow.STREAM or asked.right.WhichOneof("right") == "stranger":
            return KeyPackagesReply(status=Status.STATUS_BAD_RIGHT)
        if domain == self._house.domain:
            return await self._house.directory.claim_key_packages(asked, self._house.clock(), self._pass.stream)
        return await self._house.remotes.claim_packages(domain, asked)

    async def group(self, asked: GroupCall) -> GroupReply:
        """Ask a group's hub."""
        if self._pass.use != PassShow.STREAM:
            raise unexpected()
        hub = check_domain(asked.hub)
        if hub != self._house.domain and await self._house.pins.known(hub) is None:
            self._check_asked(hub)  # a hub that is not known here is looked up like anybody else
        return await self._house.groups.ask(self._pass.stream, asked)

    async def where(self, asked: WhereIs) -> WhereReply:
        """Who holds an envelope of this stream now."""
        read = self._house.database.read
        row = first(read, "SELECT last_number FROM spent_pass WHERE hash = ?", (self._pass.hash,))
        return where(read, self._pass.stream, min(asked.number, 1 << 62), int(row[0]) if row else 0)

    async def domain(self, asked: GetDomain) -> Message:
        """What this homeserver knows of a domain."""
        return await self._house.domain_reply(asked)

    def _check_asked(self, domain: str) -> Domain:
        checked = check_domain(domain)
        if self._house.is_blocked(checked):
            raise RefusedError("domain.blocked", "This homeserver has nothing to do with that domain.")
        if not self._lookups.take(self._loop.time()):
            raise RefusedError("rate.limited", "This pass looks too many people up.", retryable=True)
        return checked

    async def _spend(self, right: Right, use: StepUse, target: bytes) -> Status | None:
        """Count a use of a step before it is made, so that a "no" is counted too; None where it may go on."""
        stranger = right.WhichOneof("right") == "stranger"
        if self._pass.use == PassShow.STREAM:
            return Status.STATUS_BAD_RIGHT if stranger else None
        if not stranger or right.stranger.id != self._pass.stream:
            return Status.STATUS_BAD_RIGHT
        now = self._house.clock()
        spent = await self._house.writer.run(lambda execute: spend_step(execute, self._pass, use, now, target))
        return None if spent else Status.STATUS_BAD_RIGHT

    async def _bind(self, reply: LookupReply, domain: Domain) -> None:
        target = b""
        if reply.status == Status.STATUS_ACCEPTED:
            try:
                target = target_of(domain, UserPublic.from_packet(reply.user_key).id)
            except ConnexaError:
                target = b""  # the remote answered nonsense; the node will see that too
        await self._house.writer.run(lambda execute: bind_target(execute, self._pass, target))


def _outside(right: Right) -> Right:
    """A right as another homeserver sees it: without the id of the step."""
    return Right(stranger=Step()) if right.WhichOneof("right") == "stranger" else right


_ANSWERS: Final[dict[str, Answer]] = {
    "lookup": SubmitRole.lookup,
    "claim": SubmitRole.claim,
    "where": SubmitRole.where,
    "domain": SubmitRole.domain,
    "claim_key_packages": SubmitRole.claim_key_packages,
    "group": SubmitRole.group,
}
