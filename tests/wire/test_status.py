"""The table of statuses against the words of first-message §5 and §11."""

from __future__ import annotations

import pytest

from connexa.errors import ConflictError, ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError, UsageError
from connexa.wire import STATUSES, WireError, close_code, http_status, is_retried, status_code, status_of
from connexa.wire.v1.link_pb2 import Status


def test_every_status_of_the_wire_has_one_meaning_and_its_own_code() -> None:
    assert {int(status) for status in STATUSES} == set(Status.values())
    assert len({meaning.code for meaning in STATUSES.values()}) == len(STATUSES)


def test_quota_rate_and_temporary_are_retried_and_all_others_final() -> None:
    assert {number for number in Status.values() if is_retried(number)} == {3, 4, 11}


@pytest.mark.parametrize(("number", "code"), [(8, "right.bad"), (7, "devices.stale"), (6, "directory.unavailable")])
def test_the_codes_that_the_contract_names(number: int, code: str) -> None:
    assert status_code(number) == code
    assert status_of(code) == number


@pytest.mark.parametrize("number", [0, 14, -1, 2**31 - 1])
def test_an_unset_or_unknown_status_is_never_a_success(number: int) -> None:
    assert status_code(number) == "frame.malformed"
    assert not is_retried(number)


def test_codes_are_noun_and_reason() -> None:
    for meaning in STATUSES.values():
        noun, _, reason = meaning.code.partition(".")
        assert noun.isalpha()
        assert reason.replace("_", "").isalpha()


def test_a_link_closes_with_the_http_status_that_says_the_same() -> None:
    assert close_code(WireError("version.unsupported", "m")) == 4426
    assert close_code(WireError("frame.too_large", "m")) == 4413
    assert close_code(RefusedError("login.refused", "m")) == 4401


@pytest.mark.parametrize(
    ("kind", "http"),
    [
        (UsageError, 400),
        (NotFoundError, 404),
        (RefusedError, 403),
        (ConflictError, 409),
        (NetworkError, 503),
        (IntegrityError, 422),
        (ConnexaError, 500),
    ],
)
def test_a_code_without_a_row_is_answered_by_its_kind(kind: type[ConnexaError], http: int) -> None:
    assert http_status(kind("some.thing", "m")) == http
