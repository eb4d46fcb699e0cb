from connexa.wire.v1 import groups_pb2 as _groups_pb2
from connexa.wire.v1 import keys_pb2 as _keys_pb2
from connexa.wire.v1 import link_pb2 as _link_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FederationHello(_message.Message):
    __slots__ = ("min", "max", "domain", "nonce", "stream", "committed", "leaf")
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    LEAF_FIELD_NUMBER: _ClassVar[int]
    min: int
    max: int
    domain: str
    nonce: bytes
    stream: bytes
    committed: int
    leaf: bytes
    def __init__(self, min: _Optional[int] = ..., max: _Optional[int] = ..., domain: _Optional[str] = ..., nonce: _Optional[bytes] = ..., stream: _Optional[bytes] = ..., committed: _Optional[int] = ..., leaf: _Optional[bytes] = ...) -> None: ...

class FederationProof(_message.Message):
    __slots__ = ("signature", "server_info")
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    SERVER_INFO_FIELD_NUMBER: _ClassVar[int]
    signature: bytes
    server_info: _keys_pb2.Signed
    def __init__(self, signature: _Optional[bytes] = ..., server_info: _Optional[_Union[_keys_pb2.Signed, _Mapping]] = ...) -> None: ...

class DeliverUp(_message.Message):
    __slots__ = ("hello", "proof", "batch")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    hello: FederationHello
    proof: FederationProof
    batch: Batch
    def __init__(self, hello: _Optional[_Union[FederationHello, _Mapping]] = ..., proof: _Optional[_Union[FederationProof, _Mapping]] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("stream", "first", "items")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    stream: bytes
    first: int
    items: _containers.RepeatedCompositeFieldContainer[Item]
    def __init__(self, stream: _Optional[bytes] = ..., first: _Optional[int] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("envelope", "accepted_at")
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_FIELD_NUMBER: _ClassVar[int]
    envelope: bytes
    accepted_at: int
    def __init__(self, envelope: _Optional[bytes] = ..., accepted_at: _Optional[int] = ...) -> None: ...

class DeliverDown(_message.Message):
    __slots__ = ("hello", "proof", "ack")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    PROOF_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    hello: FederationHello
    proof: FederationProof
    ack: BatchAck
    def __init__(self, hello: _Optional[_Union[FederationHello, _Mapping]] = ..., proof: _Optional[_Union[FederationProof, _Mapping]] = ..., ack: _Optional[_Union[BatchAck, _Mapping]] = ...) -> None: ...

class BatchAck(_message.Message):
    __slots__ = ("committed", "refused")
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    committed: int
    refused: _containers.RepeatedCompositeFieldContainer[_link_pb2.Refused]
    def __init__(self, committed: _Optional[int] = ..., refused: _Optional[_Iterable[_Union[_link_pb2.Refused, _Mapping]]] = ...) -> None: ...

class Introduce(_message.Message):
    __slots__ = ("domain",)
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    domain: str
    def __init__(self, domain: _Optional[str] = ...) -> None: ...
