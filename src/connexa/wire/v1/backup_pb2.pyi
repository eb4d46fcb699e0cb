from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BackupRecord(_message.Message):
    __slots__ = ("account", "domain", "device", "contact", "conversation", "group", "choice", "invite", "register", "entry")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    INVITE_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    account: BackupAccount
    domain: BackupDomain
    device: BackupDevice
    contact: BackupContact
    conversation: BackupConversation
    group: BackupGroup
    choice: BackupGroupChoice
    invite: BackupInvite
    register: BackupRegister
    entry: BackupEntry
    def __init__(self, account: _Optional[_Union[BackupAccount, _Mapping]] = ..., domain: _Optional[_Union[BackupDomain, _Mapping]] = ..., device: _Optional[_Union[BackupDevice, _Mapping]] = ..., contact: _Optional[_Union[BackupContact, _Mapping]] = ..., conversation: _Optional[_Union[BackupConversation, _Mapping]] = ..., group: _Optional[_Union[BackupGroup, _Mapping]] = ..., choice: _Optional[_Union[BackupGroupChoice, _Mapping]] = ..., invite: _Optional[_Union[BackupInvite, _Mapping]] = ..., register: _Optional[_Union[BackupRegister, _Mapping]] = ..., entry: _Optional[_Union[BackupEntry, _Mapping]] = ...) -> None: ...

class BackupAccount(_message.Message):
    __slots__ = ("address", "name", "attestation", "device_list", "device", "profile_key", "created")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    address: str
    name: str
    attestation: bytes
    device_list: bytes
    device: bytes
    profile_key: bytes
    created: float
    def __init__(self, address: _Optional[str] = ..., name: _Optional[str] = ..., attestation: _Optional[bytes] = ..., device_list: _Optional[bytes] = ..., device: _Optional[bytes] = ..., profile_key: _Optional[bytes] = ..., created: _Optional[float] = ...) -> None: ...

class BackupDomain(_message.Message):
    __slots__ = ("domain", "record")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    RECORD_FIELD_NUMBER: _ClassVar[int]
    domain: str
    record: bytes
    def __init__(self, domain: _Optional[str] = ..., record: _Optional[bytes] = ...) -> None: ...

class BackupDevice(_message.Message):
    __slots__ = ("device", "certificate", "name", "added")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    certificate: bytes
    name: str
    added: float
    def __init__(self, device: _Optional[bytes] = ..., certificate: _Optional[bytes] = ..., name: _Optional[str] = ..., added: _Optional[float] = ...) -> None: ...

class BackupContact(_message.Message):
    __slots__ = ("id", "user", "address", "user_key", "attestation", "device_list", "profile_key", "state", "name", "verified_at", "verified_how", "rival", "rival_at", "replaces", "anew", "provisional", "warning", "invite", "invite_secret", "invite_until", "stranger_from", "created", "notes")
    ID_FIELD_NUMBER: _ClassVar[int]
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
    RIVAL_AT_FIELD_NUMBER: _ClassVar[int]
    REPLACES_FIELD_NUMBER: _ClassVar[int]
    ANEW_FIELD_NUMBER: _ClassVar[int]
    PROVISIONAL_FIELD_NUMBER: _ClassVar[int]
    WARNING_FIELD_NUMBER: _ClassVar[int]
    INVITE_FIELD_NUMBER: _ClassVar[int]
    INVITE_SECRET_FIELD_NUMBER: _ClassVar[int]
    INVITE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    STRANGER_FROM_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    id: int
    user: bytes
    address: str
    user_key: bytes
    attestation: bytes
    device_list: bytes
    profile_key: bytes
    state: str
    name: str
    verified_at: int
    verified_how: str
    rival: bytes
    rival_at: float
    replaces: bytes
    anew: bool
    provisional: bool
    warning: str
    invite: bytes
    invite_secret: bytes
    invite_until: float
    stranger_from: float
    created: float
    notes: _containers.RepeatedCompositeFieldContainer[BackupTrustNote]
    def __init__(self, id: _Optional[int] = ..., user: _Optional[bytes] = ..., address: _Optional[str] = ..., user_key: _Optional[bytes] = ..., attestation: _Optional[bytes] = ..., device_list: _Optional[bytes] = ..., profile_key: _Optional[bytes] = ..., state: _Optional[str] = ..., name: _Optional[str] = ..., verified_at: _Optional[int] = ..., verified_how: _Optional[str] = ..., rival: _Optional[bytes] = ..., rival_at: _Optional[float] = ..., replaces: _Optional[bytes] = ..., anew: _Optional[bool] = ..., provisional: _Optional[bool] = ..., warning: _Optional[str] = ..., invite: _Optional[bytes] = ..., invite_secret: _Optional[bytes] = ..., invite_until: _Optional[float] = ..., stranger_from: _Optional[float] = ..., created: _Optional[float] = ..., notes: _Optional[_Iterable[_Union[BackupTrustNote, _Mapping]]] = ...) -> None: ...

