from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Signed(_message.Message):
    __slots__ = ("body", "signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., signature: _Optional[bytes] = ...) -> None: ...

class DeviceCertificate(_message.Message):
    __slots__ = ("user", "device", "dsk", "dik", "not_after", "suites")
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    DSK_FIELD_NUMBER: _ClassVar[int]
    DIK_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    SUITES_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    device: bytes
    dsk: bytes
    dik: bytes
    not_after: int
    suites: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, user: _Optional[bytes] = ..., device: _Optional[bytes] = ..., dsk: _Optional[bytes] = ..., dik: _Optional[bytes] = ..., not_after: _Optional[int] = ..., suites: _Optional[_Iterable[int]] = ...) -> None: ...

class DeviceList(_message.Message):
    __slots__ = ("user", "version", "previous", "devices", "not_after", "backup")
    USER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_FIELD_NUMBER: _ClassVar[int]
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    version: int
    previous: bytes
    devices: _containers.RepeatedCompositeFieldContainer[ListedDevice]
    not_after: int
    backup: int
    def __init__(self, user: _Optional[bytes] = ..., version: _Optional[int] = ..., previous: _Optional[bytes] = ..., devices: _Optional[_Iterable[_Union[ListedDevice, _Mapping]]] = ..., not_after: _Optional[int] = ..., backup: _Optional[int] = ...) -> None: ...

class ListedDevice(_message.Message):
    __slots__ = ("device", "certificate")
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    device: bytes
    certificate: bytes
    def __init__(self, device: _Optional[bytes] = ..., certificate: _Optional[bytes] = ...) -> None: ...

class Attestation(_message.Message):
    __slots__ = ("domain", "localpart", "user", "n")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    LOCALPART_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    domain: str
    localpart: str
    user: bytes
    n: int
    def __init__(self, domain: _Optional[str] = ..., localpart: _Optional[str] = ..., user: _Optional[bytes] = ..., n: _Optional[int] = ...) -> None: ...

class SenderCertificate(_message.Message):
    __slots__ = ("user", "device", "keys", "domain", "expires")
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    user: bytes
    device: bytes
    keys: bytes
    domain: str
    expires: int
    def __init__(self, user: _Optional[bytes] = ..., device: _Optional[bytes] = ..., keys: _Optional[bytes] = ..., domain: _Optional[str] = ..., expires: _Optional[int] = ...) -> None: ...

class Prekey(_message.Message):
    __slots__ = ("type", "id", "user", "device", "expires", "x25519", "mlkem768", "starts")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    X25519_FIELD_NUMBER: _ClassVar[int]
    MLKEM768_FIELD_NUMBER: _ClassVar[int]
    STARTS_FIELD_NUMBER: _ClassVar[int]
    type: str
    id: int
    user: bytes
    device: bytes
    expires: int
    x25519: bytes
    mlkem768: bytes
    starts: int
    def __init__(self, type: _Optional[str] = ..., id: _Optional[int] = ..., user: _Optional[bytes] = ..., device: _Optional[bytes] = ..., expires: _Optional[int] = ..., x25519: _Optional[bytes] = ..., mlkem768: _Optional[bytes] = ..., starts: _Optional[int] = ...) -> None: ...

class PrekeyBundle(_message.Message):
    __slots__ = ("certificate", "spk", "sek", "one_time")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    SPK_FIELD_NUMBER: _ClassVar[int]
    SEK_FIELD_NUMBER: _ClassVar[int]
    ONE_TIME_FIELD_NUMBER: _ClassVar[int]
    certificate: Signed
    spk: Signed
    sek: Signed
    one_time: Signed
    def __init__(self, certificate: _Optional[_Union[Signed, _Mapping]] = ..., spk: _Optional[_Union[Signed, _Mapping]] = ..., sek: _Optional[_Union[Signed, _Mapping]] = ..., one_time: _Optional[_Union[Signed, _Mapping]] = ...) -> None: ...

class InitialPart(_message.Message):
    __slots__ = ("suite", "user_key", "certificate", "spk", "kem", "one_time", "ephemeral", "ciphertext")
    SUITE_FIELD_NUMBER: _ClassVar[int]
    USER_KEY_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    SPK_FIELD_NUMBER: _ClassVar[int]
    KEM_FIELD_NUMBER: _ClassVar[int]
    ONE_TIME_FIELD_NUMBER: _ClassVar[int]
    EPHEMERAL_FIELD_NUMBER: _ClassVar[int]
    CIPHERTEXT_FIELD_NUMBER: _ClassVar[int]
    suite: int
    user_key: bytes
    certificate: Signed
    spk: int
    kem: int
    one_time: bool
    ephemeral: bytes
    ciphertext: bytes
    def __init__(self, suite: _Optional[int] = ..., user_key: _Optional[bytes] = ..., certificate: _Optional[_Union[Signed, _Mapping]] = ..., spk: _Optional[int] = ..., kem: _Optional[int] = ..., one_time: _Optional[bool] = ..., ephemeral: _Optional[bytes] = ..., ciphertext: _Optional[bytes] = ...) -> None: ...

