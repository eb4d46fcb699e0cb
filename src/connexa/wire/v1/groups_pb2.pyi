from connexa.wire.v1 import keys_pb2 as _keys_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GroupMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_MODE_UNKNOWN: _ClassVar[GroupMode]
    GROUP_MODE_BLIND: _ClassVar[GroupMode]
    GROUP_MODE_ASSISTED: _ClassVar[GroupMode]

class GroupEntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_ENTRY_UNKNOWN: _ClassVar[GroupEntryKind]
    GROUP_ENTRY_MESSAGE: _ClassVar[GroupEntryKind]
    GROUP_ENTRY_PROPOSAL: _ClassVar[GroupEntryKind]
    GROUP_ENTRY_COMMIT: _ClassVar[GroupEntryKind]
GROUP_MODE_UNKNOWN: GroupMode
GROUP_MODE_BLIND: GroupMode
GROUP_MODE_ASSISTED: GroupMode
GROUP_ENTRY_UNKNOWN: GroupEntryKind
GROUP_ENTRY_MESSAGE: GroupEntryKind
GROUP_ENTRY_PROPOSAL: GroupEntryKind
GROUP_ENTRY_COMMIT: GroupEntryKind

class KeyPackageProof(_message.Message):
    __slots__ = ("user", "device", "ref", "alias", "expires")
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    device: bytes
    ref: bytes
    alias: bytes
    expires: int
    def __init__(self, user: _Optional[bytes] = ..., device: _Optional[bytes] = ..., ref: _Optional[bytes] = ..., alias: _Optional[bytes] = ..., expires: _Optional[int] = ...) -> None: ...

class OfferedKeyPackage(_message.Message):
    __slots__ = ("key_package", "proof")
    KEY_PACKAGE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    key_package: bytes
    proof: _keys_pb2.Signed
    def __init__(self, key_package: _Optional[bytes] = ..., proof: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ...) -> None: ...

class PutKeyPackages(_message.Message):
    __slots__ = ("one_time", "last_resort", "anew")
    ONE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RESORT_FIELD_NUMBER: _ClassVar[int]
    ANEW_FIELD_NUMBER: _ClassVar[int]
    one_time: _containers.RepeatedCompositeFieldContainer[OfferedKeyPackage]
    last_resort: OfferedKeyPackage
    anew: bool
    def __init__(self, one_time: _Optional[_Iterable[_Union[OfferedKeyPackage, _Mapping]]] = ..., last_resort: _Optional[_Union[OfferedKeyPackage, _Mapping]] = ..., anew: _Optional[bool] = ...) -> None: ...

