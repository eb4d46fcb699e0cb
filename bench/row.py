"""One figure, and how a handful of timings becomes it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import msgspec

__all__ = ["Row", "median_of", "percentile"]


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure with its unit; `ratio` is value over `against`, what we promised: at most 1 is good."""

    name: str
    value: float
    unit: str
    against: float | None = None
    ratio: float | None = None

    @classmethod
    def measured(cls, name: str, value: float, unit: str, promised: float | None = None) -> Row:
        """A figure beside its promise."""
        ratio = round(value / promised, 3) if promised else None
        return cls(name=name, value=round(value, 4), unit=unit, against=promised, ratio=ratio)


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