class DomainKey(_message.Message):
    __slots__ = ("id", "key", "not_before", "next")
    ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    key: bytes
    not_before: int
    next: bool
    def __init__(self, id: _Optional[str] = ..., key: _Optional[bytes] = ..., not_before: _Optional[int] = ..., next: _Optional[bool] = ...) -> None: ...

class PassKey(_message.Message):
    __slots__ = ("id", "key")
    ID_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    id: int
    key: bytes
    def __init__(self, id: _Optional[int] = ..., key: _Optional[bytes] = ...) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("domain", "keys", "federation", "link", "https", "pass_keys", "policy", "issued", "expires", "min_version", "max_version", "media_keys")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    FEDERATION_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    HTTPS_FIELD_NUMBER: _ClassVar[int]
    PASS_KEYS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    ISSUED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAX_VERSION_FIELD_NUMBER: _ClassVar[int]
    MEDIA_KEYS_FIELD_NUMBER: _ClassVar[int]
    domain: str
    keys: _containers.RepeatedCompositeFieldContainer[DomainKey]
    federation: str
    link: str
    https: str
    pass_keys: _containers.RepeatedCompositeFieldContainer[PassKey]
    policy: Policy
    issued: int
    expires: int
    min_version: int
    max_version: int
    media_keys: _containers.RepeatedCompositeFieldContainer[PassKey]
    def __init__(self, domain: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[DomainKey, _Mapping]]] = ..., federation: _Optional[str] = ..., link: _Optional[str] = ..., https: _Optional[str] = ..., pass_keys: _Optional[_Iterable[_Union[PassKey, _Mapping]]] = ..., policy: _Optional[_Union[Policy, _Mapping]] = ..., issued: _Optional[int] = ..., expires: _Optional[int] = ..., min_version: _Optional[int] = ..., max_version: _Optional[int] = ..., media_keys: _Optional[_Iterable[_Union[PassKey, _Mapping]]] = ...) -> None: ...

class Policy(_message.Message):
    __slots__ = ("registration", "max_envelope", "max_frame", "mailbox_messages", "mailbox_bytes", "max_ttl_seconds", "passes_per_day", "devices_per_person", "send_per_second", "send_burst", "group_devices", "blind_group_devices", "key_packages", "media_segments", "media_seconds", "media_passes_per_day")
    REGISTRATION_FIELD_NUMBER: _ClassVar[int]
    MAX_ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAME_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PASSES_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    DEVICES_PER_PERSON_FIELD_NUMBER: _ClassVar[int]
    SEND_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    SEND_BURST_FIELD_NUMBER: _ClassVar[int]
    GROUP_DEVICES_FIELD_NUMBER: _ClassVar[int]
    BLIND_GROUP_DEVICES_FIELD_NUMBER: _ClassVar[int]
    KEY_PACKAGES_FIELD_NUMBER: _ClassVar[int]
    MEDIA_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_PASSES_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    registration: str
    max_envelope: int
    max_frame: int
    mailbox_messages: int
    mailbox_bytes: int
    max_ttl_seconds: int
    passes_per_day: int
    devices_per_person: int
    send_per_second: int
    send_burst: int
    group_devices: int
    blind_group_devices: int
    key_packages: int
    media_segments: int
    media_seconds: int
    media_passes_per_day: int
    def __init__(self, registration: _Optional[str] = ..., max_envelope: _Optional[int] = ..., max_frame: _Optional[int] = ..., mailbox_messages: _Optional[int] = ..., mailbox_bytes: _Optional[int] = ..., max_ttl_seconds: _Optional[int] = ..., passes_per_day: _Optional[int] = ..., devices_per_person: _Optional[int] = ..., send_per_second: _Optional[int] = ..., send_burst: _Optional[int] = ..., group_devices: _Optional[int] = ..., blind_group_devices: _Optional[int] = ..., key_packages: _Optional[int] = ..., media_segments: _Optional[int] = ..., media_seconds: _Optional[int] = ..., media_passes_per_day: _Optional[int] = ...) -> None: ...

class DomainRotation(_message.Message):
    __slots__ = ("domain", "old_key", "new_key", "not_before", "overlap_until")
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    OLD_KEY_FIELD_NUMBER: _ClassVar[int]
    NEW_KEY_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_UNTIL_FIELD_NUMBER: _ClassVar[int]
    domain: str
    old_key: bytes
    new_key: bytes
    not_before: int
    overlap_until: int
    def __init__(self, domain: _Optional[str] = ..., old_key: _Optional[bytes] = ..., new_key: _Optional[bytes] = ..., not_before: _Optional[int] = ..., overlap_until: _Optional[int] = ...) -> None: ...

class SignedRotation(_message.Message):
    __slots__ = ("body", "old_signature", "new_signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    OLD_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    NEW_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    old_signature: bytes
    new_signature: bytes
    def __init__(self, body: _Optional[bytes] = ..., old_signature: _Optional[bytes] = ..., new_signature: _Optional[bytes] = ...) -> None: ...
