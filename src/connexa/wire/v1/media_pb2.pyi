from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MediaBegin(_message.Message):
    __slots__ = ("version", "write_hash", "segments", "expires", "passes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WRITE_HASH_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    PASSES_FIELD_NUMBER: _ClassVar[int]
    version: int
    write_hash: bytes
    segments: int
    expires: int
    passes: _containers.RepeatedCompositeFieldContainer[MediaPass]
    def __init__(self, version: _Optional[int] = ..., write_hash: _Optional[bytes] = ..., segments: _Optional[int] = ..., expires: _Optional[int] = ..., passes: _Optional[_Iterable[_Union[MediaPass, _Mapping]]] = ...) -> None: ...

class MediaPass(_message.Message):
    __slots__ = ("key", "input", "proof")
    KEY_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    key: int
    input: bytes
    proof: bytes
    def __init__(self, key: _Optional[int] = ..., input: _Optional[bytes] = ..., proof: _Optional[bytes] = ...) -> None: ...

class MediaState(_message.Message):
    __slots__ = ("parts", "stored", "expires")
    PARTS_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_FIELD_NUMBER: _ClassVar[int]
    parts: int
    stored: int
    expires: int
    def __init__(self, parts: _Optional[int] = ..., stored: _Optional[int] = ..., expires: _Optional[int] = ...) -> None: ...
