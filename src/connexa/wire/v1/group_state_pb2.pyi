from connexa.wire.v1 import groups_pb2 as _groups_pb2
from connexa.wire.v1 import keys_pb2 as _keys_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GroupRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUP_ROLE_UNKNOWN: _ClassVar[GroupRole]
    GROUP_ROLE_MEMBER: _ClassVar[GroupRole]
    GROUP_ROLE_ADMIN: _ClassVar[GroupRole]
    GROUP_ROLE_OWNER: _ClassVar[GroupRole]
GROUP_ROLE_UNKNOWN: GroupRole
GROUP_ROLE_MEMBER: GroupRole
GROUP_ROLE_ADMIN: GroupRole
GROUP_ROLE_OWNER: GroupRole

class HistoryRule(_message.Message):
    __slots__ = ("kind", "last")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INVITED: _ClassVar[HistoryRule.Kind]
        NONE: _ClassVar[HistoryRule.Kind]
        LAST: _ClassVar[HistoryRule.Kind]
    INVITED: HistoryRule.Kind
    NONE: HistoryRule.Kind
    LAST: HistoryRule.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    kind: HistoryRule.Kind
    last: int
    def __init__(self, kind: _Optional[_Union[HistoryRule.Kind, str]] = ..., last: _Optional[int] = ...) -> None: ...

class SharedState(_message.Message):
    __slots__ = ("version", "name", "avatar", "timer", "history", "people", "cards", "room_key", "join_key", "admin_keys", "admins", "moving")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    CARDS_FIELD_NUMBER: _ClassVar[int]
    ROOM_KEY_FIELD_NUMBER: _ClassVar[int]
    JOIN_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMIN_KEYS_FIELD_NUMBER: _ClassVar[int]
    ADMINS_FIELD_NUMBER: _ClassVar[int]
    MOVING_FIELD_NUMBER: _ClassVar[int]
    version: int
    name: str
    avatar: bytes
    timer: int
    history: HistoryRule
    people: _containers.RepeatedCompositeFieldContainer[GroupPerson]
    cards: _containers.RepeatedCompositeFieldContainer[MemberCard]
    room_key: bytes
    join_key: bytes
    admin_keys: _containers.RepeatedCompositeFieldContainer[AdminKey]
    admins: _groups_pb2.SignedAdmins
    moving: str
    def __init__(self, version: _Optional[int] = ..., name: _Optional[str] = ..., avatar: _Optional[bytes] = ..., timer: _Optional[int] = ..., history: _Optional[_Union[HistoryRule, _Mapping]] = ..., people: _Optional[_Iterable[_Union[GroupPerson, _Mapping]]] = ..., cards: _Optional[_Iterable[_Union[MemberCard, _Mapping]]] = ..., room_key: _Optional[bytes] = ..., join_key: _Optional[bytes] = ..., admin_keys: _Optional[_Iterable[_Union[AdminKey, _Mapping]]] = ..., admins: _Optional[_Union[_groups_pb2.SignedAdmins, _Mapping]] = ..., moving: _Optional[str] = ...) -> None: ...

class AdminKey(_message.Message):
    __slots__ = ("device", "key")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    key: bytes
    def __init__(self, device: _Optional[bytes] = ..., key: _Optional[bytes] = ...) -> None: ...

class GroupPerson(_message.Message):
    __slots__ = ("user", "address", "user_key", "attestation", "role", "by")
    USER_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    address: str
    user_key: bytes
    attestation: _keys_pb2.Signed
    role: GroupRole
    by: bytes
    def __init__(self, user: _Optional[bytes] = ..., address: _Optional[str] = ..., user_key: _Optional[bytes] = ..., attestation: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., role: _Optional[_Union[GroupRole, str]] = ..., by: _Optional[bytes] = ...) -> None: ...

class MemberCard(_message.Message):
    __slots__ = ("user", "certificate", "key_package", "proof", "token_hash")
    USER_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    KEY_PACKAGE_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    TOKEN_HASH_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    certificate: _keys_pb2.Signed
    key_package: bytes
    proof: _keys_pb2.Signed
    token_hash: bytes
    def __init__(self, user: _Optional[bytes] = ..., certificate: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., key_package: _Optional[bytes] = ..., proof: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., token_hash: _Optional[bytes] = ...) -> None: ...

