"""Own copies leave in units of 4 KiB, several in one body, so that their sizes tell nothing of the messages sent (P38)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connexa.content._codec import encode
from connexa.content._content import Content
from connexa.content._kinds import OwnCopies, OwnCopy
from connexa.wire import BODY_ZEROS

__all__ = ["OWN_COPY_UNIT", "batch_own_copies"]

OWN_COPY_UNIT = 4_096  # the smallest body of own copies; larger ones are its multiples


def batch_own_copies(copies: Iterable[OwnCopy], sent_ms: int) -> Iterator[bytes]:
    """Encoded contents that hold all copies in their order; pad each to at least `OWN_COPY_UNIT`."""
    batch: tuple[OwnCopy, ...] = ()
    for copy in copies:
        longer = (*batch, copy)
        if batch and _size(longer) >= OWN_COPY_UNIT - BODY_ZEROS:
            yield encode(Content(sent_ms, OwnCopies(batch)))
            longer = (copy,)
        batch = longer
    if batch:
        yield encode(Content(sent_ms, OwnCopies(batch)))


def _size(copies: tuple[OwnCopy, ...]) -> int:
    """An upper bound of the encoded size: the fields of a copy with their tags, and the content's frame."""
    return 32 + sum(len(copy.content) + len(str(copy.address)) + 32 + 16 + 32 for copy in copies)
