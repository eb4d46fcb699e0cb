"""The codec: lengths in one form only, nothing beyond the input, nothing left over (V01, V02)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.mls import DecodeError
from connexa.mls.codec import MAX_VECTOR, V, decode, gv, items, optional, raw, rv, u8, u16, u32, u64, vec, vi


@pytest.mark.parametrize(("length", "size"), [(0, 1), (63, 1), (64, 2), (16383, 2), (16384, 4), ((1 << 30) - 1, 4)])
def test_a_length_has_its_shortest_form(length: int, size: int) -> None:
    header = vi(length)
    assert (len(header), gv(header, 0)) == (size, (length, size))
    for end in range(size):
        with pytest.raises(DecodeError):
            gv(header[:end], 0)


@pytest.mark.parametrize("header", ["403f", "4000", "80003fff", "80000000", "c0", "ffffffffffffffff", ""])
def test_V01_other_forms_of_a_length_are_refused(header: str) -> None:
    with pytest.raises(DecodeError) as refused:
        gv(bytes.fromhex(header), 0)
    assert refused.value.rule == "V01"


def test_nothing_longer_than_the_rfc_allows_is_written() -> None:
    with pytest.raises(ValueError):
        vi(1 << 30)


def test_V01_a_vector_ends_inside_its_input() -> None:
    assert rv(V(b"abc") + b"d", 0) == (b"abc", 4)
    with pytest.raises(DecodeError):
        rv(b"\x04abc", 0)


def test_a_vector_above_our_limit_is_refused_though_it_is_there() -> None:
    with pytest.raises(DecodeError):
        rv(vi(MAX_VECTOR + 1) + bytes(MAX_VECTOR + 1), 0)


def test_V01_nothing_follows_a_complete_structure() -> None:
    assert decode(rv, V(b"abc")) == b"abc"
    with pytest.raises(DecodeError):
        decode(rv, V(b"abc") + b"\0")


def test_V02_an_optional_is_there_or_not() -> None:
    assert optional(u16, b"\0", 0) == (None, 1)
    assert optional(u16, b"\1\2\3", 0) == (0x0203, 3)
    with pytest.raises(DecodeError) as refused:
        optional(u16, b"\2\2\3", 0)
    assert refused.value.rule == "V02"


def test_numbers_end_with_their_input() -> None:
    for read, size in ((u8, 1), (u16, 2), (u32, 4), (u64, 8)):
        number = bytes(range(1, size + 1))
        assert read(b"x" + number, 1) == (int.from_bytes(number, "big"), size + 1)
        for end in range(size):
            with pytest.raises(DecodeError):
                read(number[:end], 0)
    with pytest.raises(DecodeError):
        raw(b"abc", 1, 3)


def test_the_items_of_a_list_fill_it() -> None:
    assert items(u16, vec([b"\0\1", b"\0\2"]) + b"x", 0) == ([1, 2], 5)
    with pytest.raises(DecodeError):
        items(u16, V(b"\0\1\0"), 0)


def test_a_list_of_more_items_than_we_allow_is_refused() -> None:
    with pytest.raises(DecodeError):
        items(u8, V(bytes((1 << 17) + 1)), 0)


@given(st.lists(st.binary(max_size=200)))
def test_what_is_written_is_read_and_every_truncation_refused(content: list[bytes]) -> None:
    encoded = vec(V(item) for item in content)
    assert decode(lambda b, p: items(rv, b, p), encoded) == content
    for end in range(len(encoded)):
        with pytest.raises(DecodeError):
            decode(lambda b, p: items(rv, b, p), encoded[:end])


@given(st.binary(max_size=100))
def test_what_is_read_is_written_the_same(anything: bytes) -> None:
    try:
        content, end = rv(anything, 0)
    except DecodeError:
        return
    assert V(content) == anything[:end]