class SharedChange(_message.Message):
    __slots__ = ("version", "people", "cards", "name", "avatar", "timer", "history", "roles", "join_key", "admin_key", "admins", "moving")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    CARDS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    JOIN_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMIN_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMINS_FIELD_NUMBER: _ClassVar[int]
    MOVING_FIELD_NUMBER: _ClassVar[int]
    version: int
    people: _containers.RepeatedCompositeFieldContainer[GroupPerson]
    cards: _containers.RepeatedCompositeFieldContainer[MemberCard]
    name: str
    avatar: bytes
    timer: int
    history: HistoryRule
    roles: _containers.RepeatedCompositeFieldContainer[RoleChange]
    join_key: bytes
    admin_key: bytes
    admins: _groups_pb2.SignedAdmins
    moving: str
    def __init__(self, version: _Optional[int] = ..., people: _Optional[_Iterable[_Union[GroupPerson, _Mapping]]] = ..., cards: _Optional[_Iterable[_Union[MemberCard, _Mapping]]] = ..., name: _Optional[str] = ..., avatar: _Optional[bytes] = ..., timer: _Optional[int] = ..., history: _Optional[_Union[HistoryRule, _Mapping]] = ..., roles: _Optional[_Iterable[_Union[RoleChange, _Mapping]]] = ..., join_key: _Optional[bytes] = ..., admin_key: _Optional[bytes] = ..., admins: _Optional[_Union[_groups_pb2.SignedAdmins, _Mapping]] = ..., moving: _Optional[str] = ...) -> None: ...

class RoleChange(_message.Message):
    __slots__ = ("user", "role")
    USER_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    role: GroupRole
    def __init__(self, user: _Optional[bytes] = ..., role: _Optional[_Union[GroupRole, str]] = ...) -> None: ...

class GroupSaid(_message.Message):
    __slots__ = ("version", "message", "past", "lack")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PAST_FIELD_NUMBER: _ClassVar[int]
    LACK_FIELD_NUMBER: _ClassVar[int]
    version: int
    message: GroupMessage
    past: GroupPast
    lack: GroupLack
    def __init__(self, version: _Optional[int] = ..., message: _Optional[_Union[GroupMessage, _Mapping]] = ..., past: _Optional[_Union[GroupPast, _Mapping]] = ..., lack: _Optional[_Union[GroupLack, _Mapping]] = ...) -> None: ...

class GroupMessage(_message.Message):
    __slots__ = ("id", "content", "timer")
    ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    content: bytes
    timer: int
    def __init__(self, id: _Optional[bytes] = ..., content: _Optional[bytes] = ..., timer: _Optional[int] = ...) -> None: ...

class GroupPast(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[PastMessage]
    def __init__(self, messages: _Optional[_Iterable[_Union[PastMessage, _Mapping]]] = ...) -> None: ...

class GroupLack(_message.Message):
    __slots__ = ("term", "seq", "until_term", "until_epoch")
    TERM_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TERM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_EPOCH_FIELD_NUMBER: _ClassVar[int]
    term: int
    seq: int
    until_term: int
    until_epoch: int
    def __init__(self, term: _Optional[int] = ..., seq: _Optional[int] = ..., until_term: _Optional[int] = ..., until_epoch: _Optional[int] = ...) -> None: ...

class PastMessage(_message.Message):
    __slots__ = ("id", "user", "device", "address", "content", "timer")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    user: bytes
    device: bytes
    address: str
    content: bytes
    timer: int
    def __init__(self, id: _Optional[bytes] = ..., user: _Optional[bytes] = ..., device: _Optional[bytes] = ..., address: _Optional[str] = ..., content: _Optional[bytes] = ..., timer: _Optional[int] = ...) -> None: ...

class JoinExtra(_message.Message):
    __slots__ = ("token", "hub", "term")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    token: bytes
    hub: str
    term: int
    def __init__(self, token: _Optional[bytes] = ..., hub: _Optional[str] = ..., term: _Optional[int] = ...) -> None: ...

class RoomRecord(_message.Message):
    __slots__ = ("group_info", "state")
    GROUP_INFO_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    group_info: bytes
    state: SharedState
    def __init__(self, group_info: _Optional[bytes] = ..., state: _Optional[_Union[SharedState, _Mapping]] = ...) -> None: ...

class SealedRecord(_message.Message):
    __slots__ = ("record", "keys")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    record: bytes
    keys: _containers.RepeatedCompositeFieldContainer[RecordKey]
    def __init__(self, record: _Optional[bytes] = ..., keys: _Optional[_Iterable[_Union[RecordKey, _Mapping]]] = ...) -> None: ...

class RecordKey(_message.Message):
    __slots__ = ("place", "sealed")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    place: bytes
    sealed: bytes
    def __init__(self, place: _Optional[bytes] = ..., sealed: _Optional[bytes] = ...) -> None: ...

class GroupLink(_message.Message):
    __slots__ = ("group", "hub", "term", "join_key", "room_key")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    JOIN_KEY_FIELD_NUMBER: _ClassVar[int]
    ROOM_KEY_FIELD_NUMBER: _ClassVar[int]
    group: bytes
    hub: str
    term: int
    join_key: bytes
    room_key: bytes
    def __init__(self, group: _Optional[bytes] = ..., hub: _Optional[str] = ..., term: _Optional[int] = ..., join_key: _Optional[bytes] = ..., room_key: _Optional[bytes] = ...) -> None: ...
