"""The wire room: every message of the four proto files, and the envelope's own syntax."""

from __future__ import annotations

from functools import partial
from itertools import chain

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from connexa.wire import MAX_ENVELOPE, SEALED_SIZES, parse, parse_envelope
from connexa.wire.v1 import federation_pb2, keys_pb2, link_pb2, message_pb2
from connexa.wire.v1.message_pb2 import Envelope, Own, Packet, Step

from .target import Target


def example(kind: Descriptor, choice: int) -> Message:
    """A message with every field set; `choice` picks the member of each oneof."""
    message = GetMessageClass(kind)()
    chosen = {oneof.fields[choice % len(oneof.fields)].name for oneof in kind.oneofs}
    for field in kind.fields:
        if field.containing_oneof is not None and field.name not in chosen:
            continue
        value = _value(field, choice)
        if field.is_repeated:
            getattr(message, field.name).extend([value, value])
        elif isinstance(value, Message):
            getattr(message, field.name).CopyFrom(value)
        else:
            setattr(message, field.name, value)
    return message


def _value(field: FieldDescriptor, choice: int) -> Message | bytes | str | int | bool:
    if field.message_type is not None:
        return example(field.message_type, choice)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return bytes(range(32))
    if field.type == FieldDescriptor.TYPE_STRING:
        return "b.example"
    return 1 if field.type in (FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_ENUM) else 300


def _read(kind: type[Message], raw: bytes) -> None:
    message = parse(kind, raw, MAX_ENVELOPE)
    assert parse(kind, message.SerializeToString(), 2 * MAX_ENVELOPE).SerializeToString() == message.SerializeToString()


def _message(kind: Descriptor) -> Target:
    turns = max([1, *(len(oneof.fields) for oneof in kind.oneofs)])
    seeds = tuple(example(kind, choice).SerializeToString() for choice in range(turns))
    return Target(f"wire.{kind.name}", seeds, partial(_read, GetMessageClass(kind)), frozenset({"frame.malformed", "frame.too_large"}))


def _read_envelope(raw: bytes) -> None:
    envelope = parse_envelope(raw)
    assert len(raw) <= MAX_ENVELOPE
    assert 1 <= len(envelope.packets) <= 8
    assert envelope.WhichOneof("right")


def _envelopes() -> Target:
    base = Envelope(version=1, id=bytes(16), expires=1, domain="b.example", user=bytes(32), body=bytes(272))
    seeds = [base.__class__.FromString(base.SerializeToString()) for _ in range(3)]
    seeds[0].token = bytes(32)
    seeds[1].own.CopyFrom(Own())
    seeds[2].stranger.CopyFrom(Step(id=bytes(16)))
    for seed, size in zip(seeds, sorted(SEALED_SIZES) * 2, strict=False):
        seed.packets.append(Packet(device=bytes(32), sek=1, sealed=bytes(size)))
    codes = frozenset({"envelope.malformed", "envelope.too_large", "version.unsupported"})
    return Target("wire.parse_envelope", tuple(seed.SerializeToString() for seed in seeds), _read_envelope, codes)


_FILES = (federation_pb2, keys_pb2, link_pb2, message_pb2)
TARGETS = (
    *(_message(kind) for kind in chain.from_iterable(file.DESCRIPTOR.message_types_by_name.values() for file in _FILES)),
    _envelopes(),
)
