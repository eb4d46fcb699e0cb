"""What is taken and not committed is bounded over all links, in bytes and in envelopes; reading goes on where half of it is committed."""

from __future__ import annotations

import pytest

from connexa.homeserver.intake import MAX_ENVELOPES, Gate, Intake
from connexa.homeserver.metrics import Metrics


class Sink:
    """A connection that remembers whether it is read from."""

    def __init__(self) -> None:
        self.reads = True

    def pause(self) -> None:
        self.reads = False

    def resume(self) -> None:
        self.reads = True


@pytest.mark.parametrize(("count", "size"), [(1, 1_000), (MAX_ENVELOPES, 1)])
def test_who_goes_beyond_a_bound_waits_until_half_is_committed(count: int, size: int) -> None:
    intake, first, second = Intake(1_000, Metrics()), Sink(), Sink()
    intake.take(count, size, Gate(first))
    assert first.reads
    intake.take(1, 1, Gate(second))
    assert (first.reads, second.reads) == (True, False)
    intake.done(1, 1)
    assert not second.reads
    intake.done(count, size)
    assert second.reads


def test_both_bounds_hold_before_anybody_is_read_from_again() -> None:
    intake, sink = Intake(1_000, Metrics()), Sink()
    intake.take(MAX_ENVELOPES, 1_000, Gate(sink))
    intake.take(1, 1, Gate(sink))
    intake.done(1, 1_000)
    assert not sink.reads
    intake.done(MAX_ENVELOPES, 1)
    assert sink.reads
