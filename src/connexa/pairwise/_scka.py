"""Sparse continuous key agreement (pairwise §4): how two sides come to new secrets by chunks that ride in the headers of their messages.

This is the seam between the post-quantum chains, which mix each epoch's secret in, and the way in which the two sides agree on it.
States are values: a method returns the next one. Which messages arrive, how often and in which order must not matter.
"""

from __future__ import annotations

from typing import Protocol, Self

from connexa.crypto import Rng

__all__ = ["CHUNK_SIZE", "IDLE", "Scka"]

CHUNK_SIZE = 2 + 128  # kind, index, part of a stream
IDLE = bytes(CHUNK_SIZE)


class Scka(Protocol):
    """One side's state of the agreement. Epochs count up from 0, whose secret comes from the key agreement of the session."""

    def send(self, rng: Rng, *, renew: bool) -> tuple[Self, int, bytes, bytes | None]:
        """For our next message: the state behind it, the epoch to send it in, its chunk, and the secret of the epoch after that one
        where it was just made. `renew` says that the current epoch has lasted long enough."""
        ...

    def receive(self, epoch: int, chunk: bytes) -> tuple[Self, tuple[int, bytes] | None]:
        """After an authentic message that was sent in `epoch`: the next state, and a new epoch with its secret where it was completed."""
        ...