class KeyPackageStatus(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class KeyPackageStatusReply(_message.Message):
    __slots__ = ("one_time", "last_resort_until")
    ONE_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RESORT_UNTIL_FIELD_NUMBER: _ClassVar[int]
    one_time: int
    last_resort_until: int
    def __init__(self, one_time: _Optional[int] = ..., last_resort_until: _Optional[int] = ...) -> None: ...

class OwnKeyPackages(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, devices: _Optional[_Iterable[bytes]] = ...) -> None: ...

class PutAliases(_message.Message):
    __slots__ = ("aliases", "drop")
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    DROP_FIELD_NUMBER: _ClassVar[int]
    aliases: _containers.RepeatedScalarFieldContainer[bytes]
    drop: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, aliases: _Optional[_Iterable[bytes]] = ..., drop: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GetWelcomes(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WelcomesReply(_message.Message):
    __slots__ = ("welcomes", "more")
    WELCOMES_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    welcomes: _containers.RepeatedCompositeFieldContainer[KeptWelcome]
    more: bool
    def __init__(self, welcomes: _Optional[_Iterable[_Union[KeptWelcome, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class KeptWelcome(_message.Message):
    __slots__ = ("id", "alias", "hub", "ref", "welcome", "extra", "seq")
    ID_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    alias: bytes
    hub: str
    ref: bytes
    welcome: bytes
    extra: bytes
    seq: int
    def __init__(self, id: _Optional[bytes] = ..., alias: _Optional[bytes] = ..., hub: _Optional[str] = ..., ref: _Optional[bytes] = ..., welcome: _Optional[bytes] = ..., extra: _Optional[bytes] = ..., seq: _Optional[int] = ...) -> None: ...

class WelcomesDone(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, ids: _Optional[_Iterable[bytes]] = ...) -> None: ...

class GroupHints(_message.Message):
    __slots__ = ("hints",)
    HINTS_FIELD_NUMBER: _ClassVar[int]
    hints: _containers.RepeatedCompositeFieldContainer[GroupHint]
    def __init__(self, hints: _Optional[_Iterable[_Union[GroupHint, _Mapping]]] = ...) -> None: ...

class GroupHint(_message.Message):
    __slots__ = ("alias", "seq", "hub")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    alias: bytes
    seq: int
    hub: str
    def __init__(self, alias: _Optional[bytes] = ..., seq: _Optional[int] = ..., hub: _Optional[str] = ...) -> None: ...

class GroupCall(_message.Message):
    __slots__ = ("hub", "request")
    HUB_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    hub: str
    request: GroupRequest
    def __init__(self, hub: _Optional[str] = ..., request: _Optional[_Union[GroupRequest, _Mapping]] = ...) -> None: ...

class GroupRequest(_message.Message):
    __slots__ = ("group", "term", "token", "join_key", "create", "commit", "send", "log", "info", "leave", "take_over")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    JOIN_KEY_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    INFO_FIELD_NUMBER: _ClassVar[int]
    LEAVE_FIELD_NUMBER: _ClassVar[int]
    TAKE_OVER_FIELD_NUMBER: _ClassVar[int]
    group: bytes
    term: int
    token: bytes
    join_key: bytes
    create: GroupCreate
    commit: GroupBundle
    send: GroupSend
    log: GroupLog
    info: GetGroupInfo
    leave: GroupLeave
    take_over: GroupTakeOver
    def __init__(self, group: _Optional[bytes] = ..., term: _Optional[int] = ..., token: _Optional[bytes] = ..., join_key: _Optional[bytes] = ..., create: _Optional[_Union[GroupCreate, _Mapping]] = ..., commit: _Optional[_Union[GroupBundle, _Mapping]] = ..., send: _Optional[_Union[GroupSend, _Mapping]] = ..., log: _Optional[_Union[GroupLog, _Mapping]] = ..., info: _Optional[_Union[GetGroupInfo, _Mapping]] = ..., leave: _Optional[_Union[GroupLeave, _Mapping]] = ..., take_over: _Optional[_Union[GroupTakeOver, _Mapping]] = ...) -> None: ...

class GroupPlace(_message.Message):
    __slots__ = ("domain", "alias", "token_hash")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_HASH_FIELD_NUMBER: _ClassVar[int]
    domain: str
    alias: bytes
    token_hash: bytes
    def __init__(self, domain: _Optional[str] = ..., alias: _Optional[bytes] = ..., token_hash: _Optional[bytes] = ...) -> None: ...

class GroupCreate(_message.Message):
    __slots__ = ("mode", "first")
    MODE_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    mode: GroupMode
    first: GroupBundle
    def __init__(self, mode: _Optional[_Union[GroupMode, str]] = ..., first: _Optional[_Union[GroupBundle, _Mapping]] = ...) -> None: ...

class GroupBundle(_message.Message):
    __slots__ = ("epoch", "commit", "welcome", "sealed", "own", "adds", "removes", "join_hash", "admins", "group_info", "after", "reject")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    ADDS_FIELD_NUMBER: _ClassVar[int]
    REMOVES_FIELD_NUMBER: _ClassVar[int]
    JOIN_HASH_FIELD_NUMBER: _ClassVar[int]
    ADMINS_FIELD_NUMBER: _ClassVar[int]
    GROUP_INFO_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    REJECT_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    commit: bytes
    welcome: bytes
    sealed: bytes
    own: GroupPlace
    adds: _containers.RepeatedCompositeFieldContainer[GroupAdd]
    removes: _containers.RepeatedScalarFieldContainer[bytes]
    join_hash: bytes
    admins: SignedAdmins
    group_info: bytes
    after: int
    reject: SignedReject
    def __init__(self, epoch: _Optional[int] = ..., commit: _Optional[bytes] = ..., welcome: _Optional[bytes] = ..., sealed: _Optional[bytes] = ..., own: _Optional[_Union[GroupPlace, _Mapping]] = ..., adds: _Optional[_Iterable[_Union[GroupAdd, _Mapping]]] = ..., removes: _Optional[_Iterable[bytes]] = ..., join_hash: _Optional[bytes] = ..., admins: _Optional[_Union[SignedAdmins, _Mapping]] = ..., group_info: _Optional[bytes] = ..., after: _Optional[int] = ..., reject: _Optional[_Union[SignedReject, _Mapping]] = ...) -> None: ...

class GroupAdd(_message.Message):
    __slots__ = ("place", "ref", "extra")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    place: GroupPlace
    ref: bytes
    extra: bytes
    def __init__(self, place: _Optional[_Union[GroupPlace, _Mapping]] = ..., ref: _Optional[bytes] = ..., extra: _Optional[bytes] = ...) -> None: ...

class GroupAdmins(_message.Message):
    __slots__ = ("group", "version", "keys", "fallback_hubs")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_HUBS_FIELD_NUMBER: _ClassVar[int]
    group: bytes
    version: int
    keys: _containers.RepeatedScalarFieldContainer[bytes]
    fallback_hubs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, group: _Optional[bytes] = ..., version: _Optional[int] = ..., keys: _Optional[_Iterable[bytes]] = ..., fallback_hubs: _Optional[_Iterable[str]] = ...) -> None: ...

class SignedAdmins(_message.Message):
    __slots__ = ("body", "key", "signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    key: bytes
    signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., key: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class CommitReject(_message.Message):
    __slots__ = ("group", "seq", "instead", "places")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    INSTEAD_FIELD_NUMBER: _ClassVar[int]
    PLACES_FIELD_NUMBER: _ClassVar[int]
    group: bytes
    seq: int
    instead: bytes
    places: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, group: _Optional[bytes] = ..., seq: _Optional[int] = ..., instead: _Optional[bytes] = ..., places: _Optional[_Iterable[bytes]] = ...) -> None: ...

class SignedReject(_message.Message):
    __slots__ = ("body", "key", "signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    key: bytes
    signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., key: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class GroupSend(_message.Message):
    __slots__ = ("epoch", "id", "message")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    id: bytes
    message: bytes
    def __init__(self, epoch: _Optional[int] = ..., id: _Optional[bytes] = ..., message: _Optional[bytes] = ...) -> None: ...

class GroupLog(_message.Message):
    __slots__ = ("after", "limit")
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    after: int
    limit: int
    def __init__(self, after: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class GetGroupInfo(_message.Message):
    __slots__ = ("offset", "epoch")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    offset: int
    epoch: int
    def __init__(self, offset: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class GroupLeave(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GroupTakeOver(_message.Message):
    __slots__ = ("body", "signatures", "state", "sealed")
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    signatures: _containers.RepeatedCompositeFieldContainer[AdminSignature]
    state: bytes
    sealed: bytes
    def __init__(self, body: _Optional[bytes] = ..., signatures: _Optional[_Iterable[_Union[AdminSignature, _Mapping]]] = ..., state: _Optional[bytes] = ..., sealed: _Optional[bytes] = ...) -> None: ...

class AdminSignature(_message.Message):
    __slots__ = ("key", "signature", "at")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    signature: bytes
    at: int
    def __init__(self, key: _Optional[bytes] = ..., signature: _Optional[bytes] = ..., at: _Optional[int] = ...) -> None: ...

class TakeOver(_message.Message):
    __slots__ = ("group", "term", "hub", "old_hub", "mode", "epoch", "seq", "tag", "state", "planned")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    OLD_HUB_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PLANNED_FIELD_NUMBER: _ClassVar[int]
    group: bytes
    term: int
    hub: str
    old_hub: str
    mode: GroupMode
    epoch: int
    seq: int
    tag: bytes
    state: bytes
    planned: bool
    def __init__(self, group: _Optional[bytes] = ..., term: _Optional[int] = ..., hub: _Optional[str] = ..., old_hub: _Optional[str] = ..., mode: _Optional[_Union[GroupMode, str]] = ..., epoch: _Optional[int] = ..., seq: _Optional[int] = ..., tag: _Optional[bytes] = ..., state: _Optional[bytes] = ..., planned: _Optional[bool] = ...) -> None: ...

class GroupState(_message.Message):
    __slots__ = ("places", "join_hash", "group_info")
    PLACES_FIELD_NUMBER: _ClassVar[int]
    JOIN_HASH_FIELD_NUMBER: _ClassVar[int]
    GROUP_INFO_FIELD_NUMBER: _ClassVar[int]
    places: _containers.RepeatedCompositeFieldContainer[GroupPlace]
    join_hash: bytes
    group_info: bytes
    def __init__(self, places: _Optional[_Iterable[_Union[GroupPlace, _Mapping]]] = ..., join_hash: _Optional[bytes] = ..., group_info: _Optional[bytes] = ...) -> None: ...

class GroupReply(_message.Message):
    __slots__ = ("refused", "stored", "page", "info", "done", "offered")
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    INFO_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    OFFERED_FIELD_NUMBER: _ClassVar[int]
    refused: GroupRefused
    stored: GroupStored
    page: GroupPage
    info: GroupInfoPiece
    done: GroupDone
    offered: GroupOffered
    def __init__(self, refused: _Optional[_Union[GroupRefused, _Mapping]] = ..., stored: _Optional[_Union[GroupStored, _Mapping]] = ..., page: _Optional[_Union[GroupPage, _Mapping]] = ..., info: _Optional[_Union[GroupInfoPiece, _Mapping]] = ..., done: _Optional[_Union[GroupDone, _Mapping]] = ..., offered: _Optional[_Union[GroupOffered, _Mapping]] = ...) -> None: ...

class GroupRefused(_message.Message):
    __slots__ = ("code", "retryable", "epoch", "term", "entries", "refs", "hub", "moved")
    CODE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    REFS_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    MOVED_FIELD_NUMBER: _ClassVar[int]
    code: str
    retryable: bool
    epoch: int
    term: int
    entries: GroupPage
    refs: _containers.RepeatedScalarFieldContainer[bytes]
    hub: str
    moved: GroupTakeOver
    def __init__(self, code: _Optional[str] = ..., retryable: _Optional[bool] = ..., epoch: _Optional[int] = ..., term: _Optional[int] = ..., entries: _Optional[_Union[GroupPage, _Mapping]] = ..., refs: _Optional[_Iterable[bytes]] = ..., hub: _Optional[str] = ..., moved: _Optional[_Union[GroupTakeOver, _Mapping]] = ...) -> None: ...

class GroupStored(_message.Message):
    __slots__ = ("seq", "epoch")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    seq: int
    epoch: int
    def __init__(self, seq: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class GroupEntry(_message.Message):
    __slots__ = ("seq", "kind", "epoch", "at", "message")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    seq: int
    kind: GroupEntryKind
    epoch: int
    at: int
    message: bytes
    def __init__(self, seq: _Optional[int] = ..., kind: _Optional[_Union[GroupEntryKind, str]] = ..., epoch: _Optional[int] = ..., at: _Optional[int] = ..., message: _Optional[bytes] = ...) -> None: ...

class GroupPage(_message.Message):
    __slots__ = ("entries", "newest", "oldest", "epoch")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[GroupEntry]
    newest: int
    oldest: int
    epoch: int
    def __init__(self, entries: _Optional[_Iterable[_Union[GroupEntry, _Mapping]]] = ..., newest: _Optional[int] = ..., oldest: _Optional[int] = ..., epoch: _Optional[int] = ...) -> None: ...

class GroupInfoPiece(_message.Message):
    __slots__ = ("epoch", "term", "seq", "mode", "total", "piece")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    PIECE_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    term: int
    seq: int
    mode: GroupMode
    total: int
    piece: bytes
    def __init__(self, epoch: _Optional[int] = ..., term: _Optional[int] = ..., seq: _Optional[int] = ..., mode: _Optional[_Union[GroupMode, str]] = ..., total: _Optional[int] = ..., piece: _Optional[bytes] = ...) -> None: ...

class GroupRecord(_message.Message):
    __slots__ = ("sealed", "group_info", "tree")
    SEALED_FIELD_NUMBER: _ClassVar[int]
    GROUP_INFO_FIELD_NUMBER: _ClassVar[int]
    TREE_FIELD_NUMBER: _ClassVar[int]
    sealed: bytes
    group_info: bytes
    tree: bytes
    def __init__(self, sealed: _Optional[bytes] = ..., group_info: _Optional[bytes] = ..., tree: _Optional[bytes] = ...) -> None: ...

class GroupDone(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GroupOffered(_message.Message):
    __slots__ = ("signed", "needed", "wait")
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    NEEDED_FIELD_NUMBER: _ClassVar[int]
    WAIT_FIELD_NUMBER: _ClassVar[int]
    signed: int
    needed: int
    wait: int
    def __init__(self, signed: _Optional[int] = ..., needed: _Optional[int] = ..., wait: _Optional[int] = ...) -> None: ...

class GroupNews(_message.Message):
    __slots__ = ("hints", "welcomes", "standbys", "moved", "heartbeat")
    HINTS_FIELD_NUMBER: _ClassVar[int]
    WELCOMES_FIELD_NUMBER: _ClassVar[int]
    STANDBYS_FIELD_NUMBER: _ClassVar[int]
    MOVED_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    hints: _containers.RepeatedCompositeFieldContainer[GroupHint]
    welcomes: _containers.RepeatedCompositeFieldContainer[GroupWelcome]
    standbys: _containers.RepeatedCompositeFieldContainer[GroupStandby]
    moved: _containers.RepeatedCompositeFieldContainer[GroupTakeOver]
    heartbeat: _keys_pb2.Signed
    def __init__(self, hints: _Optional[_Iterable[_Union[GroupHint, _Mapping]]] = ..., welcomes: _Optional[_Iterable[_Union[GroupWelcome, _Mapping]]] = ..., standbys: _Optional[_Iterable[_Union[GroupStandby, _Mapping]]] = ..., moved: _Optional[_Iterable[_Union[GroupTakeOver, _Mapping]]] = ..., heartbeat: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ...) -> None: ...

class GroupWelcome(_message.Message):
    __slots__ = ("alias", "ref", "welcome", "extra", "seq")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    REF_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    EXTRA_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    alias: bytes
    ref: bytes
    welcome: bytes
    extra: bytes
    seq: int
    def __init__(self, alias: _Optional[bytes] = ..., ref: _Optional[bytes] = ..., welcome: _Optional[bytes] = ..., extra: _Optional[bytes] = ..., seq: _Optional[int] = ...) -> None: ...

class GroupStandby(_message.Message):
    __slots__ = ("group", "term", "admins", "ended")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    ADMINS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    group: bytes
    term: int
    admins: SignedAdmins
    ended: bool
    def __init__(self, group: _Optional[bytes] = ..., term: _Optional[int] = ..., admins: _Optional[_Union[SignedAdmins, _Mapping]] = ..., ended: _Optional[bool] = ...) -> None: ...

class HubHeartbeat(_message.Message):
    __slots__ = ("hub", "fallback", "at", "nonce")
    HUB_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    hub: str
    fallback: str
    at: int
    nonce: bytes
    def __init__(self, hub: _Optional[str] = ..., fallback: _Optional[str] = ..., at: _Optional[int] = ..., nonce: _Optional[bytes] = ...) -> None: ...

class GroupNewsReply(_message.Message):
    __slots__ = ("later",)
    LATER_FIELD_NUMBER: _ClassVar[int]
    later: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, later: _Optional[_Iterable[int]] = ...) -> None: ...
