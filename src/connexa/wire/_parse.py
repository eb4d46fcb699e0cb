"""From bytes of outside to a message: the size first, then the syntax, and nothing in it that we do not know.

Protobuf keeps unknown fields by default, so a later version could slip something past an older reader. Here they are refused at
every depth; a new field needs a new protocol version (first-message §11). What the fields say is for the rooms to judge.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from ._error import malformed, too_large
from ._limits import MAX_INTEGER, MAX_ITEMS

M = TypeVar("M", bound=Message)


def parse(kind: type[M], raw: bytes | bytearray | memoryview, limit: int) -> M:
    """Read one message; raise WireError `frame.too_large` above `limit` bytes and `frame.malformed` for anything else."""
    if len(raw) > limit:
        raise too_large(limit)
    message = kind()
    try:
        message.ParseFromString(raw)  # type: ignore[arg-type]  # upb reads any buffer
    except DecodeError:
        raise malformed(f"this is no {kind.DESCRIPTOR.name}") from None
    _check(message)
    return message


class _Inside(NamedTuple):
    """The fields of a message type that hold messages or wide numbers, by the way that they are reached."""

    oneofs: tuple[str, ...]
    single: tuple[str, ...]
    repeated: tuple[str, ...]
    number: tuple[str, ...]  # 64 bits wide, as are the next
    numbers: tuple[str, ...]


@cache
def _inside(kind: Descriptor) -> _Inside:
    fields = [field for field in kind.fields if field.message_type is not None]
    plain = [field for field in fields if field.containing_oneof is None]
    wide = [field for field in kind.fields if field.type == FieldDescriptor.TYPE_UINT64]
    return _Inside(
        oneofs=tuple({field.containing_oneof.name: None for field in fields if field.containing_oneof is not None}),
        single=tuple(field.name for field in plain if not field.is_repeated),
        repeated=tuple(field.name for field in plain if field.is_repeated),
        number=tuple(field.name for field in wide if not field.is_repeated),
        numbers=tuple(field.name for field in wide if field.is_repeated),
    )


def _check(message: Message) -> None:
    if len(UnknownFieldSet(message)):
        raise malformed("it has a field that this version does not know")
    oneofs, single, repeated, number, numbers = _inside(message.DESCRIPTOR)
    for name in number:
        if getattr(message, name) > MAX_INTEGER:
            raise malformed("a number in it is too large")
    for name in numbers:
        if max(getattr(message, name), default=0) > MAX_INTEGER:
            raise malformed("a number in it is too large")
    for oneof in oneofs:
        chosen = message.WhichOneof(oneof)
        if chosen is not None and isinstance(value := getattr(message, chosen), Message):
            _check(value)
    for name in single:
        if message.HasField(name):
            _check(getattr(message, name))
    for name in repeated:
        values = getattr(message, name)
        if len(values) > MAX_ITEMS:
            raise malformed("a list in it is too long")
        for value in values:
            _check(value)
