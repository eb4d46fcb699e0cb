"""What the node shows to its faces: one msgspec struct for each thing that people see.

Ids are hex (32 digits for a message, 64 for a conversation, a person and a device), times are unix seconds with a fraction. The local
API sends these structs as they are.
"""

from __future__ import annotations

import enum

import msgspec

from connexa.content import ContactState, VerifiedHow
from connexa.node.media.views import AttachmentView

__all__ = [
    "AccountView",
    "ApprovalView",
    "CheckView",
    "BackupFileView",
    "BackupScheduleView",
    "BackupView",
    "ContactState",
    "ContactView",
    "ConversationView",
    "DeviceView",
    "DoctorView",
    "EventView",
    "HistoryView",
    "InviteView",
    "LinkCodeView",
    "LinkingView",
    "LinkStatusView",
    "MessageInfoView",
    "MessageState",
    "MessageView",
    "ReactionView",
    "RecipientDeviceView",
    "RecoveryView",
    "ReplyView",
    "RequestView",
    "RestoredView",
    "SafetyNumberView",
    "SpanView",
    "StatusView",
    "TrustNoteView",
    "TrustTier",
    "Verdict",
    "VersionView",
    "WaitingView",
]


class MessageState(enum.StrEnum):
    """How far a message has come (first-message §10)."""

    QUEUED = "queued"  # in this node's outbox
    ACCEPTED = "accepted"  # durable at a homeserver
    DELIVERED = "delivered"  # a device of the recipient has stored it
    READ = "read"
    REFUSED = "refused"  # final; `reason` says why
    EXPIRED = "expired"  # final
    RECEIVED = "received"  # somebody else's message


class HistoryView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the history has come from another own device."""

    source: str  # the device that is asked
    done: int  # entries
    left: int  # as far as that device has said
    complete: bool


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """A person's registration at a homeserver, as this node holds it."""

    address: str
    name: str
    state: str  # creating, active, revoked
    user: str
    fingerprint: str
    device: str
    primary: bool  # this device holds the user key
    link: str  # state of the mailbox link: up, down
    devices: int
    unread: int
    waiting: int  # messages in the outbox
    undecryptable: int  # messages of known devices that arrived and did not open; asked for where there is evidence
    history: HistoryView | None  # of a device that was linked


class MessageView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a conversation."""

    id: str
    conversation: str
    cursor: int  # its place in the log; `messages(before=…)` takes it
    sender: str  # address
    mine: bool
    text: str
    subject: str
    reply_to: str | None
    sent: float
    received: float
    state: MessageState
    reason: str  # code of a refusal, or why a queued message waits
    gap: int  # entries of the same sending device that are missing before this one
    kind: str  # text; withdrawn: taken away by whoever said it; timer: what is said from now on disappears so many seconds (`text`) after
    # it was said; unknown: made by a newer version; edit, reaction, withdrawal where one is asked for by its id
    spans: list[SpanView]
    forwarded: bool
    edited: float  # when the newest wording was made; 0: never
    reactions: list[ReactionView]
    reply: ReplyView | None  # the beginning of what this answers, where that is here
    replies: int  # entries that answer this one
    mentioned: bool  # the owner is, by somebody else
    ends: float  # when it disappears; 0: never
    attachments: list[AttachmentView]


class SpanView(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a text, counted in Unicode characters."""

    kind: str  # bold, italic, strike, code, spoiler, quote, mention
    start: int
    length: int
    user: str  # user id of whoever is mentioned, or empty


class ReactionView(msgspec.Struct, frozen=True, kw_only=True):
    """What some people think of an entry; each of them thinks one thing at a time."""

    emoji: str
    people: list[str]  # addresses
    mine: bool  # the owner is among them


