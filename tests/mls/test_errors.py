"""Every refusal of a group has a code, a kind and, where there is one, a rule."""

from __future__ import annotations

import pytest

from connexa import mls
from connexa.errors import ConnexaError
from connexa.mls import EpochError, MLSError, StaleCommit, ValidationError

REFUSALS = [
    mls.DecodeError(),
    mls.CryptoError(),
    ValidationError("V15", "The tree's parent hashes do not hold."),
    EpochError(4, 3),
    StaleCommit(4, 3),
    mls.UnknownProposal(b"\1" * 32),
    mls.MissingPSK(b"secret id"),
    mls.RemovedFromGroup(),
    mls.ReplayError(),
    mls.GenerationGap(2000),
    mls.UnsupportedSuite(4),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: type(refusal).__name__)
def test_a_refusal_says_what_it_is(refusal: MLSError) -> None:
    assert isinstance(refusal, ConnexaError)
    noun, reason = refusal.code.split(".")
    assert noun == "mls" and reason
    assert refusal.exit_code > 1
    assert refusal.message.endswith(".")


def test_codes_are_distinct() -> None:
    assert len({refusal.code for refusal in REFUSALS}) == len(REFUSALS)


def test_a_rule_is_its_code() -> None:
    refusal = ValidationError("V15", "The tree's parent hashes do not hold.")
    assert (refusal.code, refusal.rule) == ("mls.v15", "V15")


def test_what_can_be_tried_again_says_so() -> None:
    assert [type(refusal).__name__ for refusal in REFUSALS if refusal.retryable] == ["StaleCommit", "UnknownProposal"]


def test_no_refusal_shows_the_id_of_a_key() -> None:
    assert "secret id" not in str(mls.MissingPSK(b"secret id"))
