"""Rights: proofs that fit one envelope alone, keys of one week, passes (first-message §1, §2, §7)."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from connexa.identity import UserId
from connexa.pairwise import (
    call_proof,
    invite_introduction_proof,
    packets_hash,
    pass_id,
    pass_proof,
    pass_spent_key,
    right_proof,
)
from connexa.wire import VersionRange
from connexa.wire.v1.message_pb2 import Packet
from tests.pairwise.world import seeded

RNG = seeded(5)
KEY, ID, USER, BODY = RNG(32), RNG(16), RNG(32), RNG(272)
PACKETS = [Packet(device=RNG(32), sek=2_900, sealed=RNG(2_160)) for _ in range(3)]


def _sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _proof() -> bytes:
    return right_proof(KEY, ID, USER, _sha(BODY), packets_hash(PACKETS))


def test_calls_are_proved_over_their_bytes() -> None:
    by_user = hmac.new(KEY, b"connexa/right/v1\0" + ID + USER + _sha(b"query") + _sha(), hashlib.sha256).digest()
    by_name = hmac.new(KEY, b"connexa/right/v1\0" + ID + bytes(32) + _sha(b"query") + _sha(), hashlib.sha256).digest()
    assert call_proof(KEY, ID, b"query", USER) == by_user
    assert call_proof(KEY, ID, b"query") == by_name


def test_an_invite_is_proved_to_the_person_for_both_people() -> None:
    alice, bob = UserId(RNG(32)), UserId(RNG(32))
    proof = invite_introduction_proof(KEY, alice, bob)
    assert proof == hmac.new(KEY, b"connexa/invite/v1\0" + alice + bob, hashlib.sha256).digest()
    assert proof != invite_introduction_proof(KEY, bob, alice)


@pytest.mark.parametrize("change", [{"node": VersionRange(1, 2)}, {"server": VersionRange(1, 2)}, {"nonce": bytes(32)}])
def test_a_pass_is_shown_over_ranges_and_nonce(change: dict[str, object]) -> None:
    shown: dict[str, object] = {"node": VersionRange(1, 1), "server": VersionRange(1, 1), "nonce": RNG(32)}
    assert pass_proof(KEY, **shown) != pass_proof(KEY, **(shown | change))  # type: ignore[arg-type]
    assert pass_spent_key(b"input") == _sha(b"input")
    assert pass_id(b"input") == _sha(b"input")[:16]
