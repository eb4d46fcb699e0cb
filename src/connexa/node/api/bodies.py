"""What the API takes: one struct for each write. Types are strict and unknown fields are refused (product §4).

`account` is an address of this node, or empty for its only account.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request

from connexa.content import MAX_AVATAR, MAX_PAST, MAX_TIMER, GroupRole, VerifiedHow

__all__ = [
    "AddContact",
    "ArchiveConversation",
    "BrowserKey",
    "CheckWords",
    "CreateAccount",
    "CreateBackup",
    "CreateGroup",
    "CreateInvite",
    "FavourConversation",
    "GroupHistory",
    "GroupImage",
    "GroupName",
    "GroupPersonRole",
    "GroupTimer",
    "Hex16",
    "KeepDraft",
    "Line",
    "LinkAccount",
    "MuteConversation",
    "NameAccount",
    "NameContact",
    "NameDevice",
    "Nothing",
    "OfAccount",
    "PinConversation",
    "RestoreBackup",
    "StrictRequest",
    "VerifyBackup",
    "VerifyContact",
    "WithAccount",
    "WithCode",
    "WithContact",
    "WithConversation",
    "WithDevice",
    "WithDigits",
    "WithGroup",
    "WithGroupPerson",
    "WithInvite",
    "WithMessage",
    "WithRequest",
    "WithText",
]

Name = Annotated[str, msgspec.Meta(max_length=256)]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
Pasted = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
Place = Annotated[str, msgspec.Meta(max_length=4096)]
Words = Annotated[str, msgspec.Meta(max_length=1024)]
Hex16 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class StrictRequest(Request[Any, Any, Any]):
    """Decodes a body as its handler's struct at once: `"1"` is no number here."""

    async def json(self) -> Any:
        """Return the struct, or raise msgspec.ValidationError."""
        field = self.route_handler.parsed_data_field
        if field is None:
            return await super().json()
        return msgspec.json.decode(await self.body(), type=field.annotation, strict=True)


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all bodies."""


class Nothing(Body, frozen=True):
    """An empty object."""


class BrowserKey(Body, frozen=True):
    """The one-time key out of a browser's address line."""

    key: Line


class CreateAccount(Body, frozen=True):
    """A new account; `invite` is the homeserver's, where it asks for one."""

    address: Line
    name: Name = ""
    invite: Annotated[str, msgspec.Meta(max_length=1024)] | None = None


class LinkAccount(Body, frozen=True):
    """This node is to become another device of an account."""

    address: Line
    name: Name = ""


class OfAccount(Body, frozen=True, kw_only=True):
    """Base of all bodies that speak of one account."""

    account: Name = ""


class WithAccount(OfAccount, frozen=True):
    """One account."""


class NameAccount(OfAccount, frozen=True):
    """The name that contacts are shown."""

    name: Name


class WithMessage(OfAccount, frozen=True):
    """One message."""

    message: Hex16


class WithConversation(OfAccount, frozen=True):
    """One conversation, by id, address or contact's name."""

    conversation: Line


class MuteConversation(WithConversation, frozen=True):
    """Silence a conversation, or let it speak again."""

    muted: bool = True


class ArchiveConversation(WithConversation, frozen=True):
    """Put a conversation away, or take it back."""

    archived: bool = True


class PinConversation(WithConversation, frozen=True):
    """Let a conversation stand above the others, or not."""

    pinned: bool = True


class FavourConversation(WithConversation, frozen=True):
    """Keep a conversation among the favourites, or not."""

    favourite: bool = True


class KeepDraft(WithConversation, frozen=True):
    """What is typed and not sent yet; empty to throw it away."""

    text: Annotated[str, msgspec.Meta(max_length=65_536)]
    subject: Annotated[str, msgspec.Meta(max_length=1024)] = ""


class WithContact(OfAccount, frozen=True):
    """One contact, by address, name or user id."""

    who: Line


class AddContact(OfAccount, frozen=True):
    """A person to write to."""

    address: Line
    name: Name = ""


class NameContact(WithContact, frozen=True):
    """What we call somebody."""

    name: Name


class VerifyContact(WithContact, frozen=True):
    """The safety number was compared. `proof`: its digits as they were shown or typed, or the text of the scanned QR code."""

    proof: Line
    how: VerifiedHow


class CreateGroup(OfAccount, frozen=True):
    """A new group."""

    name: Line


class WithGroup(OfAccount, frozen=True):
    """One group, by id, how that begins, or name."""

    group: Line


class WithGroupPerson(WithGroup, frozen=True):
    """Somebody in a group, or who shall come into it; by address, name or user id."""

    who: Line


class GroupWithout(WithGroup, frozen=True):
    """A group that is to go on, and who is to go with that; empty: nobody."""

    without: Words = ""


class GroupMove(WithGroup, frozen=True):
    """Where a group is to go; empty: to its first fallback. `stay`: it does not go any more."""

    to: Line = ""
    stay: bool = False


class GroupPersonRole(WithGroupPerson, frozen=True):
    """What somebody may do in a group."""

    role: GroupRole


class GroupName(WithGroup, frozen=True):
    """What a group is called."""

    name: Line


class GroupImage(WithGroup, frozen=True):
    """An image in base64, or nothing."""

    image: Annotated[bytes, msgspec.Meta(max_length=MAX_AVATAR)]


class GroupTimer(WithGroup, frozen=True):
    """After how many seconds messages disappear; 0: never."""

    seconds: Annotated[int, msgspec.Meta(ge=0, le=MAX_TIMER)]


class GroupHistory(WithGroup, frozen=True):
    """What newcomers are shown: `invited` (since their invitation), `none` (since they accepted), or `last` with a number."""

    rule: Line
    last: Annotated[int, msgspec.Meta(ge=0, le=MAX_PAST)] = 0


class WithRequest(OfAccount, frozen=True):
    """One request, by its id."""

    request: Line


class CreateInvite(OfAccount, frozen=True):
    """An invite to hand over."""

    uses: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    days: Annotated[int, msgspec.Meta(ge=1, le=365)] = 7


class WithText(OfAccount, frozen=True):
    """A pasted invite."""

    text: Pasted


class WithInvite(OfAccount, frozen=True):
    """One of our invites, by id."""

    invite: Line


class WithCode(OfAccount, frozen=True):
    """The code that a new device shows."""

    code: Pasted


class WithDigits(OfAccount, frozen=True):
    """The digits of a new device that waits; none keep it out."""

    approval: Hex16
    digits: Annotated[str, msgspec.Meta(max_length=32)]


class CheckWords(OfAccount, frozen=True):
    """Some of the recovery words, by their numbers."""

    words: Annotated[dict[int, Annotated[str, msgspec.Meta(max_length=32)]], msgspec.Meta(min_length=1, max_length=24)]


class CreateBackup(OfAccount, frozen=True):
    """Where to: empty for the next one in the usual directory."""

    place: Place = ""


class VerifyBackup(OfAccount, frozen=True):
    """Which one, and with which words: empty for the usual directory and the words that this device knows."""

    place: Place = ""
    words: Words = ""


class RestoreBackup(Body, frozen=True):
    """The file or directory on the machine of this node, and the 24 words."""

    place: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class WithDevice(OfAccount, frozen=True):
    """One of our devices, by its name or how its id begins."""

    device: Line


class NameDevice(WithDevice, frozen=True):
    """What we call a device."""

    name: Name
