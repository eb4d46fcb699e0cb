"""Small damage to honest frames: flipped bits, cuts, copies, splices, and lengths and numbers at their ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

MOST = 70_000  # a little above the largest envelope, so that size limits are met too
NUMBERS = (b"\x00", b"\x01", b"\x7f", b"\x80\x01", b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\xff" * 10, b"\x80" * 9 + b"\x00")


def mutate(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One damaged frame: a seed with one to eight wounds."""
    frame = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        random.choice(_WOUNDS)(random, frame, seeds)
    return bytes(frame[:MOST])


def _flip(random: Random, frame: bytearray, _: Sequence[bytes]) -> None:
    if frame:
        frame[random.randrange(len(frame))] ^= 1 << random.randrange(8)


def _overwrite(random: Random, frame: bytearray, _: Sequence[bytes]) -> None:
    if frame:
        frame[random.randrange(len(frame))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _truncate(random: Random, frame: bytearray, _: Sequence[bytes]) -> None:
    del frame[random.randint(0, len(frame)) :]


def _cut(random: Random, frame: bytearray, _: Sequence[bytes]) -> None:
    start = random.randint(0, len(frame))
    del frame[start : start + random.randint(1, 16)]


def _insert(random: Random, frame: bytearray, _: Sequence[bytes]) -> None:
    at = random.randint(0, len(frame))
    frame[at:at] = random.choice(NUMBERS) if random.random() < 0.5 else random.randbytes(random.randint(1, 12))


def _copy(random: Random, frame: bytearray, _: Sequence[bytes]) -> None:
    start, at = random.randint(0, len(frame)), random.randint(0, len(frame))
    frame[at:at] = frame[start : start + random.randint(1, 64)] * random.choice((1, 1, 1, 2, 40))


def _splice(random: Random, frame: bytearray, seeds: Sequence[bytes]) -> None:
    other = random.choice(seeds)
    frame[random.randint(0, len(frame)) :] = other[random.randint(0, len(other)) :]


_WOUNDS: tuple[Callable[[Random, bytearray, Sequence[bytes]], None], ...] = (
    _flip,
    _flip,
    _overwrite,
    _truncate,
    _cut,
    _insert,
    _copy,
    _splice,
)
