"""Size classes: everything that a server sees has one of a few lengths (pairwise §5, P22). Padding is 80 00…"""

from __future__ import annotations

from connexa.errors import UsageError
from connexa.pairwise._reject import Reason, Reject
from connexa.wire import BODY_BUCKETS

__all__ = ["bucket_for", "pad", "pad_to", "unpad", "unpad_from"]


def bucket_for(length: int, minimum: int = BODY_BUCKETS[0]) -> int:
    """The smallest bucket that holds that many bytes and the padding's first, and is not below `minimum`."""
    for bucket in BODY_BUCKETS:
        if bucket > length and bucket >= minimum:
            return bucket
    raise UsageError("message.too_large", "The message is too long.", "Send it as a file, or in parts.")


def pad(content: bytes, minimum: int = BODY_BUCKETS[0]) -> bytes:
    """Pad to its bucket."""
    return pad_to(content, bucket_for(len(content), minimum))


def unpad(padded: bytes) -> bytes:
    """What was padded to a bucket, or `Reject`."""
    if len(padded) not in BODY_BUCKETS:
        raise Reject(Reason.MALFORMED)
    return unpad_from(padded)


def pad_to(content: bytes, size: int) -> bytes:
    """Pad to exactly that size."""
    if len(content) >= size:
        raise ValueError("the content does not fit its size class")
    return (content + b"\x80").ljust(size, b"\0")


def unpad_from(padded: bytes) -> bytes:
    """What was padded to whatever size, or `Reject`."""
    content, mark, zeros = padded.rpartition(b"\x80")
    if not mark or zeros.strip(b"\0"):
        raise Reject(Reason.MALFORMED)
    return content
