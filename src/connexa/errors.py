"""The one error root. A code string means the same in the CLI, the local API and on the wire.

    ConnexaError
    ├── UsageError       the caller's mistake                              exit 2
    ├── NotFoundError    no such thing, or not for you to know             exit 4
    ├── RefusedError     understood, and declined: policy, rights, locks   exit 5
    ├── ConflictError    it is in the way of what is already there         exit 6
    ├── NetworkError     nobody answered, or not in time                   exit 7
    └── IntegrityError   a signature, a proof or a file does not hold      exit 8

`code` is `noun.reason` (`right.bad`, `devices.stale`, `directory.unavailable`). `message` and `hint` are sentences for people and
never hold a secret, content or an address that the reader did not type.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "ConflictError",
    "ConnexaError",
    "IntegrityError",
    "NetworkError",
    "NotFoundError",
    "RefusedError",
    "UsageError",
]


class ConnexaError(Exception):
    """Something did not work, and here is what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, hint: str = "", *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.message} [{self.code}]"


class UsageError(ConnexaError):
    """The request itself is wrong."""

    exit_code = 2


class NotFoundError(ConnexaError):
    """There is no such thing here."""

    exit_code = 4


class RefusedError(ConnexaError):
    """The request was understood and declined."""

    exit_code = 5


class ConflictError(ConnexaError):
    """The request contradicts what is already there."""

    exit_code = 6


class NetworkError(ConnexaError):
    """The other side could not be reached in time."""

    exit_code = 7

    def __init__(self, code: str, message: str, hint: str = "", *, retryable: bool = True) -> None:
        super().__init__(code, message, hint, retryable=retryable)


class IntegrityError(ConnexaError):
    """Something that should hold by cryptography does not: never retried, always shown."""

    exit_code = 8
