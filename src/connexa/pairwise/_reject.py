"""The one refusal that a receiver of sealed messages knows, outwardly always the same (P30)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

from connexa.crypto import InvalidKey, InvalidSignature, InvalidTag
from connexa.errors import ConnexaError, IntegrityError
from connexa.identity import DeviceId, UserId

__all__ = ["Clone", "Duplicate", "Reason", "Reject", "rejecting"]


class Reason(Enum):
    """Why a message was refused; for tests and debugging, never for the sender or a log at info."""

    MALFORMED = auto()
    SUITE = auto()
    IDENTITY = auto()  # sender certificate, device certificate and session do not name the same keys
    KEYS = auto()  # a key in it is not admissible, or not one that we hold
    REPLAY = auto()  # an initial message whose ephemeral key was seen before
    HEADER = auto()  # no session and no header key opens it
    JUMP = auto()  # it skips more messages than we would ever derive
    STEP = auto()  # a ratchet step that no honest device takes
    BODY = auto()
    DUPLICATE = auto()
    CLONE = auto()  # another message under a number that was used


class Reject(IntegrityError):
    """A message that cannot be accepted. It changed nothing."""

    def __init__(self, reason: Reason) -> None:
        super().__init__("message.rejected", "A message could not be opened.")
        self.reason = reason


class Duplicate(Reject):
    """A message that was opened before, or whose keys have been given up."""

    def __init__(self) -> None:
        super().__init__(Reason.DUPLICATE)


class Clone(Reject):
    """Another message under a number that was used: somebody else holds that device's keys, or it was restored from an old copy (P44).

    It changed nothing by itself; whoever catches it stores `SessionSet.after_clone`.
    """

    def __init__(self, user: UserId, device: DeviceId) -> None:
        super().__init__(Reason.CLONE)
        self.user = user
        self.device = device


@contextmanager
def rejecting(reason: Reason) -> Iterator[None]:
    """Turn what other rooms say about outside bytes into the one `Reject`."""
    try:
        yield
    except Reject:
        raise
    except InvalidKey:
        raise Reject(Reason.KEYS) from None
    except (InvalidTag, InvalidSignature, ConnexaError):
        raise Reject(reason) from None
