"""X25519 and ML-KEM-768 against Wycheproof, with the import checks of pairwise §1 (P02, P04)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connexa.crypto import InvalidKey, MlKemPublic, MlKemSecret, X25519Public, X25519Secret


def _cases(vectors: Path, name: str) -> list[dict[str, Any]]:
    groups = json.loads((vectors / f"e2ee/wycheproof/{name}.json").read_text())["testGroups"]
    return [case for group in groups for case in group["tests"]]


def test_p04_x25519(vectors: Path) -> None:
    not_canonical = zero = agreed = 0
    for case in _cases(vectors, "x25519_test"):
        secret = X25519Secret.from_bytes(bytes.fromhex(case["private"]))
        try:
            public = X25519Public.from_bytes(bytes.fromhex(case["public"]))
        except InvalidKey:
            assert case["result"] == "acceptable"
            not_canonical += 1
            continue
        try:
            shared = secret.exchange(public)
        except InvalidKey:
            assert set(bytes.fromhex(case["shared"])) == {0}
            zero += 1
            continue
        assert shared.hex() == case["shared"]
        agreed += 1
    assert (not_canonical, zero, agreed) == (29, 15, 518 - 29 - 15)


def test_p04_two_names_of_one_x25519_key_are_not_both_admitted() -> None:
    raw = X25519Secret.from_bytes(bytes(range(32))).public.raw
    with pytest.raises(InvalidKey):
        X25519Public.from_bytes(raw[:31] + bytes([raw[31] | 0x80]))


def test_ml_kem_decapsulation(vectors: Path) -> None:
    good = 0
    for case in _cases(vectors, "mlkem_768_test"):
        try:
            secret = MlKemSecret.from_seed(bytes.fromhex(case["seed"]))
            shared = secret.decapsulate(bytes.fromhex(case["c"]))
        except InvalidKey:
            assert case["result"] == "invalid", case["tcId"]
            continue
        assert case["result"] == "valid", case["tcId"]
        assert secret.public.raw.hex() == case["ek"]
        assert shared.hex() == case["K"]
        good += 1
    assert good > 50


def test_ml_kem_keys_from_seeds(vectors: Path) -> None:
    cases = _cases(vectors, "mlkem_768_keygen_seed_test")
    assert len(cases) == 100
    for case in cases:
        assert MlKemSecret.from_seed(bytes.fromhex(case["seed"])).public.raw.hex() == case["ek"]


def test_p02_a_key_of_one_type_is_never_taken_for_another() -> None:
    kem = MlKemSecret.from_seed(bytes(64))
    with pytest.raises(InvalidKey):
        X25519Public.from_bytes(kem.public.raw)
    with pytest.raises(InvalidKey):
        MlKemPublic.from_bytes(X25519Secret.from_bytes(bytes(range(32))).public.raw)
    with pytest.raises(InvalidKey):
        MlKemPublic.from_bytes(b"\xff" * 1_184)  # fails the modulus check
    for wrong in (b"", bytes(1_087), bytes(1_089)):
        with pytest.raises(InvalidKey):
            kem.decapsulate(wrong)
