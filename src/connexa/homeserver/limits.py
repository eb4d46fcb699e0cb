"""Token buckets: how often something may happen, for one key or for many.

`now` is any clock that goes on by itself; links pass the event loop's. Tables are bounded: the key that was quiet for longest is forgotten.
A table asks for its rate whenever a bucket is, so that limits that were read anew hold for all its buckets.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

__all__ = ["Bucket", "RateTable", "registrable"]

K = TypeVar("K", bound=Hashable)

MAX_KEYS: Final = 65_536


def registrable(domain: str) -> str:
    """The last two labels: coarser than the public suffix list, which can only make a quota tighter (I86)."""
    return ".".join(domain.rsplit(".", 2)[-2:])


class Bucket:
    """Fills with `rate` a second up to `burst`."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def change(self, rate: float, burst: float) -> None:
        """Fill at another rate from now on."""
        self._rate = rate
        self._burst = burst

    def take(self, now: float, count: float = 1.0) -> bool:
        """Take `count` out, or nothing where there is not enough."""
        self._fill(now)
        if self._level < count:
            return False
        self._level -= count
        return True

    def debt(self, now: float, count: float) -> float:
        """Take `count` out even where it is not there; return the seconds until it is made good."""
        self._fill(now)
        self._level -= count
        return max(0.0, -self._level / self._rate)

    def _fill(self, now: float) -> None:
        self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now


class RateTable(Generic[K]):
    """One bucket for each key: `count()` in so many seconds, `burst()` (or as many) at once."""

    def __init__(self, count: Callable[[], float], *, seconds: float, burst: Callable[[], float] | None = None) -> None:
        self._count = count
        self._seconds = seconds
        self._burst = burst or count
        self._now = (count(), self._burst())
        self._buckets: OrderedDict[K, Bucket] = OrderedDict()

    def take(self, key: K, now: float, count: float = 1.0) -> bool:
        """Whether `key` may do it once more."""
        return self.bucket(key, now).take(now, count)

    def bucket(self, key: K, now: float) -> Bucket:
        """The bucket of a key, for those who hold on to it; the same one when the key comes back."""
        if (self._count(), self._burst()) != self._now:
            self._change()
        bucket = self._buckets.get(key)
        if bucket is None:
            count, burst = self._now
            bucket = self._buckets[key] = Bucket(count / self._seconds, burst, now)
            if len(self._buckets) > MAX_KEYS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket

    def _change(self) -> None:
        self._now = count, burst = self._count(), self._burst()
        for bucket in self._buckets.values():
            bucket.change(count / self._seconds, burst)
