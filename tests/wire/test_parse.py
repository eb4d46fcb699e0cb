"""Bytes of outside: size first, then syntax, and nothing unknown at any depth."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from connexa.wire import MAX_FRAME, MAX_ITEMS, WireError, parse
from connexa.wire.v1.federation_pb2 import Batch, DeliverUp, Item
from connexa.wire.v1.keys_pb2 import DeviceCertificate, Signed
from connexa.wire.v1.link_pb2 import AckUp, Call, LinkHello, LinkUp, LookupRequest, NumberedEnvelope, Resume, Right, Send
from connexa.wire.v1.message_pb2 import Envelope, Packet, Step


def refusal(kind: type[Message], raw: bytes, limit: int = MAX_FRAME) -> str:
    with pytest.raises(WireError) as caught:
        parse(kind, raw, limit)
    return caught.value.code


def field(number: int, content: bytes) -> bytes:
    """One length-delimited field, written by hand (protobuf encoding: tag = number << 3 | 2)."""
    assert number < 16
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


UNKNOWN = bytes([15 << 3, 1])  # field 15, varint 1


def test_a_message_comes_back_as_it_was_sent() -> None:
    sent = LinkUp(send=Send(envelopes=[NumberedEnvelope(number=7, envelope=b"sealed")]))
    assert parse(LinkUp, sent.SerializeToString(), MAX_FRAME) == sent


def test_a_memoryview_is_read_without_a_copy_by_the_caller() -> None:
    sent = Signed(body=b"b", signature=b"s")
    assert parse(Signed, memoryview(sent.SerializeToString()), MAX_FRAME) == sent


def test_the_limit_itself_is_allowed_and_one_byte_more_is_not() -> None:
    raw = Signed(body=bytes(100)).SerializeToString()
    assert parse(Signed, raw, len(raw)).body == bytes(100)
    assert refusal(Signed, raw, len(raw) - 1) == "frame.too_large"


def test_the_size_is_refused_before_the_syntax_is_looked_at() -> None:
    assert refusal(Signed, b"\xff" * 11, 10) == "frame.too_large"


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (Signed, UNKNOWN),
        (Signed, bytes([15 << 3 | 3, 15 << 3 | 4])),  # an unknown group
        (LinkUp, field(1, bytes([8, 1]) + UNKNOWN)),  # in a member of a oneof
        (Envelope, field(11, UNKNOWN)),  # in a repeated message
        (LinkUp, field(7, field(1, UNKNOWN))),  # two levels down
        (LookupRequest, field(3, field(3, UNKNOWN))),  # in a singular message, then in a oneof
        (DeliverUp, field(3, field(3, UNKNOWN))),
    ],
)
def test_unknown_fields_are_refused_at_every_depth(kind: type[Message], raw: bytes) -> None:
    assert refusal(kind, raw) == "frame.malformed"


def test_the_same_bytes_without_the_unknown_field_are_accepted() -> None:
    assert parse(LookupRequest, field(3, field(3, b"")), MAX_FRAME) == LookupRequest(right=Right(stranger=Step()))
    assert parse(LinkUp, field(1, bytes([8, 1])), MAX_FRAME) == LinkUp(hello=LinkHello(min=1))


@pytest.mark.parametrize(
    ("large", "largest"),
    [
        (Resume(last=2**63), Resume(last=2**63 - 1)),
        (AckUp(seqs=[1, 2**64 - 1, 2]), AckUp(seqs=[1, 2**63 - 1, 2])),
        (LinkUp(send=Send(envelopes=[NumberedEnvelope(number=2**63)])), LinkUp(send=Send(envelopes=[NumberedEnvelope(number=2**63 - 1)]))),
    ],
)
def test_numbers_that_no_database_holds_are_refused_at_every_depth(large: Message, largest: Message) -> None:
    assert refusal(type(large), large.SerializeToString()) == "frame.malformed"
    assert parse(type(largest), largest.SerializeToString(), MAX_FRAME) == largest


@pytest.mark.parametrize("trailing", [b"\x00", b"\x01", b"\xff", b"\x0a", b"\x0a\x05ab"])
def test_trailing_bytes_are_refused(trailing: bytes) -> None:
    raw = DeviceCertificate(user=bytes(32), device=bytes(32)).SerializeToString()
    assert refusal(DeviceCertificate, raw + trailing) == "frame.malformed"


def test_every_truncation_of_a_frame_is_refused_or_another_whole_frame() -> None:
    raw = Envelope(version=1, id=bytes(16), domain="b.example", body=b"x" * 40, packets=[Packet(device=bytes(32))]).SerializeToString()
    for end in range(len(raw)):
        try:
            shorter = parse(Envelope, raw[:end], MAX_FRAME)
        except WireError as error:
            assert error.code == "frame.malformed"
        else:
            assert shorter.SerializeToString() == raw[:end]


def test_text_that_is_not_utf8_is_refused() -> None:
    assert refusal(Envelope, field(4, b"\xff\xfe")) == "frame.malformed"


def test_a_list_longer_than_any_honest_one_is_refused() -> None:
    assert parse(Batch, field(3, b"") * MAX_ITEMS, MAX_FRAME) == Batch(items=[Item()] * MAX_ITEMS)
    assert refusal(Batch, field(3, b"") * (MAX_ITEMS + 1)) == "frame.malformed"


def test_a_refusal_says_nothing_of_what_was_sent() -> None:
    with pytest.raises(WireError) as caught:
        parse(Envelope, field(4, b"\xffcanary"), MAX_FRAME)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_the_documented_refusal(raw: bytes) -> None:
    for kind in (LinkUp, Envelope, DeliverUp, Signed):
        try:
            parse(kind, raw, 300)
        except WireError as error:
            assert error.code == ("frame.too_large" if len(raw) > 300 else "frame.malformed")


@given(st.data())
def test_flipped_bits_never_raise_anything_else(data: st.DataObject) -> None:
    frame = LinkUp(call=Call(id=3, lookup=LookupRequest(id=bytes(16), query=b"q" * 20, right=Right(token=bytes(32)))))
    raw = bytearray(frame.SerializeToString())
    for position in data.draw(st.lists(st.integers(0, len(raw) * 8 - 1), min_size=1, max_size=6)):
        raw[position // 8] ^= 1 << position % 8
    try:
        parsed = parse(LinkUp, bytes(raw), MAX_FRAME)
    except WireError as error:
        assert error.code == "frame.malformed"
    else:
        assert parse(LinkUp, parsed.SerializeToString(), MAX_FRAME) == parsed
