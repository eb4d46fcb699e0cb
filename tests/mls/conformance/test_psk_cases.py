"""The official joins with a pre-shared key, without it and with another one: both are refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connexa.mls import CryptoError, MissingPSK
from connexa.mls.conformance.case import Case
from connexa.mls.conformance.clients import passive_client


def test_a_join_fails_without_its_key_and_with_another(vectors: Path) -> None:
    cases = [
        case
        for case in json.loads((vectors / "mls" / "passive-client-welcome.json").read_text())
        if case["external_psks"] and case["cipher_suite"] not in (4, 6)
    ]
    assert len(cases) >= 10
    for case in cases:
        with pytest.raises(MissingPSK):
            passive_client(Case(case | {"external_psks": []}))
        wrong = [psk | {"psk": "00" * 32} for psk in case["external_psks"]]
        with pytest.raises(CryptoError):
            passive_client(Case(case | {"external_psks": wrong}))
