"""Sizes of blobs (docs/protocol.md section 25): files in sealed segments of one size, in padded numbers, moved in parts.

Both programs count with them: a node pads by them, and a homeserver refuses every other size, so that sizes tell little.
"""

from __future__ import annotations

from typing import Final

from ._limits import AEAD_TAG, HASH_SIZE

__all__ = [
    "BLOB_PART",
    "MAX_SEGMENTS",
    "MEDIA_PASS_SEGMENTS",
    "SEALED_SEGMENT",
    "SEGMENT",
    "blob_size",
    "media_passes",
    "padded_segments",
    "parts_of",
]

SEGMENT: Final = 65_536  # of a file, before it is sealed
SEALED_SEGMENT: Final = SEGMENT + AEAD_TAG
BLOB_PART: Final = 524_288  # what one request brings; the last part is shorter
MAX_SEGMENTS: Final = 16_384  # of one blob: 1 GiB
MEDIA_PASS_SEGMENTS: Final = 128  # that one media pass pays for: 8 MiB


def padded_segments(size: int) -> int:
    """The number of segments that a file of `size` bytes becomes: Padmé over their count, at most an eighth too many, one at least."""
    count = max(1, -(-size // SEGMENT))
    exponent = count.bit_length() - 1
    step = 1 << max(0, exponent - exponent.bit_length())
    return -(-count // step) * step


def blob_size(segments: int) -> int:
    """Bytes of a whole blob: the sealed segments, then their hashes."""
    return segments * (SEALED_SEGMENT + HASH_SIZE)


def parts_of(segments: int) -> int:
    """Parts in which a whole blob is moved."""
    return -(-blob_size(segments) // BLOB_PART)


def media_passes(segments: int) -> int:
    """Media passes that a blob costs."""
    return -(-segments // MEDIA_PASS_SEGMENTS)
