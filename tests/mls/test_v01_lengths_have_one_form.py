"""V01 (RFC 9420 §2.1.2): a length in another than its shortest form, one that begins with 11, a vector longer than its input and bytes
behind a complete message are no MLS, wherever they come in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.mls import DecodeError
from connexa.mls.codec import gv, vi
from connexa.mls.framing import MLSMessage
from tests.mls.kit import Room, refused
from tests.mls.messages import entrances, every_kind

ROOM = Room("alice", "bob", "carol").warm()
KINDS = every_kind(ROOM)
LONGER_FORMS = {1: (b"\x40", b"\x80\0\0"), 2: (b"\x80\0",)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_is_read_whole_and_nothing_follows(kind: str) -> None:
    message = KINDS[kind]
    assert MLSMessage.decode(message).encode() == message
    for end in range(len(message)):
        with pytest.raises(DecodeError):
            MLSMessage.decode(message[:end])
    for more in (b"\0", b"\xff", message):
        with pytest.raises(DecodeError, match="follow"):
            MLSMessage.decode(message + more)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("header", [b"\x40", b"\x80\0\0", b"\xc0", b"\xff"], ids=["two bytes", "four bytes", "11", "all ones"])
def test_the_first_length_of_every_kind_is_in_its_shortest_form(kind: str, header: bytes) -> None:
    at = 8 if kind in ("key_package", "group_info") else 6 if kind == "welcome" else 4
    message = KINDS[kind]
    longer = message[:at] + header + message[at:]
    with pytest.raises(DecodeError):
        MLSMessage.decode(longer)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", [lambda m: m + b"\0", lambda m: m[:-1], lambda m: m[:4], lambda m: m + m])
def test_no_entrance_takes_it_and_nothing_changes(kind: str, damage) -> None:
    for enter in entrances(ROOM):
        with refused(*ROOM.groups.values(), rule="V01", error=DecodeError):
            enter(damage(KINDS[kind]))


@given(length=st.integers(0, 2**30 - 1))
def test_each_length_has_one_form(length: int) -> None:
    shortest = vi(length)
    assert gv(shortest, 0) == (length, len(shortest))
    for size, bits in ((2, 0x4000), (4, 0x80000000)):
        if len(shortest) < size:
            with pytest.raises(DecodeError):
                gv((length | bits).to_bytes(size, "big"), 0)


@given(header=st.binary(min_size=1, max_size=8).map(lambda raw: bytes([raw[0] | 0xC0]) + raw[1:]))
def test_the_prefix_11_is_no_length(header: bytes) -> None:
    with pytest.raises(DecodeError):
        gv(header, 0)
