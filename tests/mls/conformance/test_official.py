"""The official files, all cases of the suites that we have: 4 and 6 (X448, Ed448) are said to be unsupported, and none is passed over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connexa.mls.conformance import run

FILES = {
    "tree-math": 10,
    "deserialization": 14,
    "crypto-basics": 5,
    "key-schedule": 5,
    "psk_secret": 55,
    "secret-tree": 15,
    "message-protection": 5,
    "transcript-hashes": 5,
    "welcome": 5,
    "tree-operations": 5,
    "tree-validation": 70,
    "treekem": 55,
    "messages": 300,
    "passive-client-welcome": 40,
}


@pytest.mark.parametrize("name", FILES)
def test_every_case_passes(vectors: Path, name: str) -> None:
    path = vectors / "mls" / f"{name}.json"
    report = run(path)
    assert report.failed == []
    assert report.kind == name
    assert report.passed == FILES[name]
    cases = json.loads(path.read_text())
    unsupported = [case for case in cases if case.get("cipher_suite") in (4, 6)]
    assert set(report.skipped) <= {"Cipher suite 4 is not supported.", "Cipher suite 6 is not supported."}
    assert report.skipped.total() == len(unsupported) == len(cases) - report.passed
