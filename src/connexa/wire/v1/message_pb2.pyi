from connexa.wire.v1 import keys_pb2 as _keys_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Envelope(_message.Message):
    __slots__ = ("version", "id", "expires", "domain", "user", "token", "invite", "stranger", "own", "body", "packets")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    INVITE_FIELD_NUMBER: _ClassVar[int]
    STRANGER_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    PACKETS_FIELD_NUMBER: _ClassVar[int]
    version: int
    id: bytes
    expires: int
    domain: str
    user: bytes
    token: bytes
    invite: InviteProof
    stranger: Step
    own: Own
    body: bytes
    packets: _containers.RepeatedCompositeFieldContainer[Packet]
    def __init__(self, version: _Optional[int] = ..., id: _Optional[bytes] = ..., expires: _Optional[int] = ..., domain: _Optional[str] = ..., user: _Optional[bytes] = ..., token: _Optional[bytes] = ..., invite: _Optional[_Union[InviteProof, _Mapping]] = ..., stranger: _Optional[_Union[Step, _Mapping]] = ..., own: _Optional[_Union[Own, _Mapping]] = ..., body: _Optional[bytes] = ..., packets: _Optional[_Iterable[_Union[Packet, _Mapping]]] = ...) -> None: ...

class InviteProof(_message.Message):
    __slots__ = ("id", "proof")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    proof: bytes
    def __init__(self, id: _Optional[bytes] = ..., proof: _Optional[bytes] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    def __init__(self, id: _Optional[bytes] = ...) -> None: ...

class Own(_message.Message):
    __slots__ = ("only",)
    ONLY_FIELD_NUMBER: _ClassVar[int]
    only: bytes
    def __init__(self, only: _Optional[bytes] = ...) -> None: ...

class Packet(_message.Message):
    __slots__ = ("device", "sek", "sealed")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    SEK_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    sek: int
    sealed: bytes
    def __init__(self, device: _Optional[bytes] = ..., sek: _Optional[int] = ..., sealed: _Optional[bytes] = ...) -> None: ...

class Content(_message.Message):
    __slots__ = ("version", "sent_ms", "intro", "timer", "text", "receipt", "control", "own", "sync", "edit", "reaction", "withdrawal", "set_timer")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SENT_MS_FIELD_NUMBER: _ClassVar[int]
    INTRO_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    EDIT_FIELD_NUMBER: _ClassVar[int]
    REACTION_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWAL_FIELD_NUMBER: _ClassVar[int]
    SET_TIMER_FIELD_NUMBER: _ClassVar[int]
    version: int
    sent_ms: int
    intro: Introduction
    timer: int
    text: Text
    receipt: Receipt
    control: Control
    own: OwnCopies
    sync: Sync
    edit: Edit
    reaction: Reaction
    withdrawal: Withdrawal
    set_timer: Timer
    def __init__(self, version: _Optional[int] = ..., sent_ms: _Optional[int] = ..., intro: _Optional[_Union[Introduction, _Mapping]] = ..., timer: _Optional[int] = ..., text: _Optional[_Union[Text, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., control: _Optional[_Union[Control, _Mapping]] = ..., own: _Optional[_Union[OwnCopies, _Mapping]] = ..., sync: _Optional[_Union[Sync, _Mapping]] = ..., edit: _Optional[_Union[Edit, _Mapping]] = ..., reaction: _Optional[_Union[Reaction, _Mapping]] = ..., withdrawal: _Optional[_Union[Withdrawal, _Mapping]] = ..., set_timer: _Optional[_Union[Timer, _Mapping]] = ...) -> None: ...

class Introduction(_message.Message):
    __slots__ = ("address", "user_key", "attestation", "device_lists", "profile_key", "invite")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LISTS_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    INVITE_FIELD_NUMBER: _ClassVar[int]
    address: str
    user_key: bytes
    attestation: _keys_pb2.Signed
    device_lists: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    profile_key: bytes
    invite: InviteProof
    def __init__(self, address: _Optional[str] = ..., user_key: _Optional[bytes] = ..., attestation: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_lists: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ..., profile_key: _Optional[bytes] = ..., invite: _Optional[_Union[InviteProof, _Mapping]] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("text", "subject", "reply_to", "spans", "forwarded", "attachments")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_FIELD_NUMBER: _ClassVar[int]
    ATTACHMENTS_FIELD_NUMBER: _ClassVar[int]
    text: str
    subject: str
    reply_to: bytes
    spans: _containers.RepeatedCompositeFieldContainer[Span]
    forwarded: bool
    attachments: _containers.RepeatedCompositeFieldContainer[Attachment]
    def __init__(self, text: _Optional[str] = ..., subject: _Optional[str] = ..., reply_to: _Optional[bytes] = ..., spans: _Optional[_Iterable[_Union[Span, _Mapping]]] = ..., forwarded: _Optional[bool] = ..., attachments: _Optional[_Iterable[_Union[Attachment, _Mapping]]] = ...) -> None: ...

class Attachment(_message.Message):
    __slots__ = ("name", "type", "size", "suite", "key", "digest", "expires", "width", "height", "duration_ms", "blur", "thumbnail", "voice")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    BLUR_FIELD_NUMBER: _ClassVar[int]
    THUMBNAIL_FIELD_NUMBER: _ClassVar[int]
    VOICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    size: int
    suite: int
    key: bytes
    digest: bytes
    expires: int
    width: int
    height: int
    duration_ms: int
    blur: str
    thumbnail: bytes
    voice: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., size: _Optional[int] = ..., suite: _Optional[int] = ..., key: _Optional[bytes] = ..., digest: _Optional[bytes] = ..., expires: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., duration_ms: _Optional[int] = ..., blur: _Optional[str] = ..., thumbnail: _Optional[bytes] = ..., voice: _Optional[bool] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("kind", "start", "length", "user")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[Span.Kind]
        BOLD: _ClassVar[Span.Kind]
        ITALIC: _ClassVar[Span.Kind]
        STRIKE: _ClassVar[Span.Kind]
        CODE: _ClassVar[Span.Kind]
        SPOILER: _ClassVar[Span.Kind]
        QUOTE: _ClassVar[Span.Kind]
        MENTION: _ClassVar[Span.Kind]
    UNKNOWN: Span.Kind
    BOLD: Span.Kind
    ITALIC: Span.Kind
    STRIKE: Span.Kind
    CODE: Span.Kind
    SPOILER: Span.Kind
    QUOTE: Span.Kind
    MENTION: Span.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    kind: Span.Kind
    start: int
    length: int
    user: bytes
    def __init__(self, kind: _Optional[_Union[Span.Kind, str]] = ..., start: _Optional[int] = ..., length: _Optional[int] = ..., user: _Optional[bytes] = ...) -> None: ...

class Edit(_message.Message):
    __slots__ = ("message", "text", "spans")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    message: bytes
    text: str
    spans: _containers.RepeatedCompositeFieldContainer[Span]
    def __init__(self, message: _Optional[bytes] = ..., text: _Optional[str] = ..., spans: _Optional[_Iterable[_Union[Span, _Mapping]]] = ...) -> None: ...

class Reaction(_message.Message):
    __slots__ = ("message", "user", "emoji")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    message: bytes
    user: bytes
    emoji: str
    def __init__(self, message: _Optional[bytes] = ..., user: _Optional[bytes] = ..., emoji: _Optional[str] = ...) -> None: ...

class Withdrawal(_message.Message):
    __slots__ = ("message",)
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    message: bytes
    def __init__(self, message: _Optional[bytes] = ...) -> None: ...

class Timer(_message.Message):
    __slots__ = ("seconds",)
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    seconds: int
    def __init__(self, seconds: _Optional[int] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("state", "messages")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[Receipt.State]
        DELIVERED: _ClassVar[Receipt.State]
        READ: _ClassVar[Receipt.State]
    UNKNOWN: Receipt.State
    DELIVERED: Receipt.State
    READ: Receipt.State
    STATE_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    state: Receipt.State
    messages: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, state: _Optional[_Union[Receipt.State, str]] = ..., messages: _Optional[_Iterable[bytes]] = ...) -> None: ...

class Control(_message.Message):
    __slots__ = ("accept", "profile_key", "device_lists", "resend")
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LISTS_FIELD_NUMBER: _ClassVar[int]
    RESEND_FIELD_NUMBER: _ClassVar[int]
    accept: Accept
    profile_key: ProfileKey
    device_lists: DeviceLists
    resend: Resend
    def __init__(self, accept: _Optional[_Union[Accept, _Mapping]] = ..., profile_key: _Optional[_Union[ProfileKey, _Mapping]] = ..., device_lists: _Optional[_Union[DeviceLists, _Mapping]] = ..., resend: _Optional[_Union[Resend, _Mapping]] = ...) -> None: ...

class Accept(_message.Message):
    __slots__ = ("profile_key",)
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    profile_key: bytes
    def __init__(self, profile_key: _Optional[bytes] = ...) -> None: ...

class ProfileKey(_message.Message):
    __slots__ = ("profile_key",)
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    profile_key: bytes
    def __init__(self, profile_key: _Optional[bytes] = ...) -> None: ...

class DeviceLists(_message.Message):
    __slots__ = ("lists",)
    LISTS_FIELD_NUMBER: _ClassVar[int]
    lists: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    def __init__(self, lists: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ...) -> None: ...

class Resend(_message.Message):
    __slots__ = ("missing", "answers")
    MISSING_FIELD_NUMBER: _ClassVar[int]
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    missing: _containers.RepeatedCompositeFieldContainer[Missing]
    answers: _containers.RepeatedCompositeFieldContainer[ResendAnswer]
    def __init__(self, missing: _Optional[_Iterable[_Union[Missing, _Mapping]]] = ..., answers: _Optional[_Iterable[_Union[ResendAnswer, _Mapping]]] = ...) -> None: ...

class Missing(_message.Message):
    __slots__ = ("device", "counters", "after", "unconfirmed")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    UNCONFIRMED_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    counters: _containers.RepeatedScalarFieldContainer[int]
    after: int
    unconfirmed: bool
    def __init__(self, device: _Optional[bytes] = ..., counters: _Optional[_Iterable[int]] = ..., after: _Optional[int] = ..., unconfirmed: _Optional[bool] = ...) -> None: ...

class ResendAnswer(_message.Message):
    __slots__ = ("device", "first", "highest", "gone", "seen")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_FIELD_NUMBER: _ClassVar[int]
    GONE_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    first: int
    highest: int
    gone: _containers.RepeatedScalarFieldContainer[int]
    seen: int
    def __init__(self, device: _Optional[bytes] = ..., first: _Optional[int] = ..., highest: _Optional[int] = ..., gone: _Optional[_Iterable[int]] = ..., seen: _Optional[int] = ...) -> None: ...

class OwnCopies(_message.Message):
    __slots__ = ("copies",)
    COPIES_FIELD_NUMBER: _ClassVar[int]
    copies: _containers.RepeatedCompositeFieldContainer[OwnCopy]
    def __init__(self, copies: _Optional[_Iterable[_Union[OwnCopy, _Mapping]]] = ...) -> None: ...

class OwnCopy(_message.Message):
    __slots__ = ("user", "address", "content", "message", "counter")
    USER_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    address: str
    content: bytes
    message: bytes
    counter: int
    def __init__(self, user: _Optional[bytes] = ..., address: _Optional[str] = ..., content: _Optional[bytes] = ..., message: _Optional[bytes] = ..., counter: _Optional[int] = ...) -> None: ...

class Sync(_message.Message):
    __slots__ = ("registers", "entries", "history_wanted", "history", "digests", "buckets", "listing", "wanted")
    REGISTERS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    HISTORY_WANTED_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    LISTING_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    registers: Registers
    entries: Entries
    history_wanted: HistoryWanted
    history: History
    digests: Digests
    buckets: Buckets
    listing: Listing
    wanted: Wanted
    def __init__(self, registers: _Optional[_Union[Registers, _Mapping]] = ..., entries: _Optional[_Union[Entries, _Mapping]] = ..., history_wanted: _Optional[_Union[HistoryWanted, _Mapping]] = ..., history: _Optional[_Union[History, _Mapping]] = ..., digests: _Optional[_Union[Digests, _Mapping]] = ..., buckets: _Optional[_Union[Buckets, _Mapping]] = ..., listing: _Optional[_Union[Listing, _Mapping]] = ..., wanted: _Optional[_Union[Wanted, _Mapping]] = ...) -> None: ...

class Registers(_message.Message):
    __slots__ = ("registers",)
    REGISTERS_FIELD_NUMBER: _ClassVar[int]
    registers: _containers.RepeatedCompositeFieldContainer[OwnRegister]
    def __init__(self, registers: _Optional[_Iterable[_Union[OwnRegister, _Mapping]]] = ...) -> None: ...

class OwnRegister(_message.Message):
    __slots__ = ("at", "device", "contact", "read", "flags", "draft", "account", "name", "profile_key", "group")
    AT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    READ_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    at: int
    device: bytes
    contact: Contact
    read: ReadMark
    flags: Flags
    draft: Draft
    account: AccountName
    name: DeviceName
    profile_key: ProfileKey
    group: GroupChoice
    def __init__(self, at: _Optional[int] = ..., device: _Optional[bytes] = ..., contact: _Optional[_Union[Contact, _Mapping]] = ..., read: _Optional[_Union[ReadMark, _Mapping]] = ..., flags: _Optional[_Union[Flags, _Mapping]] = ..., draft: _Optional[_Union[Draft, _Mapping]] = ..., account: _Optional[_Union[AccountName, _Mapping]] = ..., name: _Optional[_Union[DeviceName, _Mapping]] = ..., profile_key: _Optional[_Union[ProfileKey, _Mapping]] = ..., group: _Optional[_Union[GroupChoice, _Mapping]] = ...) -> None: ...

class Contact(_message.Message):
    __slots__ = ("user", "address", "user_key", "attestation", "device_list", "profile_key", "state", "name", "verified_at", "verified_how", "rival", "replaces")
    USER_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    VERIFIED_HOW_FIELD_NUMBER: _ClassVar[int]
    RIVAL_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    address: str
    user_key: bytes
    attestation: _keys_pb2.Signed
    device_list: _keys_pb2.Signed
    profile_key: bytes
    state: str
    name: str
    verified_at: int
    verified_how: str
    rival: bytes
    replaces: bytes
    def __init__(self, user: _Optional[bytes] = ..., address: _Optional[str] = ..., user_key: _Optional[bytes] = ..., attestation: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., profile_key: _Optional[bytes] = ..., state: _Optional[str] = ..., name: _Optional[str] = ..., verified_at: _Optional[int] = ..., verified_how: _Optional[str] = ..., rival: _Optional[bytes] = ..., replaces: _Optional[bytes] = ...) -> None: ...

class ReadMark(_message.Message):
    __slots__ = ("of", "message", "group")
    OF_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    of: bytes
    message: bytes
    group: bool
    def __init__(self, of: _Optional[bytes] = ..., message: _Optional[bytes] = ..., group: _Optional[bool] = ...) -> None: ...

class Flags(_message.Message):
    __slots__ = ("of", "muted", "archived", "group", "pinned", "favourite")
    OF_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_FIELD_NUMBER: _ClassVar[int]
    of: bytes
    muted: bool
    archived: bool
    group: bool
    pinned: bool
    favourite: bool
    def __init__(self, of: _Optional[bytes] = ..., muted: _Optional[bool] = ..., archived: _Optional[bool] = ..., group: _Optional[bool] = ..., pinned: _Optional[bool] = ..., favourite: _Optional[bool] = ...) -> None: ...

class GroupChoice(_message.Message):
    __slots__ = ("group", "accepted")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    group: bytes
    accepted: bool
    def __init__(self, group: _Optional[bytes] = ..., accepted: _Optional[bool] = ...) -> None: ...

class Draft(_message.Message):
    __slots__ = ("of", "text", "subject", "group")
    OF_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    of: bytes
    text: str
    subject: str
    group: bool
    def __init__(self, of: _Optional[bytes] = ..., text: _Optional[str] = ..., subject: _Optional[str] = ..., group: _Optional[bool] = ...) -> None: ...

class AccountName(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeviceName(_message.Message):
    __slots__ = ("device", "name")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    name: str
    def __init__(self, device: _Optional[bytes] = ..., name: _Optional[str] = ...) -> None: ...

class Entries(_message.Message):
    __slots__ = ("of", "address", "entries", "name", "over")
    OF_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OVER_FIELD_NUMBER: _ClassVar[int]
    of: bytes
    address: str
    entries: _containers.RepeatedCompositeFieldContainer[LogEntry]
    name: str
    over: bool
    def __init__(self, of: _Optional[bytes] = ..., address: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[LogEntry, _Mapping]]] = ..., name: _Optional[str] = ..., over: _Optional[bool] = ...) -> None: ...

class LogEntry(_message.Message):
    __slots__ = ("message", "mine", "device", "counter", "place", "content", "state", "user", "author", "ends")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    MINE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    ENDS_FIELD_NUMBER: _ClassVar[int]
    message: bytes
    mine: bool
    device: bytes
    counter: int
    place: int
    content: bytes
    state: str
    user: bytes
    author: str
    ends: int
    def __init__(self, message: _Optional[bytes] = ..., mine: _Optional[bool] = ..., device: _Optional[bytes] = ..., counter: _Optional[int] = ..., place: _Optional[int] = ..., content: _Optional[bytes] = ..., state: _Optional[str] = ..., user: _Optional[bytes] = ..., author: _Optional[str] = ..., ends: _Optional[int] = ...) -> None: ...

class HistoryWanted(_message.Message):
    __slots__ = ("before", "chunks")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    before: int
    chunks: int
    def __init__(self, before: _Optional[int] = ..., chunks: _Optional[int] = ...) -> None: ...

class History(_message.Message):
    __slots__ = ("before", "next", "chunks", "left", "conversations")
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    CHUNKS_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATIONS_FIELD_NUMBER: _ClassVar[int]
    before: int
    next: int
    chunks: int
    left: int
    conversations: _containers.RepeatedCompositeFieldContainer[Entries]
    def __init__(self, before: _Optional[int] = ..., next: _Optional[int] = ..., chunks: _Optional[int] = ..., left: _Optional[int] = ..., conversations: _Optional[_Iterable[_Union[Entries, _Mapping]]] = ...) -> None: ...

class Digests(_message.Message):
    __slots__ = ("until", "digests")
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    until: int
    digests: _containers.RepeatedCompositeFieldContainer[Digest]
    def __init__(self, until: _Optional[int] = ..., digests: _Optional[_Iterable[_Union[Digest, _Mapping]]] = ...) -> None: ...

class Digest(_message.Message):
    __slots__ = ("of", "count", "hash")
    OF_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    HASH_FIELD_NUMBER: _ClassVar[int]
    of: bytes
    count: int
    hash: bytes
    def __init__(self, of: _Optional[bytes] = ..., count: _Optional[int] = ..., hash: _Optional[bytes] = ...) -> None: ...

class Buckets(_message.Message):
    __slots__ = ("until", "of", "hashes")
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    until: int
    of: bytes
    hashes: bytes
    def __init__(self, until: _Optional[int] = ..., of: _Optional[bytes] = ..., hashes: _Optional[bytes] = ...) -> None: ...

class Listing(_message.Message):
    __slots__ = ("until", "of", "buckets", "items")
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    OF_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    until: int
    of: bytes
    buckets: bytes
    items: bytes
    def __init__(self, until: _Optional[int] = ..., of: _Optional[bytes] = ..., buckets: _Optional[bytes] = ..., items: _Optional[bytes] = ...) -> None: ...

class Wanted(_message.Message):
    __slots__ = ("of", "items")
    OF_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    of: bytes
    items: bytes
    def __init__(self, of: _Optional[bytes] = ..., items: _Optional[bytes] = ...) -> None: ...