class ReplyView(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of an entry that another one answers."""

    sender: str
    mine: bool
    kind: str
    text: str


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """One wording of a text."""

    at: float
    text: str
    spans: list[SpanView]


class WaitingView(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing from one device of a contact, and who was asked for it when."""

    device: str
    missing: int  # entries that it sent and that are not here
    unopened: int  # messages of it that came and did not open
    asked: float  # when it was last asked; 0 for not yet
    tries: int  # how often, since something last came of it


class ConversationView(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation with its newest entry."""

    id: str
    group: bool  # it is with a group, whose id this is: `address` and `contact` are empty, `trust` is the least among its members
    title: str  # the contact's name, else the address; the group's name
    address: str
    contact: str  # user id, empty until it was looked up
    state: ContactState
    unread: int
    muted: bool
    archived: bool
    pinned: bool  # it stands above the others
    favourite: bool
    missing: int  # entries that were sent and are not here
    waiting: list[WaitingView]  # the devices whose messages are missing
    draft: str  # what is typed and not sent yet, on whichever own device
    draft_subject: str
    timer: int  # seconds after which what is said disappears; 0: it stays
    trust: TrustTier
    warning: str  # code of an open trust warning, or empty
    notes: list[TrustNoteView]  # lines of the timeline that no message carries
    last: MessageView | None


class TrustTier(enum.StrEnum):
    """What stands behind a person's key, in one word (identity §5)."""

    UNKNOWN = "unknown"  # no key of theirs was found yet
    PROVISIONAL = "provisional"  # their domain is not confirmed, so its word for the key counts little
    ATTESTED = "attested"  # their domain, pinned, says that this key is that address
    VERIFIED = "verified"  # the owner has compared the safety number
    CHANGED = "changed"  # another key answers now; nothing is sent before the owner has decided


class TrustNoteView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that has happened to the trust in a person: a line of the timeline."""

    at: float
    code: str  # identity.changed, identity.trusted, identity.kept, devices.added, contact.verified, contact.unverified
    detail: str  # the beginning of the other key's fingerprint, or how it was compared


class RecipientDeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message at one device of its recipient."""

    device: str
    name: str
    state: MessageState
    at: float


class SeenByView(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody in a group says of a message of ours; only contacts who send receipts say anything."""

    user: str
    address: str
    name: str  # what the owner calls this contact, or empty
    state: MessageState | None  # delivered or read; None: nothing was said
    at: float


class MessageInfoView(msgspec.Struct, frozen=True, kw_only=True):
    """A message with its states, their times and the way that it went."""

    message: MessageView
    path: str  # carrier, or empty while it is queued
    states: dict[str, float]
    devices: list[RecipientDeviceView]
    people: list[SeenByView]  # in a group: the others; empty in a conversation of two


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    """A person whom an account knows."""

    user: str
    address: str
    name: str
    state: ContactState
    fingerprint: str
    trust: TrustTier
    verified_at: int  # unix seconds, 0 = not
    verified_how: VerifiedHow | None
    devices: int
    warning: str  # code of an open trust warning, or empty
    rival: str  # fingerprint of another key that answers now, while that is to be decided
    rival_since: float
    conversation: str
    notes: list[TrustNoteView] = msgspec.field(default_factory=list)  # where one contact is shown


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asks. The list shows the domain and the time alone; the rest is filled when one request is opened."""

    id: str  # user id
    domain: str
    received: float
    provisional: bool  # the sender's domain is not attested yet
    warning: str = ""  # identity.changed: a contact of yours has that address, with another key
    address: str = ""
    texts: list[str] = msgspec.field(default_factory=list)


class InviteView(msgspec.Struct, frozen=True, kw_only=True):
    """An invite that this account gave out; `text` is what to hand over."""

    id: str
    text: str
    uses: int
    left: int
    expires: float
    revoked: bool


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """One of a person's own devices."""

    id: str
    name: str
    this: bool
    primary: bool
    listed: bool
    added: float
    last_seen: float  # when this device last heard of it; 0: never


class LinkCodeView(msgspec.Struct, frozen=True, kw_only=True):
    """The code that a new device shows; the account appears when the primary device has let it in (event `account.new`)."""

    account: str
    code: str
    expires: float


class LinkingView(msgspec.Struct, frozen=True, kw_only=True):
    """How far this device is in being linked; once the primary has answered, the digits to type there."""

    account: str
    state: str  # waiting, comparing
    digits: str  # six, or empty
    fingerprint: str  # of the person who would take this device in, or empty
    expires: float


class ApprovalView(msgspec.Struct, frozen=True, kw_only=True):
    """A new device that was met by its code; it is let in by the digits that it shows."""

    id: str
    device: str
    name: str  # what it calls itself
    expires: float


class SafetyNumberView(msgspec.Struct, frozen=True, kw_only=True):
    """What to compare: of the key that answers now, where that is another than the one that was known."""

    user: str
    address: str
    digits: str  # 60
    code: str  # text of the QR code that the other side scans
    trust: TrustTier


class LinkStatusView(msgspec.Struct, frozen=True, kw_only=True):
    """One account's links."""

    account: str
    mailbox: str  # up, connecting, down
    since: float
    reason: str  # code of the last failure
    submit: str  # open, closed
    passes: int
    one_time_keys: int
    undecryptable: int
    held: int  # messages that wait until their sender's domain is found
    sender_certificate: float  # until when


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """The node as a whole."""

    version: str
    started: float
    time: float
    database_bytes: int
    accounts: list[AccountView]
    links: list[LinkStatusView]
    event_cursor: int
    warnings: list[str]  # codes


class Verdict(enum.StrEnum):
    """How a check went, the worst last."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the doctor; text and hint may be copied anywhere."""

    name: str
    account: int  # which one by its order, from 1; 0 where the node as a whole is meant
    verdict: Verdict
    text: str
    hint: str  # the next step, or empty


class DoctorView(msgspec.Struct, frozen=True, kw_only=True):
    """All checks, and the worst of their verdicts."""

    verdict: Verdict
    checks: list[CheckView]


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One event; `cursor` is where to go on."""

    cursor: int
    account: str
    kind: str  # message.new, message.state, message.moved, request.new, contact.changed, device.changed, trust.warning, link.state, …
    at: float
    fields: dict[str, str | int | float | bool]


class RecoveryView(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with the recovery words of an account."""

    account: str
    shown: bool  # they exist
    confirmed: float  # when the owner last showed that they are written down; 0: not yet


class BackupView(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made."""

    path: str
    counter: int  # counts all backups of the account
    whole: bool  # a base; else an increment
    bytes: int
    made: float


class BackupFileView(msgspec.Struct, frozen=True, kw_only=True):
    """A backup file that lies somewhere."""

    path: str
    counter: int
    series: str
    whole: bool
    bytes: int
    made: float


class BackupScheduleView(msgspec.Struct, frozen=True, kw_only=True):
    """When backups are made by themselves, and how the last one went."""

    account: str
    directory: str
    every: float
    kept: int
    active: bool  # they are made: there is an interval, and the words are confirmed
    counter: int
    made: float  # 0: never
    failed: float  # when the last one failed; 0: it did not
    failure: str  # code


class RestoredView(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds, by having restored it."""

    account: str
    fingerprint: str
    counter: int  # of this backup
    newest: int  # of the newest one that is known to exist
    files: int
    contacts: int
    conversations: int
    messages: int
