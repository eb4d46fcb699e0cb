"""Both sides speak the highest version of N and N-1 that they share, or none (first-message §11)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexa.wire import CURRENT, OURS, VersionRange, WireError, negotiate


@pytest.mark.parametrize(
    ("ours", "theirs", "version"),
    [
        ((1, 1), (1, 1), 1),
        ((1, 2), (1, 1), 1),
        ((1, 2), (1, 2), 2),
        ((1, 2), (2, 3), 2),
        ((2, 3), (1, 2), 2),
        ((2, 3), (1, 9), 3),
        ((2, 3), (3, 4), 3),
    ],
)
def test_the_highest_common_version_is_spoken(ours: tuple[int, int], theirs: tuple[int, int], version: int) -> None:
    assert negotiate(VersionRange(*ours), VersionRange(*theirs)) == version


@pytest.mark.parametrize(("ours", "theirs"), [((2, 3), (1, 1)), ((2, 3), (4, 5)), ((5, 6), (1, 4)), ((1, 1), (2, 2))])
def test_no_common_version_is_a_clear_refusal(ours: tuple[int, int], theirs: tuple[int, int]) -> None:
    with pytest.raises(WireError) as caught:
        negotiate(VersionRange(*ours), VersionRange(*theirs))
    assert caught.value.code == "version.unsupported"


@pytest.mark.parametrize("theirs", [(0, 0), (0, 1), (3, 2)])
def test_an_empty_range_is_malformed(theirs: tuple[int, int]) -> None:
    with pytest.raises(WireError) as caught:
        negotiate(VersionRange(1, 3), VersionRange(*theirs))
    assert caught.value.code == "frame.malformed"


def test_this_version_and_the_one_before_it_are_spoken() -> None:
    assert VersionRange(max(1, CURRENT - 1), CURRENT) == OURS


ranges = st.tuples(st.integers(1, 20), st.integers(0, 5)).map(lambda pair: VersionRange(pair[0], pair[0] + pair[1]))


@given(ranges, ranges)
def test_both_sides_choose_the_same_or_both_refuse(a: VersionRange, b: VersionRange) -> None:
    common = set(range(a.min, a.max + 1)) & set(range(b.min, b.max + 1))
    if common:
        assert negotiate(a, b) == negotiate(b, a) == max(common)
        return
    for ours, theirs in ((a, b), (b, a)):
        with pytest.raises(WireError, match="no protocol version in common"):
            negotiate(ours, theirs)