class BackupTrustNote(_message.Message):
    __slots__ = ("at", "code", "detail")
    AT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    at: float
    code: str
    detail: str
    def __init__(self, at: _Optional[float] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class BackupGroup(_message.Message):
    __slots__ = ("public", "hub", "term", "alias", "token", "state", "shared", "inviter", "name", "created", "seq")
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    INVITER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    public: bytes
    hub: str
    term: int
    alias: bytes
    token: bytes
    state: str
    shared: bytes
    inviter: bytes
    name: str
    created: float
    seq: int
    def __init__(self, public: _Optional[bytes] = ..., hub: _Optional[str] = ..., term: _Optional[int] = ..., alias: _Optional[bytes] = ..., token: _Optional[bytes] = ..., state: _Optional[str] = ..., shared: _Optional[bytes] = ..., inviter: _Optional[bytes] = ..., name: _Optional[str] = ..., created: _Optional[float] = ..., seq: _Optional[int] = ...) -> None: ...

class BackupGroupChoice(_message.Message):
    __slots__ = ("public", "accepted")
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    public: bytes
    accepted: bool
    def __init__(self, public: _Optional[bytes] = ..., accepted: _Optional[bool] = ...) -> None: ...

class BackupConversation(_message.Message):
    __slots__ = ("id", "public", "provisional", "person", "newest", "read_cursor", "read_message", "draft", "draft_subject", "muted", "archived", "counters", "timer", "timer_at", "timer_message", "pinned", "favourite")
    ID_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_FIELD_NUMBER: _ClassVar[int]
    PROVISIONAL_FIELD_NUMBER: _ClassVar[int]
    PERSON_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    READ_CURSOR_FIELD_NUMBER: _ClassVar[int]
    READ_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    DRAFT_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    TIMER_AT_FIELD_NUMBER: _ClassVar[int]
    TIMER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    FAVOURITE_FIELD_NUMBER: _ClassVar[int]
    id: int
    public: bytes
    provisional: bytes
    person: int
    newest: bytes
    read_cursor: int
    read_message: bytes
    draft: str
    draft_subject: str
    muted: bool
    archived: bool
    counters: _containers.RepeatedCompositeFieldContainer[BackupCounters]
    timer: int
    timer_at: float
    timer_message: bytes
    pinned: bool
    favourite: bool
    def __init__(self, id: _Optional[int] = ..., public: _Optional[bytes] = ..., provisional: _Optional[bytes] = ..., person: _Optional[int] = ..., newest: _Optional[bytes] = ..., read_cursor: _Optional[int] = ..., read_message: _Optional[bytes] = ..., draft: _Optional[str] = ..., draft_subject: _Optional[str] = ..., muted: _Optional[bool] = ..., archived: _Optional[bool] = ..., counters: _Optional[_Iterable[_Union[BackupCounters, _Mapping]]] = ..., timer: _Optional[int] = ..., timer_at: _Optional[float] = ..., timer_message: _Optional[bytes] = ..., pinned: _Optional[bool] = ..., favourite: _Optional[bool] = ...) -> None: ...

class BackupCounters(_message.Message):
    __slots__ = ("device", "high", "missing")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    high: int
    missing: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, device: _Optional[bytes] = ..., high: _Optional[int] = ..., missing: _Optional[_Iterable[int]] = ...) -> None: ...

class BackupInvite(_message.Message):
    __slots__ = ("id", "secret", "uses", "used", "expires", "text", "revoked")
    ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    secret: bytes
    uses: int
    used: int
    expires: float
    text: str
    revoked: int
    def __init__(self, id: _Optional[bytes] = ..., secret: _Optional[bytes] = ..., uses: _Optional[int] = ..., used: _Optional[int] = ..., expires: _Optional[float] = ..., text: _Optional[str] = ..., revoked: _Optional[int] = ...) -> None: ...

class BackupRegister(_message.Message):
    __slots__ = ("kind", "key", "at", "device")
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    kind: int
    key: bytes
    at: int
    device: bytes
    def __init__(self, kind: _Optional[int] = ..., key: _Optional[bytes] = ..., at: _Optional[int] = ..., device: _Optional[bytes] = ...) -> None: ...

class BackupEntry(_message.Message):
    __slots__ = ("cursor", "conversation", "message", "sender", "device", "counter", "mine", "kind", "text", "subject", "reply_to", "content", "sent", "received", "state", "reason", "path", "last_seen", "receipted", "hidden", "author", "vanishes", "target", "target_user", "edited", "withdrawn", "has")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    COUNTER_FIELD_NUMBER: _ClassVar[int]
    MINE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    RECEIPTED_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    VANISHES_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TARGET_USER_FIELD_NUMBER: _ClassVar[int]
    EDITED_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWN_FIELD_NUMBER: _ClassVar[int]
    HAS_FIELD_NUMBER: _ClassVar[int]
    cursor: int
    conversation: int
    message: bytes
    sender: bytes
    device: bytes
    counter: int
    mine: bool
    kind: str
    text: str
    subject: str
    reply_to: bytes
    content: bytes
    sent: float
    received: float
    state: str
    reason: str
    path: str
    last_seen: bytes
    receipted: bool
    hidden: bool
    author: str
    vanishes: float
    target: bytes
    target_user: bytes
    edited: float
    withdrawn: bool
    has: str
    def __init__(self, cursor: _Optional[int] = ..., conversation: _Optional[int] = ..., message: _Optional[bytes] = ..., sender: _Optional[bytes] = ..., device: _Optional[bytes] = ..., counter: _Optional[int] = ..., mine: _Optional[bool] = ..., kind: _Optional[str] = ..., text: _Optional[str] = ..., subject: _Optional[str] = ..., reply_to: _Optional[bytes] = ..., content: _Optional[bytes] = ..., sent: _Optional[float] = ..., received: _Optional[float] = ..., state: _Optional[str] = ..., reason: _Optional[str] = ..., path: _Optional[str] = ..., last_seen: _Optional[bytes] = ..., receipted: _Optional[bool] = ..., hidden: _Optional[bool] = ..., author: _Optional[str] = ..., vanishes: _Optional[float] = ..., target: _Optional[bytes] = ..., target_user: _Optional[bytes] = ..., edited: _Optional[float] = ..., withdrawn: _Optional[bool] = ..., has: _Optional[str] = ...) -> None: ...
