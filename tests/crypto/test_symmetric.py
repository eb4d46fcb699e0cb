"""HKDF, HMAC, the AEAD and password stretching."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from connexa.crypto import HmacKey, InvalidTag, aead_open, aead_seal, equal, hkdf, hmac_sha256, sha256, sha512, stretch_password


def _cases(vectors: Path, name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    groups = json.loads((vectors / f"e2ee/wycheproof/{name}.json").read_text())["testGroups"]
    return [(group, case) for group in groups for case in group["tests"]]


def test_hkdf(vectors: Path) -> None:
    cases = _cases(vectors, "hkdf_sha256_test")
    assert len(cases) == 86
    for _, case in cases:
        arguments = {"salt": bytes.fromhex(case["salt"]), "info": bytes.fromhex(case["info"]), "length": case["size"]}
        if case["result"] == "valid":
            assert hkdf(bytes.fromhex(case["ikm"]), **arguments).hex() == case["okm"]
        else:
            with pytest.raises(ValueError, match="derive"):
                hkdf(bytes.fromhex(case["ikm"]), **arguments)


def test_hmac(vectors: Path) -> None:
    cases = _cases(vectors, "hmac_sha256_test")
    assert len(cases) == 174
    for group, case in cases:
        message = bytes.fromhex(case["msg"])
        tag = hmac_sha256(bytes.fromhex(case["key"]), message[:1], message[1:])[: group["tagSize"] // 8]
        assert equal(tag, bytes.fromhex(case["tag"])) == (case["result"] == "valid")
        key = HmacKey(bytes.fromhex(case["key"]))
        assert [key.hmac_sha256(message[:1], message[1:])[: len(tag)] for _ in range(2)] == [tag, tag]


def test_aead(vectors: Path) -> None:
    ran = other_nonces = 0
    for group, case in _cases(vectors, "chacha20_poly1305_test"):
        key, nonce, ad, message = (bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg"))
        sealed = bytes.fromhex(case["ct"] + case["tag"])
        if group["ivSize"] != 96:
            with pytest.raises(ValueError):
                aead_seal(key, nonce, message, ad)
            with pytest.raises(ValueError):
                aead_open(key, nonce, sealed, ad)
            other_nonces += 1
            continue
        if case["result"] == "valid":
            assert aead_seal(key, nonce, message, ad) == sealed
            assert aead_open(key, nonce, sealed, ad) == message
        else:
            with pytest.raises(InvalidTag):
                aead_open(key, nonce, sealed, ad)
        ran += 1
    assert (ran, other_nonces) == (316, 9)


def test_parts_are_concatenated() -> None:
    assert sha256(b"a", b"b") == sha256(b"ab")
    assert sha512(b"a", b"b") == sha512(b"ab")


def test_the_cost_of_a_password_is_frozen() -> None:
    # Stored keys depend on these numbers: 64 MiB, three passes, four lanes.
    salt = bytes(range(16))
    expected = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=65_536).derive(b"correct horse")
    assert stretch_password("correct horse", salt) == expected
    assert stretch_password("correct horse", bytes(16)) != expected


def test_password_is_the_same_however_it_is_composed() -> None:
    salt = bytes(range(16))
    assert stretch_password("caf\u00e9", salt) == stretch_password("cafe\u0301", salt)
    with pytest.raises(ValueError, match="16 bytes"):
        stretch_password("x", bytes(8))
