"""One figure, and how a handful of timings becomes it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import msgspec

__all__ = ["Row", "median_of", "percentile"]


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure with its unit. `promised` is what we said it would be at most; `ratio` is value over that of `against`, a program that
    ran in the same run."""

    name: str
    value: float
    unit: str
    promised: float | None = None
    against: str | None = None
    ratio: float | None = None

    @classmethod
    def measured(cls, name: str, value: float, unit: str, promised: float | None = None) -> Row:
        """A figure beside its promise."""
        return cls(name=name, value=round(value, 4), unit=unit, promised=promised)


def median_of(work: Callable[[], object], times: int, rounds: int = 5) -> float:
    """Seconds for one call: the median round, since other work on the machine only ever adds."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(times):
            work()
        seconds.append((time.perf_counter() - begin) / times)
    return statistics.median(seconds)


def percentile(values: list[float], percent: int) -> float:
    """The value that `percent` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(len(ordered) * percent / 100))]
