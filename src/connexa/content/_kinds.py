"""What can be said, as plain values; the wire form is `_codec`'s matter. Nothing here says how it looks on a screen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from connexa.identity import Address, UserId
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "Accept",
    "Contact",
    "ContactState",
    "DeviceLists",
    "Introduction",
    "InviteShown",
    "Missing",
    "NewerVersion",
    "OwnCopies",
    "OwnCopy",
    "ProfileKey",
    "Receipt",
    "ReceiptState",
    "Resend",
    "ResendAnswer",
    "VerifiedHow",
]


class ReceiptState(Enum):
    """What a device says became of a message."""

    DELIVERED = 1
    READ = 2


@dataclass(frozen=True, slots=True)
class Receipt:
    """Messages that a device has stored, or that a person has seen."""

    state: ReceiptState
    messages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Accept:
    """The request is accepted; here is the key that opens my door."""

    profile_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProfileKey:
    """My door has a new key."""

    profile_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceLists:
    """My devices have changed; newest list last."""

    lists: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Entries of one of the addressee's devices that the sender lacks."""

    device: bytes
    counters: tuple[int, ...]  # the gaps, ascending
    after: int  # highest counter that is here
    unconfirmed: bool = False  # messages did not open: what no receipt has confirmed is missing too


@dataclass(frozen=True, slots=True)
class ResendAnswer:
    """What becomes of a request of one of the addressee's devices; the entries themselves have gone before it."""

    device: bytes
    first: int  # lowest counter that can still be sent again
    highest: int  # highest counter that was given
    gone: tuple[int, ...] = ()  # asked for and never to come, ascending
    seen: int = 0  # highest counter of the asking device that is here


@dataclass(frozen=True, slots=True)
class Resend:
    """What the sender lacks, and what comes of what others lack (P41)."""

    missing: tuple[Missing, ...] = ()
    answers: tuple[ResendAnswer, ...] = ()


class VerifiedHow(StrEnum):
    """How the owner compared a safety number."""

    COMPARED = "compared"  # both screens, by eye or aloud
    TYPED = "typed"  # the other side's digits
    SCANNED = "scanned"  # the other side's QR code


class ContactState(StrEnum):
    """How a contact stands with its owner."""

    REQUESTED = "requested"
    PENDING = "pending"
    ACCEPTED = "accepted"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    REPLACED = "replaced"  # the key of an address that has another one now


@dataclass(frozen=True, slots=True)
class Contact:
    """For own devices only: the whole state of one contact."""

    user: UserId
    address: Address = field(repr=False)
    user_key: bytes
    state: ContactState
    attestation: Signed | None = None
    device_list: Signed | None = None
    profile_key: bytes = field(default=b"", repr=False)
    name: str = field(default="", repr=False)
    verified_at: int = 0  # unix seconds
    verified_how: VerifiedHow | None = None
    rival: bytes = b""  # user id of another key that answers for the address, while the owner has not decided
    replaces: bytes = b""  # user id of the key before this one


@dataclass(frozen=True, slots=True)
class OwnCopy:
    """For own devices only: what this person said to somebody, as it was sent."""

    user: UserId
    address: Address = field(repr=False)
    content: bytes = field(repr=False)
    message: bytes
    counter: int  # of the sending device in that conversation; 0 for what is not a log entry


@dataclass(frozen=True, slots=True)
class OwnCopies:
    """A batch of own copies."""

    copies: tuple[OwnCopy, ...]


@dataclass(frozen=True, slots=True)
class NewerVersion:
    """Something that this version cannot show whole; kept as it came."""

    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class InviteShown:
    """The recipient's invite by which a request came, proved to the recipient."""

    id: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who the sender is: in the first body of each session."""

    address: Address = field(repr=False)
    user_key: bytes  # body of the v6 public key packet
    attestation: Signed
    device_lists: tuple[Signed, ...]  # newest last
    profile_key: bytes = field(repr=False)
    invite: InviteShown | None = None
