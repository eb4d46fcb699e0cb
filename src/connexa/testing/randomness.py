"""Randomness that a seed repeats, for tests that print their seed."""

from __future__ import annotations

import hashlib
import random

__all__ = ["SeededRandom"]


class SeededRandom:
    """An `Rng` (call it for bytes) whose stream follows from its seed alone; never for real keys."""

    def __init__(self, seed: int | str = 0) -> None:
        self.seed = seed
        self._key = hashlib.sha256(f"connexa test randomness {seed}".encode()).digest()
        self._calls = 0

    def __call__(self, length: int) -> bytes:
        """Return the next bytes."""
        self._calls += 1
        return hashlib.shake_256(self._key + self._calls.to_bytes(8, "big")).digest(length)

    def fork(self, name: str) -> SeededRandom:
        """Return another stream that follows from this seed and a name, however much was drawn here."""
        return SeededRandom(f"{self.seed}/{name}")

    def choices(self) -> random.Random:
        """Return a generator of choices and intervals that follows from the seed."""
        return random.Random(f"connexa test choices {self.seed}")
