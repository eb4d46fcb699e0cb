"""HPKE against the draft's vector, by an RFC 9180 key schedule written here (pairwise §10)."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.crypto import (
    HYBRID_OVERHEAD,
    HybridPublic,
    HybridSecret,
    InvalidTag,
    MlKemSecret,
    X25519Public,
    X25519Secret,
    aead_open,
    hpke_open,
    hpke_seal,
    hpke_x25519_open,
    hpke_x25519_seal,
)

_SUITE = b"HPKE" + (25722).to_bytes(2, "big") + (1).to_bytes(2, "big") + (3).to_bytes(2, "big")
_COMBINER = bytes.fromhex("5c2e2f2f5e5c")
SECRET = HybridSecret(MlKemSecret.from_seed(bytes(range(64))), X25519Secret.from_bytes(bytes(range(32))))


def _extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + _SUITE + label + ikm, "sha256")


def _expand(prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + _SUITE + label + info
    return hmac.digest(prk, labelled + b"\x01", "sha256")[:length]


def _decapsulate(secret: HybridSecret, enc: bytes) -> bytes:
    ss_m = secret.mlkem.decapsulate(enc[:1088])
    ss_x = secret.x25519.exchange(X25519Public(enc[1088:]))
    return hashlib.sha3_256(ss_m + ss_x + enc[1088:] + secret.x25519.public.raw + _COMBINER).digest()


def _schedule(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    context = b"\0" + _extract(b"", b"psk_id_hash", b"") + _extract(b"", b"info_hash", info)
    secret = _extract(shared, b"secret", b"")
    return _expand(secret, b"key", context, 32), _expand(secret, b"base_nonce", context, 12)


def test_the_drafts_vector(vectors: Path) -> None:
    cases = json.loads((vectors / "e2ee/hpke-pq/test-vectors.json").read_text())
    (case,) = [c for c in cases if (c["kem_id"], c["kdf_id"], c["aead_id"]) == (25722, 1, 3)]
    seed = hashlib.shake_256(bytes.fromhex(case["skRm"])).digest(96)
    secret = HybridSecret.from_seed(seed)
    assert secret.public.raw.hex() == case["pkRm"]
    enc, info = bytes.fromhex(case["enc"]), bytes.fromhex(case["info"])
    shared = _decapsulate(secret, enc)
    assert shared.hex() == case["shared_secret"]
    key, nonce = _schedule(shared, info)
    assert (key.hex(), nonce.hex()) == (case["key"], case["base_nonce"])
    for number, one in enumerate(case["encryptions"]):
        numbered = (int.from_bytes(nonce, "big") ^ number).to_bytes(12, "big")
        assert numbered.hex() == one["nonce"]
        assert aead_open(key, numbered, bytes.fromhex(one["ct"]), bytes.fromhex(one["aad"])).hex() == one["pt"]
    assert number > 3


@pytest.mark.parametrize("half", [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32])
def test_an_encapsulation_of_low_order_opens_nothing(half: bytes) -> None:
    sealed = hpke_seal(SECRET.public, b"x", b"info")
    with pytest.raises(InvalidTag):
        hpke_open(SECRET, sealed[:1088] + half + sealed[1120:], b"info")
    with pytest.raises(InvalidTag):
        hpke_x25519_open(SECRET.x25519, half + hpke_x25519_seal(SECRET.x25519.public, b"x", b"info")[32:], b"info")


def test_the_schedule_opens_what_we_seal() -> None:
    sealed = hpke_seal(SECRET.public, b"to nobody else", b"info")
    assert len(sealed) == len(b"to nobody else") + HYBRID_OVERHEAD
    key, nonce = _schedule(_decapsulate(SECRET, sealed[:1120]), b"info")
    assert aead_open(key, nonce, sealed[1120:], b"") == b"to nobody else"


@given(position=st.integers(0, 1_163), bit=st.integers(0, 7))
def test_a_flipped_bit_opens_nothing(position: int, bit: int) -> None:
    sealed = bytearray(hpke_seal(SECRET.public, bytes(28), b"info"))
    sealed[position] ^= 1 << bit
    with pytest.raises(InvalidTag):
        hpke_open(SECRET, bytes(sealed), b"info")


@pytest.mark.parametrize("sealed", [b"", bytes(47), bytes(1_135), bytes(5_000)])
def test_lengths_and_infos_of_others_open_nothing(sealed: bytes) -> None:
    with pytest.raises(InvalidTag):
        hpke_open(SECRET, sealed, b"info")
    with pytest.raises(InvalidTag):
        hpke_x25519_open(SECRET.x25519, sealed, b"info")
    with pytest.raises(InvalidTag):
        hpke_open(SECRET, hpke_seal(SECRET.public, b"x", b"info"), b"other")
    with pytest.raises(InvalidTag):
        hpke_x25519_open(SECRET.x25519, hpke_x25519_seal(SECRET.x25519.public, b"x", b"info"), b"other")


def test_seeds_bring_the_same_key_back() -> None:
    assert HybridSecret.from_seed(SECRET.seed).public == SECRET.public
    assert HybridPublic.from_bytes(SECRET.public.raw) == SECRET.public
    assert hpke_x25519_open(SECRET.x25519, hpke_x25519_seal(SECRET.x25519.public, b"x", b"i"), b"i") == b"x"
