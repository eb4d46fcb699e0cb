"""Keys of messages that have not come yet, by their number in a chain, and how many of them are kept (pairwise §3)."""

from __future__ import annotations

from collections.abc import Mapping

from connexa.pairwise._reject import Duplicate

__all__ = ["MAX_AGE", "MAX_SKIPPED", "MAX_STEPS", "take", "without", "without_lowest"]

MAX_STEPS = 1_000  # that one message may skip, old and new chain together; the same for the post-quantum chain
MAX_SKIPPED = 2_000  # stored keys of a session, for each of the two ratchets
MAX_AGE = 30 * 86_400


def take(skipped: Mapping[int, bytes], n: int) -> tuple[bytes, Mapping[int, bytes]]:
    """The key of message `n` and the others; a key is there once, so a second time is `Duplicate` (P09)."""
    key = skipped.get(n)
    if key is None:
        raise Duplicate
    return key, without(skipped, n)


def without(skipped: Mapping[int, bytes], n: int) -> Mapping[int, bytes]:
    """All but the key of message `n`, which is there."""
    rest = dict(skipped)
    del rest[n]
    return rest


def without_lowest(skipped: Mapping[int, bytes], count: int) -> Mapping[int, bytes]:
    """All but the `count` oldest keys."""
    return {n: skipped[n] for n in sorted(skipped)[count:]} if count > 0 else skipped
