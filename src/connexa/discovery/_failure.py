"""A channel that shows nothing, with its class; it never leaves this room."""

from __future__ import annotations

from connexa.errors import ConnexaError
from connexa.identity import Failure


class ChannelFailed(ConnexaError):
    """One source of one look-up failed."""

    def __init__(self, failure: Failure, why: str) -> None:
        super().__init__("directory.unavailable", why)
        self.failure = failure
