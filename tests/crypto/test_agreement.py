"""ML-KEM-768 against Wycheproof; X25519 is in tests/pairwise/test_p04_weak_keys_enter_nowhere.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connexa.crypto import InvalidKey, MlKemSecret


def _cases(vectors: Path, name: str) -> list[dict[str, Any]]:
    groups = json.loads((vectors / f"e2ee/wycheproof/{name}.json").read_text())["testGroups"]
    return [case for group in groups for case in group["tests"]]


def test_ml_kem_decapsulation(vectors: Path) -> None:
    good = refused = 0
    for case in _cases(vectors, "mlkem_768_test"):
        try:
            secret = MlKemSecret.from_seed(bytes.fromhex(case["seed"]))
            shared = secret.decapsulate(bytes.fromhex(case["c"]))
        except InvalidKey:
            assert case["result"] == "invalid", case["tcId"]
            refused += 1
            continue
        assert case["result"] == "valid", case["tcId"]
        assert secret.public.raw.hex() == case["ek"]
        assert shared.hex() == case["K"]
        good += 1
    assert (good, refused) == (153, 40)


def test_ml_kem_keys_from_seeds(vectors: Path) -> None:
    cases = _cases(vectors, "mlkem_768_keygen_seed_test")
    assert len(cases) == 100
    for case in cases:
        assert MlKemSecret.from_seed(bytes.fromhex(case["seed"])).public.raw.hex() == case["ek"]
