"""The hub of groups: gives their commits and messages one order, and hands their logs out (groups §5).

It is asked by homeservers, each for its own people; what it knows of a member is a domain, an alias and the hash of a token. Shape and
rates are checked first, then the right, then the request; everything that changes is one operation of the writer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from connexa.crypto import sha256
from connexa.errors import ConnexaError, RefusedError
from connexa.homeserver.groups.assisted import follow_proposal
from connexa.homeserver.groups.commits import Asked, Bundles, Taken, check_room, right_of, wrong_epoch
from connexa.homeserver.groups.courier import Courier
from connexa.homeserver.groups.failover import Failover, moved
from connexa.homeserver.groups.headers import read_header
from connexa.homeserver.groups.ledger import (
    GroupRow,
    Member,
    append,
    as_it_ended,
    forget_member,
    group_of,
    info_piece,
    members_of,
    page,
    stored_entry,
)
from connexa.homeserver.groups.refusals import HubRefused, not_allowed, refusal, unknown_group
from connexa.homeserver.groups.requests import check_request
from connexa.homeserver.limits import RateTable
from connexa.homeserver.metrics import Metrics
from connexa.homeserver.settings import LimitSettings
from connexa.homeserver.tables import Query
from connexa.identity import Domain
from connexa.store import Execute, Store, Writer
from connexa.wire.v1.groups_pb2 import (
    GroupDone,
    GroupEntryKind,
    GroupInfoPiece,
    GroupMode,
    GroupPage,
    GroupReply,
    GroupRequest,
    GroupSend,
    GroupStored,
)

__all__ = ["Hub"]

LATE_SECONDS: Final = 120  # for messages of the epoch before (groups §5.3)


class Hub:
    """Answers what is asked of the groups that are kept here."""

    def __init__(
        self,
        domain: Domain,
        database: Store,
        writer: Writer,
        bundles: Bundles,
        failover: Failover,
        courier: Courier,
        limits: LimitSettings,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._domain = domain
        self._database = database
        self._writer = writer
        self._bundles = bundles
        self._failover = failover
        self._courier = courier
        self._limits = limits
        self._metrics = metrics
        self._clock = clock
        # By the right that is shown, so that no member waits for the others; whoever makes rights up is held by the limit of their domain.
        self._rights: RateTable[bytes] = RateTable(
            lambda: limits.group_requests_per_second, seconds=1, burst=lambda: limits.group_requests_burst
        )
        self._domains: RateTable[str] = RateTable(
            lambda: limits.domain_group_requests_per_second, seconds=1, burst=lambda: limits.domain_group_requests_burst
        )

    async def answer(self, request: GroupRequest, domain: str) -> GroupReply:
        """Answer a homeserver, ours or another; a refusal is an answer too."""
        name = request.WhichOneof("request") or ""
        try:
            self._limit_domain(domain)
            check_request(request)
            right = request.WhichOneof("right")
            shown = sha256(getattr(request, right)) if right else b""
            self._limit_right(shown or request.group)
            asked = Asked(domain, self._clock(), **{"token": {"token_hash": shown}, "join_key": {"join_hash": shown}}.get(right or "", {}))
            reply = await self._answer(request, asked)
            self._metrics.group_requests.labels(name, "").inc()
            return reply
        except ConnexaError as error:
            self._metrics.group_requests.labels(name, error.code).inc()
            return refusal(error)

    def _limit_domain(self, domain: str) -> None:
        if domain != self._domain and not self._domains.take(domain, asyncio.get_running_loop().time()):
            raise RefusedError("rate.limited", "That domain asks too often.", retryable=True)

    def _limit_right(self, shown: bytes) -> None:
        if not self._rights.take(shown, asyncio.get_running_loop().time()):
            raise RefusedError("rate.limited", "This member asks too often.", retryable=True)

    async def _answer(self, request: GroupRequest, asked: Asked) -> GroupReply:
        match request.WhichOneof("request"):
            case "log":
                return GroupReply(page=self._log(request, asked))
            case "info":
                return GroupReply(info=self._info(request, asked))
            case "leave":
                await self._writer.run(lambda execute: self._leave(execute, request, asked))
                return GroupReply(done=GroupDone())
            case "take_over":
                taken = await self._change(lambda execute: self._failover.take_over(execute, request.group, request.take_over, asked.now))
                return GroupReply(offered=taken.offered) if taken.offered else GroupReply(done=GroupDone())
            case "create":
                taken = await self._change(lambda execute: self._create(execute, request, asked))
            case "commit":
                taken = await self._change(lambda execute: self._commit(execute, request, asked))
            case _:
                taken = await self._change(lambda execute: self._send(execute, request, asked))
        return GroupReply(stored=taken.stored)

    async def _change(self, operation: Callable[[Execute], Taken]) -> Taken:
        """Run an operation, then tell whoever has something to read."""
        taken = await self._writer.run(operation)
        self._courier.hint(taken.tell, taken.stored.seq)
        self._courier.wake(taken.domains)
        return taken

    # ---- what is asked

    def _create(self, execute: Execute, request: GroupRequest, asked: Asked) -> Taken:
        if asked.domain != self._domain:
            raise not_allowed("A group begins at the homeserver of whoever makes it.")
        return self._bundles.create(execute, request.group, asked, request.create)

    def _commit(self, execute: Execute, request: GroupRequest, asked: Asked) -> Taken:
        return self._bundles.commit(execute, self._group(execute, request), asked, request.commit)

    def _send(self, execute: Execute, request: GroupRequest, asked: Asked) -> Taken:
        row, send = self._group(execute, request), request.send
        member = self._member(execute, row, asked)
        if (known := stored_entry(execute, row.id, send.id)) is not None:
            return Taken(GroupStored(seq=known[0], epoch=row.epoch))
        kind = _kind_of(row, send, asked.now)
        check_room(execute, row, len(send.message), self._limits)
        if row.mode == GroupMode.GROUP_MODE_ASSISTED and kind == GroupEntryKind.GROUP_ENTRY_PROPOSAL:
            follow_proposal(execute, row, send.message, asked.now)
        seq = append(execute, row, kind, send.epoch, send.id, send.message, asked.now)
        others = [place for place in members_of(execute, row.id) if place.alias != member.alias]
        return Taken(GroupStored(seq=seq, epoch=row.epoch), tell=others)

    def _leave(self, execute: Execute, request: GroupRequest, asked: Asked) -> None:
        row = self._group(execute, request)
        forget_member(execute, row.id, self._member(execute, row, asked).alias, asked.now)

    def _log(self, request: GroupRequest, asked: Asked) -> GroupPage:
        row = self._group(self._database.read, request)
        ended = as_it_ended(self._database.read, row, asked.token_hash, asked.domain)
        if ended is None:  # who was removed may read that, and hears of nothing later
            self._member(self._database.read, row, asked)
        return page(self._database.read, ended or row, request.log.after, request.log.limit)

    def _info(self, request: GroupRequest, asked: Asked) -> GroupInfoPiece:
        row = self._group(self._database.read, request)
        right_of(self._database.read, row, asked)
        if request.info.offset and request.info.epoch != row.epoch:
            raise wrong_epoch(self._database.read, row, row.seq)
        return info_piece(self._database.read, row, request.info.offset)

    def _group(self, query: Query, request: GroupRequest) -> GroupRow:
        """The group in the term that the asker knows."""
        row = group_of(query, request.group)
        if row is None:
            raise unknown_group()
        if (elsewhere := moved(row, request.term)) is not None:
            raise elsewhere
        return row

    def _member(self, query: Query, row: GroupRow, asked: Asked) -> Member:
        member = right_of(query, row, asked)
        if member is None:
            raise not_allowed("That is for members.")
        return member


def _kind_of(row: GroupRow, send: GroupSend, now: float) -> GroupEntryKind:
    """What a message is, by its open part; a proposal is of the current epoch, a message may be of the one before for a while."""
    header = read_header(send.message)
    if (header.group, header.epoch) != (row.id, send.epoch) or header.kind == GroupEntryKind.GROUP_ENTRY_COMMIT:
        raise HubRefused("group.invalid_message", "The message is of another group or epoch, or a commit.")
    proposal = header.kind == GroupEntryKind.GROUP_ENTRY_PROPOSAL
    if header.private == (proposal and row.mode == GroupMode.GROUP_MODE_ASSISTED):
        raise not_allowed("Handshakes are private where the hub is blind, and public where it assists; messages are always private.")
    late = send.epoch + 1 == row.epoch and now <= row.epoch_at + LATE_SECONDS and not proposal
    if send.epoch != row.epoch and not late:
        raise HubRefused("group.epoch_too_old", "The message is of an epoch that is over.", retryable=True, epoch=row.epoch)
    return header.kind
