"""Which messages of a receiving chain came: the first bytes of their n12, for the chain's last 64 numbers (pairwise §3, P44).

A message whose key is gone is a repetition if it begins as the one that came. If it begins otherwise, two devices hold the other
side's keys: a copy of it was restored or stolen.
"""

from __future__ import annotations

from connexa.pairwise._reject import Duplicate, Reason, Reject

__all__ = ["came_late", "came_next", "refusal"]

_PRINT = 2  # bytes of n12: a copy is missed once in 65,536 messages, and sends more than one
_WINDOW = 64 * _PRINT
_NONE = bytes(_PRINT)  # not here yet


def came_next(seen: bytes, passed: int, nonce: bytes) -> bytes:
    """After the chain's next message, which passed over that many numbers."""
    return (seen + bytes(min(passed * _PRINT, _WINDOW)) + nonce[:_PRINT])[-_WINDOW:]


def came_late(seen: bytes, back: int, nonce: bytes) -> bytes:
    """After a message `back` numbers before the chain's next one."""
    at = len(seen) - back * _PRINT
    return seen[:at] + nonce[:_PRINT] + seen[at + _PRINT :] if at >= 0 else seen


def refusal(seen: bytes, back: int, nonce: bytes) -> Reject:
    """Why there is no key for a message `back` numbers before the chain's next one; it may lie behind a finished chain's end."""
    at = len(seen) - back * _PRINT
    first = seen[at : at + _PRINT] if at >= 0 else _NONE
    return Duplicate() if first in (_NONE, nonce[:_PRINT]) else Reject(Reason.CLONE)
