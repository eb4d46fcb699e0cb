"""What a homeserver says on a link, as values; and the errors that its codes stand for.

The link itself is in `link`. Frames are the protobuf messages of `link.proto`; only this module and its siblings see them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from connexa.errors import ConflictError, ConnexaError, NetworkError, NotFoundError, RefusedError
from connexa.wire import MAX_FRAME, OURS, http_status, parse, unsupported
from connexa.wire.transport import LinkClosed
from connexa.wire.v1.link_pb2 import Call, LinkDown, LinkUp, PushClass, Refused, Reply, Status

__all__ = ["CommittedUpTo", "Event", "GroupHinted", "Noticed", "Outcomes", "Pushed", "PushedItem", "Refusal"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What became of one numbered envelope: a status that is not ACCEPTED, or ACCEPTED at the recipient's homeserver."""

    number: int
    status: Status


@dataclass(frozen=True, slots=True)
class CommittedUpTo:
    """Every envelope up to this number is durable at the homeserver, but for the refused ones."""

    up_to: int
    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became, later, of envelopes of this stream; told again until acknowledged."""

    refused: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class PushedItem:
    """One envelope for this device, as its homeserver hands it over."""

    seq: int
    accepted_at: int
    kind: PushClass
    envelope: bytes
    body: bytes
    device: bytes
    sek: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Pushed:
    """A batch of envelopes for this device, in order."""

    items: tuple[PushedItem, ...]


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something that the homeserver wants known: `prekeys.low`, `key_packages.low`, `devices.changed`, `server.draining`…"""

    code: str
    number: int


@dataclass(frozen=True, slots=True)
class GroupHinted:
    """Something is new in the groups that know this device by these aliases: (alias, newest entry or 0 for a Welcome, hub that says so)."""

    hints: tuple[tuple[bytes, int, str], ...]


Event = CommittedUpTo | GroupHinted | Outcomes | Pushed | Noticed

CALL_FIELDS: Final = {field.message_type: field.name for field in Call.DESCRIPTOR.oneofs_by_name["call"].fields}


def up(**frame: Message) -> bytes:
    """Encode one frame of the node; the keyword is the name in the oneof."""
    return LinkUp(**frame).SerializeToString()  # type: ignore[arg-type]  # one keyword of LinkUp's own


def down(raw: bytes) -> LinkDown:
    """Read one frame of the homeserver, or raise WireError."""
    return parse(LinkDown, raw, MAX_FRAME)


def event_of(frame: LinkDown) -> Event:
    """The value of a frame that comes by itself; `frame.unexpected` for one that has no place on an open link."""
    match frame.WhichOneof("frame"):
        case "push":
            return Pushed(
                tuple(
                    PushedItem(
                        seq=item.seq,
                        accepted_at=item.accepted_at,
                        kind=getattr(item, "class"),
                        envelope=item.envelope,
                        body=item.body,
                        device=item.packet.device,
                        sek=item.packet.sek,
                        sealed=item.packet.sealed,
                    )
                    for item in frame.push.items
                )
            )
        case "committed":
            return CommittedUpTo(frame.committed.up_to, _refusals(frame.committed.refused))
        case "outcome":
            return Outcomes(_refusals(frame.outcome.refused))
        case "notice":
            return Noticed(frame.notice.code, frame.notice.number)
        case "hints":
            return GroupHinted(tuple((hint.alias, hint.seq, hint.hub) for hint in frame.hints.hints))
    raise unexpected()


def _refusals(refused: object) -> tuple[Refusal, ...]:
    items: list[Refused] = list(refused)  # type: ignore[call-overload]  # a repeated field
    return tuple(Refusal(item.number, item.status) for item in items)


def unexpected() -> NetworkError:
    """The homeserver sent a frame where the protocol has another."""
    return NetworkError("frame.unexpected", "The homeserver answered out of turn.", retryable=False)


def answer_of(reply: Reply) -> Message:
    """The message in a reply; a failure is raised as the error that its code stands for."""
    name = reply.WhichOneof("reply")
    if name is None:
        raise unexpected()
    if name == "failure":
        raise refusal_of(reply.failure.code, retryable=reply.failure.retryable)
    value: Message = getattr(reply, name)
    return value


_KINDS: Final[dict[int, type[ConnexaError]]] = {
    404: NotFoundError,
    408: NetworkError,
    409: ConflictError,
    410: NotFoundError,
    503: NetworkError,
}


def refusal_of(code: str, *, retryable: bool) -> ConnexaError:
    """The error of a code string that the homeserver gave as its reason."""
    kind = _KINDS.get(http_status(RefusedError(code, "")), RefusedError)
    return kind(code, "The homeserver refused.", retryable=retryable)


# Close codes are 4000 + the HTTP status that says the same (first-message §4); several codes may share one.
_CLOSED: Final[dict[int, ConnexaError]] = {
    4400: RefusedError("frame.malformed", "The homeserver did not understand this node."),
    4401: RefusedError("login.refused", "The homeserver does not let this device in."),
    4403: RefusedError("link.refused", "The homeserver does not open this link."),
    4408: NetworkError("link.timeout", "The homeserver waited too long for this node."),
    4409: ConflictError("link.replaced", "Another link of the same device took over."),
    4413: RefusedError("frame.too_large", "The homeserver found a frame too large."),
    4426: unsupported(OURS),
    4429: RefusedError("rate.limited", "The homeserver is asked too often.", "Wait a little.", retryable=True),
    4503: NetworkError("server.temporary", "The homeserver cannot serve this link now."),
    4507: RefusedError("mailbox.full", "The homeserver has no room.", retryable=True),
}


def end_of(closed: LinkClosed, reason: str | None) -> ConnexaError:
    """The error behind the end of a connection; `reason` is the code of the last notice or failure, where one came."""
    if reason is not None and closed.close_code >= 4000:
        return refusal_of(reason, retryable=closed.close_code in (4408, 4429, 4503, 4507))
    known = _CLOSED.get(closed.close_code)
    if known is None:
        return closed
    return type(known)(known.code, known.message, known.hint, retryable=known.retryable)
