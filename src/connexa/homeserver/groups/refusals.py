"""What a hub refuses with: a code and what the asker needs to go on, carried inside the answer so that it crosses federation whole."""

from __future__ import annotations

from typing import Any

from connexa.errors import ConnexaError, RefusedError
from connexa.wire.v1.groups_pb2 import GroupRefused, GroupReply

__all__ = ["HubRefused", "not_allowed", "refusal", "unknown_group"]


class HubRefused(RefusedError):
    """The hub refuses; the keywords are fields of GroupRefused."""

    def __init__(self, code: str, message: str, *, retryable: bool = False, **told: Any) -> None:
        super().__init__(code, message, retryable=retryable)
        self.told = told


def unknown_group() -> HubRefused:
    """One answer for a group that is not here, a right that opens nothing, and a member that asks through another homeserver."""
    return HubRefused("group.unknown", "There is no such group here for you.")


def not_allowed(why: str) -> HubRefused:
    """The right is good and does not go so far."""
    return HubRefused("group.not_allowed", f"That is not allowed in this group. {why}")


def refusal(error: ConnexaError) -> GroupReply:
    """An error as a hub's answer."""
    told = error.told if isinstance(error, HubRefused) else {}
    return GroupReply(refused=GroupRefused(code=error.code, retryable=error.retryable, **told))
