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
    __slots__ = ()
    def __init__(self) -> None: ...

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
    __slots__ = ("version", "sent_ms", "intro", "text", "receipt", "control", "own")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SENT_MS_FIELD_NUMBER: _ClassVar[int]
    INTRO_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    CONTROL_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    version: int
    sent_ms: int
    intro: Introduction
    text: Text
    receipt: Receipt
    control: Control
    own: OwnCopies
    def __init__(self, version: _Optional[int] = ..., sent_ms: _Optional[int] = ..., intro: _Optional[_Union[Introduction, _Mapping]] = ..., text: _Optional[_Union[Text, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., control: _Optional[_Union[Control, _Mapping]] = ..., own: _Optional[_Union[OwnCopies, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("text", "subject", "reply_to")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    text: str
    subject: str
    reply_to: bytes
    def __init__(self, text: _Optional[str] = ..., subject: _Optional[str] = ..., reply_to: _Optional[bytes] = ...) -> None: ...

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
    __slots__ = ("accept", "profile_key", "device_lists", "contact", "resend")
    ACCEPT_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LISTS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    RESEND_FIELD_NUMBER: _ClassVar[int]
    accept: Accept
    profile_key: ProfileKey
    device_lists: DeviceLists
    contact: Contact
    resend: Resend
    def __init__(self, accept: _Optional[_Union[Accept, _Mapping]] = ..., profile_key: _Optional[_Union[ProfileKey, _Mapping]] = ..., device_lists: _Optional[_Union[DeviceLists, _Mapping]] = ..., contact: _Optional[_Union[Contact, _Mapping]] = ..., resend: _Optional[_Union[Resend, _Mapping]] = ...) -> None: ...

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

class Contact(_message.Message):
    __slots__ = ("user", "address", "user_key", "attestation", "device_list", "profile_key", "state", "name")
    USER_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    address: str
    user_key: bytes
    attestation: _keys_pb2.Signed
    device_list: _keys_pb2.Signed
    profile_key: bytes
    state: str
    name: str
    def __init__(self, user: _Optional[bytes] = ..., address: _Optional[str] = ..., user_key: _Optional[bytes] = ..., attestation: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., profile_key: _Optional[bytes] = ..., state: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

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
