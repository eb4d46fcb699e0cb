"""The content room: what the other end may put inside the encryption. What is read is written and read again."""

from __future__ import annotations

from random import Random

from connexa.content import (
    Accept,
    Body,
    Contact,
    ContactState,
    Content,
    DeviceLists,
    Introduction,
    NewerVersion,
    OwnCopies,
    OwnCopy,
    ProfileKey,
    Receipt,
    ReceiptState,
    Text,
    decode,
    encode,
)
from connexa.identity import Address, UserSecret
from connexa.wire.v1.keys_pb2 import Signed

from .target import Target

_rng = Random(8).randbytes
_user = UserSecret.generate(_rng, 1_800_000_000).public
_address = Address.parse("alice@a.example")
_signed = Signed(body=_rng(90), signature=_rng(64))
_intro = Introduction(_address, _user.packet, _signed, (_signed,), _rng(32))
_bodies: tuple[Body, ...] = (
    Text("hello", "subject", _rng(16)),
    Receipt(ReceiptState.READ, (_rng(16), _rng(16))),
    Accept(_rng(32)),
    ProfileKey(_rng(32)),
    DeviceLists((_signed,)),
    Contact(_user.id, _address, _user.packet, ContactState.ACCEPTED, _signed, _signed, _rng(32), "Alice"),
    OwnCopies((OwnCopy(_user.id, _address, encode(Content(7, Text("said"))), _rng(16), 3),)),
)


def _read(raw: bytes) -> None:
    content = decode(raw)
    if not isinstance(content.body, NewerVersion):
        assert decode(encode(content)) == content


TARGETS = (
    Target(
        "content.decode",
        (*(encode(Content(1_800_000_000_000, body)) for body in _bodies), encode(Content(1, Text("first"), _intro))),
        _read,
        frozenset({"content.malformed"}),
    ),
)
