"""The passive-client kinds whose official files are not among the shared ones: cases of their format, made here, with epochs to follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connexa.mls.conformance import run

from .scenarios import scenario


@pytest.mark.parametrize("suite", [1, 2, 3, 5, 7])
@pytest.mark.parametrize(("name", "epochs"), [("passive-client-handling-commit", 2), ("passive-client-random", 10)])
def test_a_listener_comes_to_the_epochs_of_those_who_speak(tmp_path: Path, suite: int, name: str, epochs: int) -> None:
    count = 4 if suite in (1, 3) else 1  # NIST curves cost more
    cases = [scenario(suite, seed, epochs) for seed in range(count)]
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(cases))
    report = run(path)
    assert (report.kind, report.passed, report.failed) == (name, count, [])
    assert count == 1 or any(epoch["proposals"] for case in cases for epoch in case["epochs"])


def test_an_epoch_that_is_not_the_others_fails_its_case(tmp_path: Path) -> None:
    cases = [scenario(1, seed, 3) for seed in range(2)]
    cases[1]["epochs"][2]["epoch_authenticator"] = cases[1]["epochs"][1]["epoch_authenticator"]
    path = tmp_path / "passive-client-random.json"
    path.write_text(json.dumps(cases))
    assert run(path).failed == [(1, "epoch_authenticator of epoch 2 differs")]
