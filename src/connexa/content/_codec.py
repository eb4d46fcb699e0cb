"""Content to bytes and back (first-message §3): limits first, then syntax; every field is checked before anybody sees it.

A kind, a field or a version that this reader does not know becomes `NewerVersion` and is kept. Wrong sizes are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from google.protobuf.message import DecodeError

from connexa.content._content import Body, Content
from connexa.content._fields import Malformed, need, profile_key
from connexa.content._kinds import (
    Accept,
    DeviceLists,
    Introduction,
    InviteShown,
    Missing,
    NewerVersion,
    OwnCopies,
    OwnCopy,
    ProfileKey,
    Receipt,
    ReceiptState,
    Resend,
    ResendAnswer,
)
from connexa.content._said import Edit, Reaction, Text, Timer, Withdrawal
from connexa.content._said_codec import MAX_TIMER, SAID, read_said, timer, write_said
from connexa.content._sync_codec import read_sync, write_sync
from connexa.errors import ConnexaError, IntegrityError, UsageError
from connexa.identity import Address, check_user_id
from connexa.wire import BODY_BUCKETS, BODY_ZEROS, DEVICE_SIZE, MAX_DEVICES, MAX_INTEGER, WireError, parse
from connexa.wire.v1 import message_pb2 as pb

__all__ = ["MAX_CONTENT", "MAX_GAPS", "MAX_OWN_CONTENT", "MAX_RECEIPTS", "decode", "encode"]

VERSION = 1
MAX_OWN_CONTENT = BODY_BUCKETS[-1] - BODY_ZEROS - 1  # one byte of padding at least
MAX_CONTENT = MAX_OWN_CONTENT - 383  # so that an own copy of anything, with its address, fits a body
MAX_RECEIPTS = 256
MAX_GAPS = 128  # counters that one part of a resend names
MAX_LISTS = 16
_MAX_COPIES = 256


def encode(content: Content) -> bytes:
    """The bytes that are padded and encrypted, or `UsageError`."""
    if isinstance(content.body, NewerVersion):
        raise UsageError("content.unknown", "What this version cannot read, it cannot write.")
    try:
        message = pb.Content(version=VERSION, sent_ms=content.sent_ms, timer=content.timer)
        if content.intro:
            message.intro.CopyFrom(_write_introduction(content.intro))
        _write_body(message, content.body)
        raw = message.SerializeToString(deterministic=True)
        _read(message, raw)  # what the other side would refuse is not sent
    except (Malformed, ValueError):  # ValueError: protobuf refuses half characters and numbers out of range
        raise UsageError("content.malformed", "That cannot be sent: a part of it is too long or has the wrong form.") from None
    return raw


def decode(raw: bytes) -> Content:
    """Read content from inside the encryption, or `IntegrityError`."""
    try:
        message = parse(pb.Content, raw, MAX_OWN_CONTENT)
    except WireError:
        return _read_newer(raw)
    try:
        return _read(message, raw)
    except (Malformed, ConnexaError):
        raise _malformed() from None


def _read(message: pb.Content, raw: bytes) -> Content:
    if message.version > VERSION:
        return _read_newer(raw)
    limit = MAX_OWN_CONTENT if message.WhichOneof("kind") in ("own", "sync") else MAX_CONTENT
    need(message.version == VERSION and len(raw) <= limit)
    intro = _read_introduction(message.intro) if message.HasField("intro") else None
    need(not message.timer or message.WhichOneof("kind") in SAID - {"set_timer"})  # what holds stays
    return Content(message.sent_ms, _read_body(message), intro, timer(message.timer))


def _read_newer(raw: bytes) -> Content:
    """Keep what is protobuf but not ours to read; its introduction counts if we understand that much."""
    message = pb.Content()
    try:
        message.ParseFromString(raw)
        need(len(raw) <= MAX_OWN_CONTENT and message.version >= VERSION)
        intro = None
        if message.HasField("intro"):
            intro = _read_introduction(parse(pb.Introduction, message.intro.SerializeToString(), MAX_OWN_CONTENT))
    except (DecodeError, Malformed, ConnexaError):
        raise _malformed() from None
    return Content(message.sent_ms, NewerVersion(raw), intro, min(message.timer, MAX_TIMER))


def _read_body(message: pb.Content) -> Body:
    match message.WhichOneof("kind"):
        case "receipt":
            return _read_receipt(message.receipt)
        case "control":
            return _read_control(message.control)
        case "own":
            need(1 <= len(message.own.copies) <= _MAX_COPIES)
            return OwnCopies(tuple(_read_copy(copy) for copy in message.own.copies))
        case "sync":
            return read_sync(message.sync)
        case _:
            return read_said(message)


def _read_receipt(receipt: pb.Receipt) -> Receipt:
    need(receipt.state in (pb.Receipt.DELIVERED, pb.Receipt.READ))
    need(1 <= len(receipt.messages) <= MAX_RECEIPTS and all(len(m) == 16 for m in receipt.messages))
    return Receipt(ReceiptState(receipt.state), tuple(receipt.messages))


def _read_control(control: pb.Control) -> Body:
    match control.WhichOneof("kind"):
        case "accept":
            return Accept(profile_key(control.accept.profile_key))
        case "profile_key":
            return ProfileKey(profile_key(control.profile_key.profile_key))
        case "device_lists":
            need(1 <= len(control.device_lists.lists) <= MAX_LISTS)
            return DeviceLists(tuple(control.device_lists.lists))
        case "resend":
            return _read_resend(control.resend)
        case _:
            raise Malformed


def _read_resend(resend: pb.Resend) -> Resend:
    need(len(resend.missing) + len(resend.answers) >= 1 and max(len(resend.missing), len(resend.answers)) <= MAX_DEVICES)
    missing = tuple(Missing(_device(one.device), _gaps(one.counters), _number(one.after), one.unconfirmed) for one in resend.missing)
    answers = tuple(
        ResendAnswer(_device(one.device), _number(one.first), _number(one.highest), _gaps(one.gone), _number(one.seen))
        for one in resend.answers
    )
    return Resend(missing, answers)


def _device(raw: bytes) -> bytes:
    need(len(raw) == DEVICE_SIZE)
    return raw


def _gaps(counters: Sequence[int]) -> tuple[int, ...]:
    need(len(counters) <= MAX_GAPS and all(low < high for low, high in pairwise((0, *counters, MAX_INTEGER))))
    return tuple(counters)


def _read_copy(copy: pb.OwnCopy) -> OwnCopy:
    need(len(copy.message) == 16 and 1 <= len(copy.content) <= MAX_CONTENT)
    return OwnCopy(check_user_id(copy.user), Address.from_wire(copy.address), copy.content, copy.message, copy.counter)


def _read_introduction(intro: pb.Introduction) -> Introduction:
    need(len(intro.user_key) == 42 and intro.HasField("attestation") and 1 <= len(intro.device_lists) <= MAX_LISTS)
    invite = None
    if intro.HasField("invite"):
        need(len(intro.invite.id) == 16 and len(intro.invite.proof) == 32)
        invite = InviteShown(intro.invite.id, intro.invite.proof)
    address, key = Address.from_wire(intro.address), profile_key(intro.profile_key)
    return Introduction(address, intro.user_key, intro.attestation, tuple(intro.device_lists), key, invite)


def _write_body(message: pb.Content, body: Body) -> None:
    match body:
        case Text() | Edit() | Reaction() | Withdrawal() | Timer():
            write_said(message, body)
        case Receipt(state, messages):
            message.receipt.CopyFrom(pb.Receipt(state=pb.Receipt.State.Name(state.value), messages=messages))
        case Accept(key):
            message.control.accept.profile_key = key
        case ProfileKey(key):
            message.control.profile_key.profile_key = key
        case DeviceLists(lists):
            message.control.device_lists.lists.extend(lists)
        case Resend():
            message.control.resend.CopyFrom(_write_resend(body))
        case OwnCopies(copies):
            message.own.copies.extend(_write_copy(copy) for copy in copies)
        case NewerVersion():
            raise Malformed
        case _:
            message.sync.CopyFrom(write_sync(body))


def _write_resend(resend: Resend) -> pb.Resend:
    return pb.Resend(
        missing=[
            pb.Missing(device=one.device, counters=one.counters, after=one.after, unconfirmed=one.unconfirmed) for one in resend.missing
        ],
        answers=[
            pb.ResendAnswer(device=one.device, first=one.first, highest=one.highest, gone=one.gone, seen=one.seen) for one in resend.answers
        ],
    )


def _write_copy(copy: OwnCopy) -> pb.OwnCopy:
    return pb.OwnCopy(user=copy.user, address=str(copy.address), content=copy.content, message=copy.message, counter=copy.counter)


def _write_introduction(intro: Introduction) -> pb.Introduction:
    invite = pb.InviteProof(id=intro.invite.id, proof=intro.invite.proof) if intro.invite else None
    return pb.Introduction(
        address=str(intro.address),
        user_key=intro.user_key,
        attestation=intro.attestation,
        device_lists=intro.device_lists,
        profile_key=intro.profile_key,
        invite=invite,
    )


def _number(value: int) -> int:
    need(value < MAX_INTEGER)
    return value


def _malformed() -> IntegrityError:
    return IntegrityError("content.malformed", "A message has a content that does not follow the protocol.")
