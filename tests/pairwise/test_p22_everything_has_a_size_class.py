"""P22: every envelope, every packet and every body has one of a few sizes, whatever is said; nothing is compressed before it is sealed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import aead_seal, sha256
from connexa.errors import UsageError
from connexa.pairwise import (
    SEALED_INITIAL_SIZE,
    SEALED_SIZE,
    Reject,
    Wrap,
    bucket_for,
    open_body,
    open_sealed,
    pad,
    seal_body,
    week_of,
)
from connexa.wire import BODY_BUCKETS, MAX_BODY, REQUEST_BODY, SEALED_SIZES
from connexa.wire.v1.message_pb2 import Envelope
from tests.pairwise.tap import Tap
from tests.pairwise.world import NOW, Device, seeded

TAG = 16
RNG = seeded(4)
ALICE, BOB = Device.make("a", 1), Device.make("b", 2)
MESSAGE = bytes(range(256)) * 2 + bytes(29) + b"\x80"  # 542, ending like padding


@given(length=st.integers(0, 16_351))
def test_p22_every_body_has_a_bucket(length: int) -> None:
    sealed = seal_body(bytes(length), RNG)
    assert len(sealed.ciphertext) - TAG in BODY_BUCKETS
    assert len(sealed.ciphertext) - TAG == len(pad(bytes(32 + length))) == bucket_for(32 + length)


def test_p22_edges() -> None:
    assert [bucket_for(n) for n in (0, 255, 256, 511, 512, 16_383)] == [256, 256, 512, 512, 1_024, 16_384]
    with pytest.raises(UsageError):
        seal_body(bytes(16_352), RNG)
    assert len(seal_body(bytes(16_351), RNG).ciphertext) == MAX_BODY
    assert len(seal_body(b"hello", RNG, 4_096).ciphertext) == REQUEST_BODY


def test_p22_nothing_is_compressed() -> None:
    assert len(seal_body(bytes(10_000), RNG).ciphertext) == len(seal_body(RNG(10_000), RNG).ciphertext)


def test_p22_a_body_outside_the_buckets_is_refused() -> None:
    body = seal_body(b"content", RNG)
    wrap = Wrap(body.key, body.digest, RNG(16), RNG(16), RNG(32), 7, RNG(32), 3, RNG(32))
    ciphertext = aead_seal(bytes(32), bytes(12), bytes(32) + b"x\x80" + bytes(300), b"Connexa/1 body")
    with pytest.raises(Reject):
        open_body(replace(wrap, key=bytes(32), body_digest=sha256(ciphertext)), ciphertext)


@pytest.mark.parametrize(("initial", "size"), [(b"", 2_160), (bytes(1_394), 5_232)])
def test_p22_sealed_packets_have_one_of_two_sizes(initial: bytes, size: int) -> None:
    sealed = ALICE.seal_to(BOB, initial, MESSAGE)
    assert len(sealed) == size
    assert {SEALED_SIZE, SEALED_INITIAL_SIZE} == SEALED_SIZES
    unsealed = open_sealed(BOB.sek[1], BOB.id, week_of(NOW), sealed)
    assert (unsealed.initial, unsealed.message) == (initial, MESSAGE)


async def test_p22_whatever_nodes_send_is_in_its_class(two_people: Path, tmp_path: Path) -> None:
    """Texts of every length, with their receipts, own copies, requests for what was lost, and comparisons of own devices."""
    post = await Tap.open(two_people, tmp_path, seed=22)
    try:
        alice, bob = post.devices[0], post.devices[3]
        for length in (1, 150, 300, 700, 1_500, 3_000, 6_000, 13_000):
            for letters in ("a" * length, RNG(length).hex()[:length]):
                await alice.say(bob.address, letters)
            await alice.send_out()
            post.collect(bob)  # it is lost and has to be asked for
            await post.settle(hours=26.0)
        kinds = {envelope.WhichOneof("right") for envelope in post.envelopes}
        assert kinds == {"token", "own"}
        for envelope in post.envelopes:
            assert len(envelope.body) - TAG in BODY_BUCKETS
            assert all(len(packet.sealed) in SEALED_SIZES for packet in envelope.packets)
        assert len({len(envelope.body) for envelope in post.envelopes}) == len(BODY_BUCKETS)
        assert len({_size(envelope) for envelope in post.envelopes}) <= len(kinds) * len(BODY_BUCKETS) * 2 * 3
    finally:
        post.close()


def _size(envelope: Envelope) -> int:
    return len(envelope.SerializeToString())
