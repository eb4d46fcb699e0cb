"""What the node shows of groups."""

from __future__ import annotations

import enum

import msgspec

from connexa.content import GroupRole
from connexa.node.views import TrustTier

__all__ = ["GroupLinkView", "GroupPersonView", "GroupStanding", "GroupView", "SuccessionView"]


class GroupStanding(enum.StrEnum):
    """How this device stands to a group."""

    CREATING = "creating"  # its hub has not taken it yet
    JOINING = "joining"  # by a link
    WAITING = "waiting"  # known from another own device or a backup: it comes in by itself, by an own device, or is invited
    INVITED = "invited"  # nothing of this person is sent before they have accepted
    MEMBER = "member"
    LEAVING = "leaving"  # asked for; somebody's next commit does it
    LEFT = "left"
    REMOVED = "removed"


class GroupPersonView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a group."""

    user: str
    address: str
    name: str  # what the owner calls this contact, or empty
    role: GroupRole
    devices: int
    me: bool
    trust: TrustTier


class SuccessionView(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a group when its hub is lost."""

    fallbacks: list[str]  # the homeservers that take its place, in order
    signers: int  # devices of owners and admins, which have to agree
    needed: int  # so many of them: half, rounded up
    left: int  # those that are not at home at the hub: they can agree when it is lost
    silent_since: float  # when the hub was found not to answer; 0: it does
    moving: str  # where the owner wants the group to go now, or empty


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    """A group as this device holds it."""

    id: str
    short: str  # how the id begins: enough to name it
    name: str
    state: GroupStanding
    role: GroupRole | None  # of the owner of this node; None where the group is over
    inviter: str  # address, while one has not accepted; or empty
    hub: str
    succession: SuccessionView
    epoch: int
    roster: str  # 30 digits: the same at all members of one epoch and at nobody else
    people: list[GroupPersonView]
    timer: int  # seconds after which messages disappear; 0: never
    history: str  # what newcomers see: invited, none, or last N
    avatar: str  # SHA-256 of the image, or empty
    link: bool  # there is an invitation link
    waiting: int  # changes that are asked for and not done
    trouble: str  # code of what keeps the group from going on, or empty
    unopened: int  # messages since the last change that do not open: somebody may hold another state of the group
    muted: bool
    archived: bool
    unread: int


class GroupLinkView(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed to people who shall be able to join; whoever has it can."""

    group: str
    text: str
