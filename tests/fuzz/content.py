"""The content room: what the other end may put inside the encryption. What is read is written and read again."""

from __future__ import annotations

from random import Random

from connexa.content import (
    Accept,
    AccountName,
    Attachment,
    Body,
    Buckets,
    Contact,
    ContactState,
    Content,
    DeviceLists,
    DeviceName,
    Digest,
    Digests,
    Draft,
    Edit,
    Entries,
    Flags,
    GroupChoice,
    History,
    HistoryWanted,
    Introduction,
    Listing,
    LogEntry,
    NewerVersion,
    OwnCopies,
    OwnCopy,
    ProfileKey,
    Reaction,
    ReadMark,
    Receipt,
    ReceiptState,
    Register,
    Registers,
    Span,
    SpanKind,
    Text,
    Timer,
    VerifiedHow,
    Wanted,
    Withdrawal,
    decode,
    encode,
)
from connexa.identity import Address, UserSecret
from connexa.wire.v1.keys_pb2 import Signed

from .target import Target

_rng = Random(8).randbytes
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08" + bytes(20)
_user = UserSecret.generate(_rng, 1_800_000_000).public
_address = Address.parse("alice@a.example")
_signed = Signed(body=_rng(90), signature=_rng(64))
_intro = Introduction(_address, _user.packet, _signed, (_signed,), _rng(32))
_decisions = (
    Contact(
        _user.id,
        _address,
        _user.packet,
        ContactState.ACCEPTED,
        _signed,
        _signed,
        _rng(32),
        "Alice",
        1,
        VerifiedHow.TYPED,
        _rng(32),
        _rng(32),
    ),
    ReadMark(_user.id, _rng(16)),
    Flags(_user.id, muted=True, archived=False),
    Draft(_user.id, "not yet", "subject"),
    ReadMark(_rng(32), _rng(16), group=True),
    GroupChoice(_rng(32), accepted=True),
    AccountName("mine"),
    DeviceName(_rng(32), "phone"),
    ProfileKey(_rng(32)),
)
_entries = Entries(
    _user.id,
    _address,
    (LogEntry(_rng(16), True, _rng(32), 3, 8, encode(Content(7, Text("said"))), "read"), LogEntry(_rng(16), False, _rng(32), 4, 9)),
)
_said = LogEntry(_rng(16), False, _rng(32), 0, 8, encode(Content(7, Text("said"))), "received", _rng(32), str(_address), 9_000)
_in_group = Entries(_rng(32), None, (_said,), "Garden", over=True)
_bodies: tuple[Body, ...] = (
    Text("hello", "subject", _rng(16)),
    Text("", attachments=(Attachment("a.png", "image/png", 5, _rng(32), _rng(32), 9, 4, 4, blur="LEHV6n", thumbnail=_PNG),)),
    Text("hello", "", _rng(16), (Span(SpanKind.BOLD, 0, 2), Span(SpanKind.MENTION, 1, 3, _rng(32))), True),
    Edit(_rng(16), "hello", (Span(SpanKind.CODE, 0, 5),)),
    Reaction(_rng(16), _rng(32), "\N{THUMBS UP SIGN}"),
    Withdrawal(_rng(16)),
    Timer(60),
    Receipt(ReceiptState.READ, (_rng(16), _rng(16))),
    Accept(_rng(32)),
    ProfileKey(_rng(32)),
    DeviceLists((_signed,)),
    Registers(tuple(Register(5, _rng(32), value) for value in _decisions)),
    _entries,
    HistoryWanted(7, 3),
    History(9, 7, 1, 40, (_entries, _in_group)),
    Digests(9, (Digest(_user.id, 3, _rng(32)),)),
    Buckets(9, _user.id, _rng(4_096)),
    Listing(9, _user.id, b"lm", ((1, b"l" * 16), (2, b"m" * 16))),
    Wanted(_user.id, ((1, b"l" * 16),)),
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
