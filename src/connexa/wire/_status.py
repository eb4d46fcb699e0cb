"""What became of an envelope or a call, in three tongues: the status number, the code string, the HTTP status.

One table (first-message §5, §11). A link closes with 4000 + the HTTP status that says the same (first-message §4).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from connexa.errors import (
    ConflictError,
    ConnexaError,
    IntegrityError,
    NetworkError,
    NotFoundError,
    RefusedError,
    UsageError,
)

from .v1.link_pb2 import Status


class Meaning(NamedTuple):
    """One status: its code string, the HTTP status that says the same, and whether the sender keeps the envelope and tries again."""

    code: str
    http: int
    retried: bool


STATUSES: Final[dict[Status, Meaning]] = {
    Status.STATUS_MALFORMED: Meaning("frame.malformed", 400, False),  # the value of a field that was never set: no success
    Status.STATUS_ACCEPTED: Meaning("envelope.accepted", 200, False),
    Status.STATUS_NO_SUCH_USER: Meaning("user.gone", 410, False),
    Status.STATUS_QUOTA_EXCEEDED: Meaning("mailbox.full", 507, True),
    Status.STATUS_RATE_LIMITED: Meaning("rate.limited", 429, True),
    Status.STATUS_BLOCKED: Meaning("domain.blocked", 403, False),
    Status.STATUS_UNAVAILABLE: Meaning("directory.unavailable", 404, False),
    Status.STATUS_STALE_DEVICES: Meaning("devices.stale", 409, False),
    Status.STATUS_BAD_RIGHT: Meaning("right.bad", 403, False),
    Status.STATUS_TOO_LARGE: Meaning("envelope.too_large", 413, False),
    Status.STATUS_EXPIRED: Meaning("envelope.expired", 410, False),
    Status.STATUS_TEMPORARY: Meaning("server.temporary", 503, True),
    Status.STATUS_VERSION: Meaning("version.unsupported", 426, False),
    Status.STATUS_MALFORMED_ENVELOPE: Meaning("envelope.malformed", 400, False),
}
_BY_NUMBER: Final[dict[int, Meaning]] = {int(status): meaning for status, meaning in STATUSES.items()}
_BY_CODE: Final = {meaning.code: status for status, meaning in STATUSES.items()}

# Codes that end a link or a call and have no status number.
_HTTP: Final[dict[str, int]] = {
    **{meaning.code: meaning.http for meaning in STATUSES.values()},
    "frame.too_large": 413,
    "frame.unexpected": 400,
    "link.timeout": 408,
    "media.full": 507,
    "media.range": 416,
    "media.too_large": 413,
    "link.replaced": 409,
    "link.slow": 503,
    "login.refused": 401,
    "pair.gone": 503,
    "pair.taken": 409,
    "pass.refused": 401,
    "server.draining": 503,
}
_KINDS: Final[tuple[tuple[type[ConnexaError], int], ...]] = (
    (UsageError, 400),
    (NotFoundError, 404),
    (RefusedError, 403),
    (ConflictError, 409),
    (NetworkError, 503),
    (IntegrityError, 422),
)


def meaning(status: Status | int) -> Meaning:
    """What a status says; a number that this version does not know means `frame.malformed`, as 0 does."""
    return _BY_NUMBER.get(status, STATUSES[Status.STATUS_MALFORMED])


def status_code(status: Status | int) -> str:
    """The code string of a status: 8 → `right.bad`."""
    return meaning(status).code


def is_retried(status: Status | int) -> bool:
    """True where the envelope is kept and sent again with back-off until it expires; every other status is final."""
    return meaning(status).retried


def status_of(code: str) -> Status:
    """The status that says what a code string says; KeyError for a code that has none."""
    return _BY_CODE[code]


def http_status(error: ConnexaError) -> int:
    """The HTTP status that says what `error` says: by its code, else by its kind, else 500."""
    if (known := _HTTP.get(error.code)) is not None:
        return known
    return next((http for kind, http in _KINDS if isinstance(error, kind)), 500)


def close_code(error: ConnexaError) -> int:
    """The WebSocket close code of a link that ends with `error`: 4000 + the HTTP status."""
    return 4000 + http_status(error)
