"""What a group's members know together: its name and rules, who they are, whose leaf is whose; and what they say.

Plain values; the wire form is `_group_codec`'s matter, who may change what the node's (`node.groups.rules`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from connexa.identity import Address, Domain, UserId
from connexa.wire.v1.groups_pb2 import SignedAdmins
from connexa.wire.v1.keys_pb2 import Signed

__all__ = [
    "GroupLack",
    "GroupMessage",
    "GroupPast",
    "GroupPerson",
    "GroupRole",
    "HistoryKind",
    "HistoryRule",
    "JoinExtra",
    "MemberCard",
    "PastMessage",
    "RoomRecord",
    "Said",
    "SharedChange",
    "SharedState",
]


class GroupRole(StrEnum):
    """What a person may do in a group."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


class HistoryKind(Enum):
    """What newcomers are shown of what was said without them; the numbers are the wire's."""

    INVITED = 0
    NONE = 1
    LAST = 2


@dataclass(frozen=True, slots=True)
class HistoryRule:
    """The rule, and with LAST how many messages from before the invitation."""

    kind: HistoryKind = HistoryKind.INVITED
    last: int = 0


@dataclass(frozen=True, slots=True)
class GroupPerson:
    """Somebody with at least one device in the group."""

    user: UserId
    address: Address = field(repr=False)
    user_key: bytes
    attestation: Signed = field(repr=False)
    role: GroupRole = GroupRole.MEMBER
    by: bytes = b""  # who invited them; empty: the first, or by the link


@dataclass(frozen=True, slots=True)
class MemberCard:
    """Whose leaf it is: the proof names the key package by which the device came in (I87)."""

    user: UserId
    certificate: Signed = field(repr=False)
    key_package: bytes = field(repr=False)
    proof: Signed = field(repr=False)
    token_hash: bytes = b""  # of its token at the hub


@dataclass(frozen=True, slots=True)
class SharedState:
    """All that the members agree on, as of one epoch."""

    name: str = field(repr=False)
    room_key: bytes = field(repr=False)
    avatar: bytes = field(default=b"", repr=False)
    timer: int = 0  # seconds after which a message disappears; 0: never
    history: HistoryRule = HistoryRule()
    people: tuple[GroupPerson, ...] = ()
    cards: tuple[MemberCard, ...] = ()
    join_key: bytes = field(default=b"", repr=False)
    admin_keys: tuple[tuple[bytes, bytes], ...] = ()  # device and key, of devices of owners and admins
    admins: SignedAdmins = field(default_factory=SignedAdmins, repr=False)  # the set that the hub knows
    moving: str = ""  # where the owner wants the group to go


@dataclass(frozen=True, slots=True)
class SharedChange:
    """What a commit changes beside the tree; None: it stays."""

    people: tuple[GroupPerson, ...] = ()
    cards: tuple[MemberCard, ...] = ()
    name: str | None = field(default=None, repr=False)
    avatar: bytes | None = field(default=None, repr=False)
    timer: int | None = None
    history: HistoryRule | None = None
    roles: tuple[tuple[UserId, GroupRole], ...] = ()
    join_key: bytes | None = field(default=None, repr=False)
    admin_key: bytes = b""  # of the committing device; empty: it stays
    admins: SignedAdmins | None = field(default=None, repr=False)
    moving: str | None = None


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """A message to the group; what it says is content like that of any other message."""

    id: bytes
    content: bytes = field(repr=False)
    timer: int = 0


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message from before somebody came, as a member tells it."""

    id: bytes
    user: UserId
    device: bytes
    address: Address = field(repr=False)
    content: bytes = field(repr=False)
    timer: int = 0


@dataclass(frozen=True, slots=True)
class GroupPast:
    """What was said before, oldest first."""

    messages: tuple[PastMessage, ...]


@dataclass(frozen=True, slots=True)
class GroupLack:
    """What a device lacks of the log."""

    after: tuple[int, int]  # behind this place: a hub's term and a number
    until: tuple[int, int]  # what stands in earlier terms, and in this one what is of earlier epochs


Said = GroupMessage | GroupPast | GroupLack


@dataclass(frozen=True, slots=True)
class JoinExtra:
    """What a device that was added needs beside its Welcome."""

    token: bytes = field(repr=False)
    hub: Domain = field(repr=False)
    term: int = 0


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """What stands beside an epoch under the room key."""

    group_info: bytes = field(repr=False)
    state: SharedState
