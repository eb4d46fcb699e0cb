"""The refusal of a frame: bytes that are no message of ours, too many of them, or a version that we do not speak."""

from __future__ import annotations

from connexa.errors import RefusedError


class WireError(RefusedError):
    """The other side sent something that does not follow the protocol."""


def malformed(what: str) -> WireError:
    """The refusal `frame.malformed`; `what` names the rule, never the bytes."""
    return WireError("frame.malformed", f"A frame does not follow the protocol: {what}.")


def too_large(limit: int) -> WireError:
    """The refusal `frame.too_large`, made before anything is parsed."""
    return WireError("frame.too_large", f"A frame is larger than the {limit} bytes allowed here.")
