"""What a node asks a group's hub, through its submit link: nothing there names the account.

Questions and answers of the wire as functions, and a hub's refusals as errors that carry what one needs to go on. What the bytes of a
group mean is for others; nothing here is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from google.protobuf.message import Message

from connexa.errors import IntegrityError, NetworkError, RefusedError
from connexa.identity import Domain
from connexa.wire import parse
from connexa.wire.v1.groups_pb2 import (
    GetGroupInfo,
    GroupBundle,
    GroupCall,
    GroupCreate,
    GroupEntry,
    GroupInfoPiece,
    GroupLeave,
    GroupLog,
    GroupMode,
    GroupOffered,
    GroupPage,
    GroupRecord,
    GroupRefused,
    GroupReply,
    GroupRequest,
    GroupSend,
    GroupStored,
    GroupTakeOver,
)

__all__ = [
    "Asker",
    "EpochTooOld",
    "GroupAt",
    "GroupInfo",
    "GroupMoved",
    "GroupRefusedError",
    "WrongEpoch",
    "create_group",
    "fetch_info",
    "fetch_log",
    "leave_group",
    "send_message",
    "submit_commit",
    "take_over",
]

R = TypeVar("R", bound=Message)
MAX_RECORD: Final = 4 * 1024 * 1024  # what a joiner takes of a group's public state


class Asker(Protocol):
    """A link: the mailbox link for what is about this device, a submit link for the rest."""

    def call(self, request: Message, answer: type[R]) -> Awaitable[R]: ...


@dataclass(frozen=True, slots=True)
class GroupAt:
    """A group, where it is, and the right that is shown there: a member's token or the join key of an invitation link."""

    hub: Domain
    group: bytes
    term: int
    token: bytes = field(default=b"", repr=False)
    join_key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """What a joiner is given: of which epoch, the log's number that began it, and the record (sealed part, public part)."""

    epoch: int
    term: int
    seq: int
    mode: GroupMode
    record: GroupRecord


class GroupRefusedError(RefusedError):
    """The hub refuses; `refused` is its whole answer."""

    def __init__(self, refused: GroupRefused) -> None:
        super().__init__(refused.code or "group.refused", "The group's homeserver refused.", retryable=refused.retryable)
        self.refused = refused


class WrongEpoch(GroupRefusedError):
    """Another commit was first: discard yours, take `entries` (there may be more in the log), build it anew."""

    @property
    def epoch(self) -> int:
        """The group's current epoch."""
        return self.refused.epoch

    @property
    def entries(self) -> tuple[GroupEntry, ...]:
        """What was taken behind the bundle's `after`."""
        return tuple(self.refused.entries.entries)


class EpochTooOld(GroupRefusedError):
    """The message was encrypted too long ago: read the log and encrypt it for the current epoch."""


class GroupMoved(GroupRefusedError):
    """Another hub has taken over; `record` proves it."""

    @property
    def hub(self) -> str:
        """Where the group is now."""
        return self.refused.hub

    @property
    def term(self) -> int:
        """Its term there."""
        return self.refused.term

    @property
    def record(self) -> GroupTakeOver:
        """The take-over, signed by admins; verify it with the group's admins."""
        return self.refused.moved


_REFUSALS: Final[dict[str, type[GroupRefusedError]]] = {
    "group.wrong_epoch": WrongEpoch,
    "group.epoch_too_old": EpochTooOld,
    "group.moved": GroupMoved,
}

# ---- a group's hub


async def create_group(ask: Asker, at: GroupAt, mode: GroupMode, first: GroupBundle) -> GroupStored:
    """Make a group at the own homeserver; `first` has no commit, and `own` is the creator's place."""
    return await _stored(ask, at, GroupRequest(create=GroupCreate(mode=mode, first=first)))


async def submit_commit(ask: Asker, at: GroupAt, bundle: GroupBundle) -> GroupStored:
    """Submit a commit with all that belongs to it, an external commit too; sent again it has the same answer.

    Raises WrongEpoch where another was first, and RefusedError `group.…`.
    """
    return await _stored(ask, at, GroupRequest(commit=bundle))


async def send_message(ask: Asker, at: GroupAt, *, epoch: int, message_id: bytes, message: bytes) -> GroupStored:
    """Append a message or proposal to the log; once for each id of 16 bytes. Raises EpochTooOld."""
    return await _stored(ask, at, GroupRequest(send=GroupSend(epoch=epoch, id=message_id, message=message)))


async def fetch_log(ask: Asker, at: GroupAt, *, after: int, limit: int = 256) -> GroupPage:
    """Read the entries behind a number, in order: as many as one answer holds."""
    page = (await _ask(ask, at, GroupRequest(log=GroupLog(after=after, limit=limit)), "page")).page
    expected = max(after + 1, page.oldest)
    if [entry.seq for entry in page.entries] != list(range(expected, expected + len(page.entries))):
        raise IntegrityError("group.gap", "The hub's log has a gap.")
    return page


async def fetch_info(ask: Asker, at: GroupAt) -> GroupInfo:
    """Read what a joiner needs, in as many pieces as it takes; `group.wrong_epoch` is retried by the caller."""
    first = await _piece(ask, at, 0, 0)
    if first.total > MAX_RECORD:
        raise RefusedError("group.too_large", "The group's public state is larger than this node takes.")
    raw = first.piece
    while len(raw) < first.total:
        piece = await _piece(ask, at, len(raw), first.epoch)
        if not piece.piece or (piece.epoch, piece.total) != (first.epoch, first.total):
            raise NetworkError("group.wrong_epoch", "The group went on while its state was read.")
        raw += piece.piece
    return GroupInfo(first.epoch, first.term, first.seq, first.mode, parse(GroupRecord, raw, MAX_RECORD))


async def leave_group(ask: Asker, at: GroupAt) -> None:
    """Give up the member's place at the hub; its leaf goes with somebody's next commit."""
    await _ask(ask, at, GroupRequest(leave=GroupLeave()), "done")


async def take_over(ask: Asker, at: GroupAt, record: GroupTakeOver) -> GroupOffered | None:
    """Bring signatures for a take-over to the fallback that is to become the hub; nobody's token is needed.

    Returns what it waits for, or None where it is the hub now. Raises GroupMoved where somebody was faster.
    """
    reply = await _ask(ask, at, GroupRequest(take_over=record), "done", "offered")
    return reply.offered if reply.HasField("offered") else None


async def _stored(ask: Asker, at: GroupAt, request: GroupRequest) -> GroupStored:
    return (await _ask(ask, at, request, "stored")).stored


async def _piece(ask: Asker, at: GroupAt, offset: int, epoch: int) -> GroupInfoPiece:
    return (await _ask(ask, at, GroupRequest(info=GetGroupInfo(offset=offset, epoch=epoch)), "info")).info


async def _ask(ask: Asker, at: GroupAt, request: GroupRequest, *answers: str) -> GroupReply:
    request.group, request.term = at.group, at.term
    if at.token:
        request.token = at.token
    elif at.join_key:
        request.join_key = at.join_key
    reply = await ask.call(GroupCall(hub=at.hub, request=request), GroupReply)
    name = reply.WhichOneof("reply")
    if name == "refused":
        raise _REFUSALS.get(reply.refused.code, GroupRefusedError)(reply.refused)
    if name not in answers:
        raise NetworkError("frame.unexpected", "The group's homeserver answered something else.", retryable=False)
    return reply
