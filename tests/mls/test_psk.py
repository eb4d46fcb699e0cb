"""Pre-shared keys: how several become one, and the syntax of their names (§8.4)."""

from __future__ import annotations

import pytest

from connexa.mls import DecodeError
from connexa.mls.codec import decode
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK, psk_secret
from connexa.mls.registry import ResumptionUsage
from connexa.mls.suite import SUITES

SUITE = SUITES[1]
ONE = PreSharedKeyID(ExternalPSK(b"one"), b"n" * 32)
OTHER = PreSharedKeyID(ResumptionPSK(ResumptionUsage.BRANCH, b"group", 7), b"m" * 32)


def test_order_name_and_nonce_count() -> None:
    pairs = [(ONE, b"a" * 32), (OTHER, b"b" * 32)]
    fresh = PreSharedKeyID(ONE.psk, b"o" * 32)
    secrets = [psk_secret(SUITE, psks) for psks in (pairs, pairs[::-1], pairs[:1], [(fresh, b"a" * 32)], [])]
    assert len(set(secrets)) == 5
    assert secrets[-1] == bytes(32)


@pytest.mark.parametrize("name", [ONE, OTHER])
def test_a_name_is_read_as_it_was_written_and_never_in_part(name: PreSharedKeyID) -> None:
    encoded = name.encode()
    assert decode(PreSharedKeyID.read, encoded) == name
    for end in range(len(encoded)):
        with pytest.raises(DecodeError):
            decode(PreSharedKeyID.read, encoded[:end])


@pytest.mark.parametrize("encoded", ["0001610162", "0301610162", "020001610000000000000001", "020401610000000000000001"])
def test_V02_unknown_types_and_usages_are_refused(encoded: str) -> None:
    with pytest.raises(DecodeError) as refused:
        decode(PreSharedKeyID.read, bytes.fromhex(encoded))
    assert refused.value.rule == "V02"
