"""Bodies, wraps and padding: one body for all devices, its sizes, its place in the log (P14, P22, P46)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import aead_seal, sha256
from connexa.errors import UsageError
from connexa.pairwise import Reject, Wrap, bucket_for, decode_wrap, encode_wrap, open_body, pad, seal_body, unpad
from connexa.wire import BODY_BUCKETS, MAX_BODY, REQUEST_BODY
from tests.pairwise.world import seeded

RNG = seeded(4)


def _wrap(content: bytes = b"content") -> tuple[Wrap, bytes]:
    body = seal_body(content, RNG)
    return Wrap(body.key, body.digest, RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32)), body.ciphertext


@given(length=st.integers(0, 16_383))
def test_p22_every_body_has_a_bucket(length: int) -> None:
    sealed = seal_body(bytes(length), RNG)
    assert len(sealed.ciphertext) - 16 in BODY_BUCKETS
    assert len(pad(bytes(length))) == bucket_for(length)


def test_p22_edges() -> None:
    assert [bucket_for(n) for n in (0, 255, 256, 511, 512, 16_383)] == [256, 256, 512, 512, 1_024, 16_384]
    with pytest.raises(UsageError):
        seal_body(bytes(16_384), RNG)
    assert len(seal_body(bytes(16_383), RNG).ciphertext) == MAX_BODY
    assert len(seal_body(b"hello", RNG, 4_096).ciphertext) == REQUEST_BODY


def test_p22_nothing_is_compressed() -> None:
    assert len(seal_body(bytes(10_000), RNG).ciphertext) == len(seal_body(RNG(10_000), RNG).ciphertext)


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


def test_p22_a_body_outside_the_buckets_is_refused() -> None:
    ciphertext = aead_seal(bytes(32), bytes(12), b"x\x80" + bytes(300), b"Connexa/1 body")
    wrap = replace(_wrap()[0], key=bytes(32), body_digest=sha256(ciphertext))
    with pytest.raises(Reject):
        open_body(wrap, ciphertext)
