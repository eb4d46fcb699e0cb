"""Bodies, wraps and padding: one body for all devices, its sizes, its place in the log (P14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.pairwise import Reject, Wrap, decode_wrap, encode_wrap, open_body, pad, seal_body, unpad
from tests.pairwise.world import seeded

RNG = seeded(4)


def _wrap(content: bytes = b"content") -> tuple[Wrap, bytes]:
    body = seal_body(content, RNG)
    return Wrap(body.key, body.digest, RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32)), body.ciphertext


@given(content=st.binary(max_size=2_000))
def test_padding_comes_off_whole(content: bytes) -> None:
    assert unpad(pad(content)) == content


@pytest.mark.parametrize("padded", [b"", bytes(256), b"x" * 256, b"x\x80" + bytes(200), b"\x80" + bytes(254) + b"\1"])
def test_padding_is_read_strictly(padded: bytes) -> None:
    with pytest.raises(Reject):
        unpad(padded)


def test_a_wrap_is_256_bytes_and_opens_its_body() -> None:
    wrap, ciphertext = _wrap()
    raw = encode_wrap(wrap)
    assert len(raw) == 256
    assert raw[:32] == wrap.key
    assert raw[208:] == b"\x80" + bytes(47)
    assert decode_wrap(raw) == wrap
    assert open_body(wrap, ciphertext) == b"content"
