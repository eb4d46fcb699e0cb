from connexa.wire.v1 import groups_pb2 as _groups_pb2
from connexa.wire.v1 import keys_pb2 as _keys_pb2
from connexa.wire.v1 import message_pb2 as _message_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODE_UNKNOWN: _ClassVar[Mode]
    MODE_MAILBOX: _ClassVar[Mode]
    MODE_SUBMIT: _ClassVar[Mode]
    MODE_REGISTER: _ClassVar[Mode]
    MODE_PAIR: _ClassVar[Mode]

class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATUS_MALFORMED: _ClassVar[Status]
    STATUS_ACCEPTED: _ClassVar[Status]
    STATUS_NO_SUCH_USER: _ClassVar[Status]
    STATUS_QUOTA_EXCEEDED: _ClassVar[Status]
    STATUS_RATE_LIMITED: _ClassVar[Status]
    STATUS_BLOCKED: _ClassVar[Status]
    STATUS_UNAVAILABLE: _ClassVar[Status]
    STATUS_STALE_DEVICES: _ClassVar[Status]
    STATUS_BAD_RIGHT: _ClassVar[Status]
    STATUS_TOO_LARGE: _ClassVar[Status]
    STATUS_EXPIRED: _ClassVar[Status]
    STATUS_TEMPORARY: _ClassVar[Status]
    STATUS_VERSION: _ClassVar[Status]
    STATUS_MALFORMED_ENVELOPE: _ClassVar[Status]

class PushClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PUSH_UNKNOWN: _ClassVar[PushClass]
    PUSH_CONTACT: _ClassVar[PushClass]
    PUSH_REQUEST: _ClassVar[PushClass]
    PUSH_OWN: _ClassVar[PushClass]
MODE_UNKNOWN: Mode
MODE_MAILBOX: Mode
MODE_SUBMIT: Mode
MODE_REGISTER: Mode
MODE_PAIR: Mode
STATUS_MALFORMED: Status
STATUS_ACCEPTED: Status
STATUS_NO_SUCH_USER: Status
STATUS_QUOTA_EXCEEDED: Status
STATUS_RATE_LIMITED: Status
STATUS_BLOCKED: Status
STATUS_UNAVAILABLE: Status
STATUS_STALE_DEVICES: Status
STATUS_BAD_RIGHT: Status
STATUS_TOO_LARGE: Status
STATUS_EXPIRED: Status
STATUS_TEMPORARY: Status
STATUS_VERSION: Status
STATUS_MALFORMED_ENVELOPE: Status
PUSH_UNKNOWN: PushClass
PUSH_CONTACT: PushClass
PUSH_REQUEST: PushClass
PUSH_OWN: PushClass

class Refused(_message.Message):
    __slots__ = ("number", "status")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    number: int
    status: Status
    def __init__(self, number: _Optional[int] = ..., status: _Optional[_Union[Status, str]] = ...) -> None: ...

class LinkUp(_message.Message):
    __slots__ = ("hello", "login", "register", "pair", "pair_data", "send", "ack", "resume", "outcome_ack", "call")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    LOGIN_FIELD_NUMBER: _ClassVar[int]
    PASS_FIELD_NUMBER: _ClassVar[int]
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    PAIR_FIELD_NUMBER: _ClassVar[int]
    PAIR_DATA_FIELD_NUMBER: _ClassVar[int]
    SEND_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_ACK_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    hello: LinkHello
    login: Login
    register: Register
    pair: PairOpen
    pair_data: PairData
    send: Send
    ack: AckUp
    resume: Resume
    outcome_ack: OutcomeAck
    call: Call
    def __init__(self, hello: _Optional[_Union[LinkHello, _Mapping]] = ..., login: _Optional[_Union[Login, _Mapping]] = ..., register: _Optional[_Union[Register, _Mapping]] = ..., pair: _Optional[_Union[PairOpen, _Mapping]] = ..., pair_data: _Optional[_Union[PairData, _Mapping]] = ..., send: _Optional[_Union[Send, _Mapping]] = ..., ack: _Optional[_Union[AckUp, _Mapping]] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ..., outcome_ack: _Optional[_Union[OutcomeAck, _Mapping]] = ..., call: _Optional[_Union[Call, _Mapping]] = ..., **kwargs) -> None: ...

