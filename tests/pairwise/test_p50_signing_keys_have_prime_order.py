"""P50: a signing key of mixed order, under which a signature can hold for one verifier and not for another, is refused at every door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature as Broken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_core_ed25519_add

from connexa.crypto import Ed25519Public, InvalidKey, InvalidSignature
from connexa.errors import ConnexaError
from tests.identity.people import WEAK_KEYS
from tests.pairwise.doors import ED25519_DOORS, GOOD_ED25519, LATER

# Points of order 2, 4 and 8; added to a good key they make one of mixed order that every naive check lets through.
SMALL = (
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
)
MIXED = [crypto_core_ed25519_add(GOOD_ED25519, bytes.fromhex(point)) for point in SMALL]


def test_p50_the_library_alone_would_take_them() -> None:
    for raw in MIXED:
        assert raw not in WEAK_KEYS
        Ed25519PublicKey.from_public_bytes(raw)
        with pytest.raises(InvalidKey):
            Ed25519Public(raw)


@pytest.mark.parametrize("door", ED25519_DOORS)
def test_p50_no_door_takes_a_key_of_mixed_order(door: str) -> None:
    enter = ED25519_DOORS[door]
    if door not in LATER:
        assert enter(GOOD_ED25519)
    for raw in MIXED:
        with pytest.raises(ConnexaError):
            enter(raw)


def _holds(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519Public.from_bytes(key)._verify(message, signature)
    except (InvalidKey, InvalidSignature):
        return False
    return True


def test_p50_cctv_keys_of_small_or_mixed_order_are_not_admitted(vectors: Path) -> None:
    cases = json.loads((vectors / "transparency/ed25519-c2sp-cctv/ed25519vectors.json").read_text())
    bare = admitted = verified = 0
    for case in cases:
        key, signature, message = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"]), case["msg"].encode()
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
            bare += 1
        except (Broken, ValueError):
            pass
        try:
            Ed25519Public.from_bytes(key)
            admitted += 1
        except InvalidKey:
            continue
        verified += _holds(key, message, signature)
    assert (len(cases), bare, admitted, verified) == (914, 208, 28, 2)


def test_p50_the_identity_point_would_sign_everything_and_is_refused() -> None:
    identity, forged = b"\x01" + bytes(31), b"\x01" + bytes(63)
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"anything at all")
    with pytest.raises(InvalidKey):
        Ed25519Public.from_bytes(identity)