class LinkHello(_message.Message):
    __slots__ = ("min", "max", "mode")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    min: int
    max: int
    mode: Mode
    def __init__(self, min: _Optional[int] = ..., max: _Optional[int] = ..., mode: _Optional[_Union[Mode, str]] = ...) -> None: ...

class Login(_message.Message):
    __slots__ = ("user", "device", "signature")
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    device: bytes
    signature: bytes
    def __init__(self, user: _Optional[bytes] = ..., device: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class PassShow(_message.Message):
    __slots__ = ("key", "input", "proof", "use")
    class Use(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[PassShow.Use]
        STREAM: _ClassVar[PassShow.Use]
        STEP: _ClassVar[PassShow.Use]
    UNKNOWN: PassShow.Use
    STREAM: PassShow.Use
    STEP: PassShow.Use
    KEY_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    USE_FIELD_NUMBER: _ClassVar[int]
    key: int
    input: bytes
    proof: bytes
    use: PassShow.Use
    def __init__(self, key: _Optional[int] = ..., input: _Optional[bytes] = ..., proof: _Optional[bytes] = ..., use: _Optional[_Union[PassShow.Use, str]] = ...) -> None: ...

class Register(_message.Message):
    __slots__ = ("invite", "localpart", "user_key", "certificate", "device_list", "signature")
    INVITE_FIELD_NUMBER: _ClassVar[int]
    LOCALPART_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    invite: bytes
    localpart: str
    user_key: bytes
    certificate: _keys_pb2.Signed
    device_list: _keys_pb2.Signed
    signature: bytes
    def __init__(self, invite: _Optional[bytes] = ..., localpart: _Optional[str] = ..., user_key: _Optional[bytes] = ..., certificate: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., signature: _Optional[bytes] = ...) -> None: ...

class PairOpen(_message.Message):
    __slots__ = ("slot",)
    SLOT_FIELD_NUMBER: _ClassVar[int]
    slot: bytes
    def __init__(self, slot: _Optional[bytes] = ...) -> None: ...

class PairData(_message.Message):
    __slots__ = ("payload",)
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: bytes
    def __init__(self, payload: _Optional[bytes] = ...) -> None: ...

class Send(_message.Message):
    __slots__ = ("envelopes",)
    ENVELOPES_FIELD_NUMBER: _ClassVar[int]
    envelopes: _containers.RepeatedCompositeFieldContainer[NumberedEnvelope]
    def __init__(self, envelopes: _Optional[_Iterable[_Union[NumberedEnvelope, _Mapping]]] = ...) -> None: ...

class NumberedEnvelope(_message.Message):
    __slots__ = ("number", "envelope")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    number: int
    envelope: bytes
    def __init__(self, number: _Optional[int] = ..., envelope: _Optional[bytes] = ...) -> None: ...

class AckUp(_message.Message):
    __slots__ = ("seqs",)
    SEQS_FIELD_NUMBER: _ClassVar[int]
    seqs: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, seqs: _Optional[_Iterable[int]] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ("last", "window")
    LAST_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    last: int
    window: int
    def __init__(self, last: _Optional[int] = ..., window: _Optional[int] = ...) -> None: ...

class OutcomeAck(_message.Message):
    __slots__ = ("numbers",)
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class Call(_message.Message):
    __slots__ = ("id", "put_prekeys", "prekey_status", "put_device_list", "sender_certificate", "issue_passes", "put_token_keys", "put_invite", "set_door", "own_bundles", "own_list", "put_key_packages", "key_package_status", "own_key_packages", "put_aliases", "welcomes", "welcomes_done", "lookup", "claim", "where", "claim_key_packages", "group", "domain")
    ID_FIELD_NUMBER: _ClassVar[int]
    PUT_PREKEYS_FIELD_NUMBER: _ClassVar[int]
    PREKEY_STATUS_FIELD_NUMBER: _ClassVar[int]
    PUT_DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    SENDER_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    ISSUE_PASSES_FIELD_NUMBER: _ClassVar[int]
    PUT_TOKEN_KEYS_FIELD_NUMBER: _ClassVar[int]
    PUT_INVITE_FIELD_NUMBER: _ClassVar[int]
    SET_DOOR_FIELD_NUMBER: _ClassVar[int]
    OWN_BUNDLES_FIELD_NUMBER: _ClassVar[int]
    OWN_LIST_FIELD_NUMBER: _ClassVar[int]
    PUT_KEY_PACKAGES_FIELD_NUMBER: _ClassVar[int]
    KEY_PACKAGE_STATUS_FIELD_NUMBER: _ClassVar[int]
    OWN_KEY_PACKAGES_FIELD_NUMBER: _ClassVar[int]
    PUT_ALIASES_FIELD_NUMBER: _ClassVar[int]
    WELCOMES_FIELD_NUMBER: _ClassVar[int]
    WELCOMES_DONE_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    CLAIM_KEY_PACKAGES_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    id: int
    put_prekeys: PutPrekeys
    prekey_status: PrekeyStatus
    put_device_list: PutDeviceList
    sender_certificate: GetSenderCertificate
    issue_passes: IssuePasses
    put_token_keys: PutTokenKeys
    put_invite: PutInvite
    set_door: SetDoor
    own_bundles: OwnBundles
    own_list: GetOwnList
    put_key_packages: _groups_pb2.PutKeyPackages
    key_package_status: _groups_pb2.KeyPackageStatus
    own_key_packages: _groups_pb2.OwnKeyPackages
    put_aliases: _groups_pb2.PutAliases
    welcomes: _groups_pb2.GetWelcomes
    welcomes_done: _groups_pb2.WelcomesDone
    lookup: LookupRequest
    claim: ClaimRequest
    where: WhereIs
    claim_key_packages: ClaimKeyPackages
    group: _groups_pb2.GroupCall
    domain: GetDomain
    def __init__(self, id: _Optional[int] = ..., put_prekeys: _Optional[_Union[PutPrekeys, _Mapping]] = ..., prekey_status: _Optional[_Union[PrekeyStatus, _Mapping]] = ..., put_device_list: _Optional[_Union[PutDeviceList, _Mapping]] = ..., sender_certificate: _Optional[_Union[GetSenderCertificate, _Mapping]] = ..., issue_passes: _Optional[_Union[IssuePasses, _Mapping]] = ..., put_token_keys: _Optional[_Union[PutTokenKeys, _Mapping]] = ..., put_invite: _Optional[_Union[PutInvite, _Mapping]] = ..., set_door: _Optional[_Union[SetDoor, _Mapping]] = ..., own_bundles: _Optional[_Union[OwnBundles, _Mapping]] = ..., own_list: _Optional[_Union[GetOwnList, _Mapping]] = ..., put_key_packages: _Optional[_Union[_groups_pb2.PutKeyPackages, _Mapping]] = ..., key_package_status: _Optional[_Union[_groups_pb2.KeyPackageStatus, _Mapping]] = ..., own_key_packages: _Optional[_Union[_groups_pb2.OwnKeyPackages, _Mapping]] = ..., put_aliases: _Optional[_Union[_groups_pb2.PutAliases, _Mapping]] = ..., welcomes: _Optional[_Union[_groups_pb2.GetWelcomes, _Mapping]] = ..., welcomes_done: _Optional[_Union[_groups_pb2.WelcomesDone, _Mapping]] = ..., lookup: _Optional[_Union[LookupRequest, _Mapping]] = ..., claim: _Optional[_Union[ClaimRequest, _Mapping]] = ..., where: _Optional[_Union[WhereIs, _Mapping]] = ..., claim_key_packages: _Optional[_Union[ClaimKeyPackages, _Mapping]] = ..., group: _Optional[_Union[_groups_pb2.GroupCall, _Mapping]] = ..., domain: _Optional[_Union[GetDomain, _Mapping]] = ...) -> None: ...

class LinkDown(_message.Message):
    __slots__ = ("challenge", "ready", "registered", "pair_data", "committed", "push", "outcome", "reply", "notice", "hints")
    CHALLENGE_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    PAIR_DATA_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    PUSH_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    HINTS_FIELD_NUMBER: _ClassVar[int]
    challenge: Challenge
    ready: Ready
    registered: Registered
    pair_data: PairData
    committed: Committed
    push: Push
    outcome: Outcome
    reply: Reply
    notice: Notice
    hints: _groups_pb2.GroupHints
    def __init__(self, challenge: _Optional[_Union[Challenge, _Mapping]] = ..., ready: _Optional[_Union[Ready, _Mapping]] = ..., registered: _Optional[_Union[Registered, _Mapping]] = ..., pair_data: _Optional[_Union[PairData, _Mapping]] = ..., committed: _Optional[_Union[Committed, _Mapping]] = ..., push: _Optional[_Union[Push, _Mapping]] = ..., outcome: _Optional[_Union[Outcome, _Mapping]] = ..., reply: _Optional[_Union[Reply, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., hints: _Optional[_Union[_groups_pb2.GroupHints, _Mapping]] = ...) -> None: ...

class Challenge(_message.Message):
    __slots__ = ("version", "nonce", "time", "min", "max")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    version: int
    nonce: bytes
    time: int
    min: int
    max: int
    def __init__(self, version: _Optional[int] = ..., nonce: _Optional[bytes] = ..., time: _Optional[int] = ..., min: _Optional[int] = ..., max: _Optional[int] = ...) -> None: ...

class Ready(_message.Message):
    __slots__ = ("last", "limits", "time", "server_info", "device_list", "acked")
    LAST_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    ACKED_FIELD_NUMBER: _ClassVar[int]
    last: int
    limits: _keys_pb2.Policy
    time: int
    server_info: _keys_pb2.Signed
    device_list: _keys_pb2.Signed
    acked: int
    def __init__(self, last: _Optional[int] = ..., limits: _Optional[_Union[_keys_pb2.Policy, _Mapping]] = ..., time: _Optional[int] = ..., server_info: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., acked: _Optional[int] = ...) -> None: ...

class Registered(_message.Message):
    __slots__ = ("attestation", "device_list", "certificates")
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    attestation: _keys_pb2.Signed
    device_list: _keys_pb2.Signed
    certificates: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    def __init__(self, attestation: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., certificates: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ...) -> None: ...

class Committed(_message.Message):
    __slots__ = ("up_to", "refused")
    UP_TO_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    up_to: int
    refused: _containers.RepeatedCompositeFieldContainer[Refused]
    def __init__(self, up_to: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[Refused, _Mapping]]] = ...) -> None: ...

class Push(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[PushItem]
    def __init__(self, items: _Optional[_Iterable[_Union[PushItem, _Mapping]]] = ...) -> None: ...

class PushItem(_message.Message):
    __slots__ = ("seq", "accepted_at", "envelope", "body", "packet")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    CLASS_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    PACKET_FIELD_NUMBER: _ClassVar[int]
    seq: int
    accepted_at: int
    envelope: bytes
    body: bytes
    packet: _message_pb2.Packet
    def __init__(self, seq: _Optional[int] = ..., accepted_at: _Optional[int] = ..., envelope: _Optional[bytes] = ..., body: _Optional[bytes] = ..., packet: _Optional[_Union[_message_pb2.Packet, _Mapping]] = ..., **kwargs) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("refused",)
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    refused: _containers.RepeatedCompositeFieldContainer[Refused]
    def __init__(self, refused: _Optional[_Iterable[_Union[Refused, _Mapping]]] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("code", "number")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    code: str
    number: int
    def __init__(self, code: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("id", "failure", "empty", "prekey_status", "sender_certificate", "passes", "own_bundles", "own_list", "key_package_status", "key_packages", "welcomes", "lookup", "claim", "where", "group", "domain")
    ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    EMPTY_FIELD_NUMBER: _ClassVar[int]
    PREKEY_STATUS_FIELD_NUMBER: _ClassVar[int]
    SENDER_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    PASSES_FIELD_NUMBER: _ClassVar[int]
    OWN_BUNDLES_FIELD_NUMBER: _ClassVar[int]
    OWN_LIST_FIELD_NUMBER: _ClassVar[int]
    KEY_PACKAGE_STATUS_FIELD_NUMBER: _ClassVar[int]
    KEY_PACKAGES_FIELD_NUMBER: _ClassVar[int]
    WELCOMES_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    CLAIM_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    id: int
    failure: Failure
    empty: Empty
    prekey_status: PrekeyStatusReply
    sender_certificate: _keys_pb2.Signed
    passes: PassesReply
    own_bundles: BundlesReply
    own_list: _keys_pb2.Signed
    key_package_status: _groups_pb2.KeyPackageStatusReply
    key_packages: KeyPackagesReply
    welcomes: _groups_pb2.WelcomesReply
    lookup: LookupReply
    claim: ClaimReply
    where: WhereReply
    group: _groups_pb2.GroupReply
    domain: DomainReply
    def __init__(self, id: _Optional[int] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., empty: _Optional[_Union[Empty, _Mapping]] = ..., prekey_status: _Optional[_Union[PrekeyStatusReply, _Mapping]] = ..., sender_certificate: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., passes: _Optional[_Union[PassesReply, _Mapping]] = ..., own_bundles: _Optional[_Union[BundlesReply, _Mapping]] = ..., own_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., key_package_status: _Optional[_Union[_groups_pb2.KeyPackageStatusReply, _Mapping]] = ..., key_packages: _Optional[_Union[KeyPackagesReply, _Mapping]] = ..., welcomes: _Optional[_Union[_groups_pb2.WelcomesReply, _Mapping]] = ..., lookup: _Optional[_Union[LookupReply, _Mapping]] = ..., claim: _Optional[_Union[ClaimReply, _Mapping]] = ..., where: _Optional[_Union[WhereReply, _Mapping]] = ..., group: _Optional[_Union[_groups_pb2.GroupReply, _Mapping]] = ..., domain: _Optional[_Union[DomainReply, _Mapping]] = ...) -> None: ...

class Empty(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "retryable")
    CODE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    code: str
    retryable: bool
    def __init__(self, code: _Optional[str] = ..., retryable: _Optional[bool] = ...) -> None: ...

class PutPrekeys(_message.Message):
    __slots__ = ("spk", "last_resort", "one_time", "seks", "anew")
    SPK_FIELD_NUMBER: _ClassVar[int]
    LAST_RESORT_FIELD_NUMBER: _ClassVar[int]
    ONE_TIME_FIELD_NUMBER: _ClassVar[int]
    SEKS_FIELD_NUMBER: _ClassVar[int]
    ANEW_FIELD_NUMBER: _ClassVar[int]
    spk: _keys_pb2.Signed
    last_resort: _keys_pb2.Signed
    one_time: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    seks: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    anew: bool
    def __init__(self, spk: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., last_resort: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., one_time: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ..., seks: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ..., anew: _Optional[bool] = ...) -> None: ...

class PrekeyStatus(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PrekeyStatusReply(_message.Message):
    __slots__ = ("one_time", "spk", "last_resort", "sek_until")
    ONE_TIME_FIELD_NUMBER: _ClassVar[int]
    SPK_FIELD_NUMBER: _ClassVar[int]
    LAST_RESORT_FIELD_NUMBER: _ClassVar[int]
    SEK_UNTIL_FIELD_NUMBER: _ClassVar[int]
    one_time: int
    spk: int
    last_resort: int
    sek_until: int
    def __init__(self, one_time: _Optional[int] = ..., spk: _Optional[int] = ..., last_resort: _Optional[int] = ..., sek_until: _Optional[int] = ...) -> None: ...

class PutDeviceList(_message.Message):
    __slots__ = ("device_list", "certificates")
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    device_list: _keys_pb2.Signed
    certificates: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    def __init__(self, device_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., certificates: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ...) -> None: ...

class GetSenderCertificate(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetOwnList(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class IssuePasses(_message.Message):
    __slots__ = ("blinded", "media")
    BLINDED_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    blinded: _containers.RepeatedScalarFieldContainer[bytes]
    media: bool
    def __init__(self, blinded: _Optional[_Iterable[bytes]] = ..., media: _Optional[bool] = ...) -> None: ...

class PassesReply(_message.Message):
    __slots__ = ("key", "evaluated", "proof")
    KEY_FIELD_NUMBER: _ClassVar[int]
    EVALUATED_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    key: int
    evaluated: _containers.RepeatedScalarFieldContainer[bytes]
    proof: bytes
    def __init__(self, key: _Optional[int] = ..., evaluated: _Optional[_Iterable[bytes]] = ..., proof: _Optional[bytes] = ...) -> None: ...

class PutTokenKeys(_message.Message):
    __slots__ = ("keys", "replace")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[TokenKey]
    replace: bool
    def __init__(self, keys: _Optional[_Iterable[_Union[TokenKey, _Mapping]]] = ..., replace: _Optional[bool] = ...) -> None: ...

class TokenKey(_message.Message):
    __slots__ = ("week", "key")
    WEEK_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    week: int
    key: bytes
    def __init__(self, week: _Optional[int] = ..., key: _Optional[bytes] = ...) -> None: ...

class PutInvite(_message.Message):
    __slots__ = ("id", "secret", "uses", "expires")
    ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    secret: bytes
    uses: int
    expires: int
    def __init__(self, id: _Optional[bytes] = ..., secret: _Optional[bytes] = ..., uses: _Optional[int] = ..., expires: _Optional[int] = ...) -> None: ...

class SetDoor(_message.Message):
    __slots__ = ("discoverable",)
    DISCOVERABLE_FIELD_NUMBER: _ClassVar[int]
    discoverable: bool
    def __init__(self, discoverable: _Optional[bool] = ...) -> None: ...

class OwnBundles(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, devices: _Optional[_Iterable[bytes]] = ...) -> None: ...

class BundlesReply(_message.Message):
    __slots__ = ("bundles",)
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    bundles: _containers.RepeatedCompositeFieldContainer[_keys_pb2.PrekeyBundle]
    def __init__(self, bundles: _Optional[_Iterable[_Union[_keys_pb2.PrekeyBundle, _Mapping]]] = ...) -> None: ...

class Right(_message.Message):
    __slots__ = ("token", "invite", "stranger")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    INVITE_FIELD_NUMBER: _ClassVar[int]
    STRANGER_FIELD_NUMBER: _ClassVar[int]
    token: bytes
    invite: _message_pb2.InviteProof
    stranger: _message_pb2.Step
    def __init__(self, token: _Optional[bytes] = ..., invite: _Optional[_Union[_message_pb2.InviteProof, _Mapping]] = ..., stranger: _Optional[_Union[_message_pb2.Step, _Mapping]] = ...) -> None: ...

class LookupRequest(_message.Message):
    __slots__ = ("id", "query", "right")
    ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    query: bytes
    right: Right
    def __init__(self, id: _Optional[bytes] = ..., query: _Optional[bytes] = ..., right: _Optional[_Union[Right, _Mapping]] = ...) -> None: ...

class Lookup(_message.Message):
    __slots__ = ("domain", "localpart", "user", "known_version")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    LOCALPART_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    KNOWN_VERSION_FIELD_NUMBER: _ClassVar[int]
    domain: str
    localpart: str
    user: bytes
    known_version: int
    def __init__(self, domain: _Optional[str] = ..., localpart: _Optional[str] = ..., user: _Optional[bytes] = ..., known_version: _Optional[int] = ...) -> None: ...

class LookupReply(_message.Message):
    __slots__ = ("status", "user_key", "attestation", "device_lists", "certificates", "seks", "padding")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LISTS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SEKS_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    status: Status
    user_key: bytes
    attestation: _keys_pb2.Signed
    device_lists: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    certificates: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    seks: _containers.RepeatedCompositeFieldContainer[_keys_pb2.Signed]
    padding: bytes
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., user_key: _Optional[bytes] = ..., attestation: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_lists: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ..., certificates: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ..., seks: _Optional[_Iterable[_Union[_keys_pb2.Signed, _Mapping]]] = ..., padding: _Optional[bytes] = ...) -> None: ...

class ClaimRequest(_message.Message):
    __slots__ = ("id", "query", "right")
    ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    query: bytes
    right: Right
    def __init__(self, id: _Optional[bytes] = ..., query: _Optional[bytes] = ..., right: _Optional[_Union[Right, _Mapping]] = ...) -> None: ...

class Claim(_message.Message):
    __slots__ = ("domain", "user", "devices")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    domain: str
    user: bytes
    devices: _containers.RepeatedScalarFieldContainer[bytes]
    def __init__(self, domain: _Optional[str] = ..., user: _Optional[bytes] = ..., devices: _Optional[_Iterable[bytes]] = ...) -> None: ...

class ClaimReply(_message.Message):
    __slots__ = ("status", "bundles", "padding")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    BUNDLES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    status: Status
    bundles: _containers.RepeatedCompositeFieldContainer[_keys_pb2.PrekeyBundle]
    padding: bytes
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., bundles: _Optional[_Iterable[_Union[_keys_pb2.PrekeyBundle, _Mapping]]] = ..., padding: _Optional[bytes] = ...) -> None: ...

class ClaimKeyPackages(_message.Message):
    __slots__ = ("id", "query", "right")
    ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    id: bytes
    query: bytes
    right: Right
    def __init__(self, id: _Optional[bytes] = ..., query: _Optional[bytes] = ..., right: _Optional[_Union[Right, _Mapping]] = ...) -> None: ...

class KeyPackagesReply(_message.Message):
    __slots__ = ("status", "packages", "padding")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    status: Status
    packages: _containers.RepeatedCompositeFieldContainer[ClaimedKeyPackage]
    padding: bytes
    def __init__(self, status: _Optional[_Union[Status, str]] = ..., packages: _Optional[_Iterable[_Union[ClaimedKeyPackage, _Mapping]]] = ..., padding: _Optional[bytes] = ...) -> None: ...

class ClaimedKeyPackage(_message.Message):
    __slots__ = ("certificate", "offered")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    OFFERED_FIELD_NUMBER: _ClassVar[int]
    certificate: _keys_pb2.Signed
    offered: _groups_pb2.OfferedKeyPackage
    def __init__(self, certificate: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., offered: _Optional[_Union[_groups_pb2.OfferedKeyPackage, _Mapping]] = ...) -> None: ...

class WhereIs(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class WhereReply(_message.Message):
    __slots__ = ("place", "status")
    class Place(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        UNKNOWN: _ClassVar[WhereReply.Place]
        QUEUED: _ClassVar[WhereReply.Place]
        ACCEPTED: _ClassVar[WhereReply.Place]
        REFUSED: _ClassVar[WhereReply.Place]
        EXPIRED: _ClassVar[WhereReply.Place]
    UNKNOWN: WhereReply.Place
    QUEUED: WhereReply.Place
    ACCEPTED: WhereReply.Place
    REFUSED: WhereReply.Place
    EXPIRED: WhereReply.Place
    PLACE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    place: WhereReply.Place
    status: Status
    def __init__(self, place: _Optional[_Union[WhereReply.Place, str]] = ..., status: _Optional[_Union[Status, str]] = ...) -> None: ...

class GetDomain(_message.Message):
    __slots__ = ("domain",)
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    domain: str
    def __init__(self, domain: _Optional[str] = ...) -> None: ...

class DomainReply(_message.Message):
    __slots__ = ("server_info", "pinned")
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    server_info: _keys_pb2.Signed
    pinned: bool
    def __init__(self, server_info: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., pinned: _Optional[bool] = ...) -> None: ...

class PairRequest(_message.Message):
    __slots__ = ("device", "dsk", "dik", "name")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    DSK_FIELD_NUMBER: _ClassVar[int]
    DIK_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    dsk: bytes
    dik: bytes
    name: str
    def __init__(self, device: _Optional[bytes] = ..., dsk: _Optional[bytes] = ..., dik: _Optional[bytes] = ..., name: _Optional[str] = ...) -> None: ...

class PairAnswer(_message.Message):
    __slots__ = ("address", "user_key", "attestation")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTESTATION_FIELD_NUMBER: _ClassVar[int]
    address: str
    user_key: bytes
    attestation: _keys_pb2.Signed
    def __init__(self, address: _Optional[str] = ..., user_key: _Optional[bytes] = ..., attestation: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ...) -> None: ...

class PairGrant(_message.Message):
    __slots__ = ("certificate", "device_list", "profile_key")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_LIST_FIELD_NUMBER: _ClassVar[int]
    PROFILE_KEY_FIELD_NUMBER: _ClassVar[int]
    certificate: _keys_pb2.Signed
    device_list: _keys_pb2.Signed
    profile_key: bytes
    def __init__(self, certificate: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., device_list: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ..., profile_key: _Optional[bytes] = ...) -> None: ...

class ContactInvite(_message.Message):
    __slots__ = ("address", "user", "id", "secret", "expires", "domain_key", "federation", "link", "https")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_KEY_FIELD_NUMBER: _ClassVar[int]
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    HTTPS_FIELD_NUMBER: _ClassVar[int]
    address: str
    user: bytes
    id: bytes
    secret: bytes
    expires: int
    domain_key: bytes
    federation: str
    link: str
    https: str
    def __init__(self, address: _Optional[str] = ..., user: _Optional[bytes] = ..., id: _Optional[bytes] = ..., secret: _Optional[bytes] = ..., expires: _Optional[int] = ..., domain_key: _Optional[bytes] = ..., federation: _Optional[str] = ..., link: _Optional[str] = ..., https: _Optional[str] = ...) -> None: ...
