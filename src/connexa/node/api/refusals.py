"""Every refusal of the API as HTTP: one table of statuses, one body `{"error": {code, message, hint, retryable}}`.

The statuses follow the kinds of `connexa.errors`, so that a client finds the kind (and the CLI its exit code) again by the status alone.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from connexa.errors import ConflictError, ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError, UsageError

__all__ = ["EXCEPTION_HANDLERS", "error_body", "http_status"]

_log = logging.getLogger("connexa.node.api")

_KINDS: Final[tuple[tuple[type[ConnexaError], int], ...]] = (
    (UsageError, 400),
    (NotFoundError, 404),
    (RefusedError, 403),
    (ConflictError, 409),
    (NetworkError, 503),
    (IntegrityError, 422),
)
_CODES: Final = {
    "token.bad": 401,
    "method.unknown": 405,
    "body.too_large": 413,
    "body.not_json": 415,
    "rate.limited": 429,
    "attachment.range": 416,
    "attachment.too_large": 413,
}
_FRAMEWORK: Final = {404: "route.unknown", 405: "method.unknown", 413: "body.too_large"}
_WORDS: Final = {
    "route.unknown": "There is no such operation.",
    "method.unknown": "This operation is called by another method.",
    "body.too_large": "The body is too large.",
}


def http_status(error: ConnexaError) -> int:
    """The HTTP status of a refusal."""
    if (known := _CODES.get(error.code)) is not None:
        return known
    return next((status for kind, status in _KINDS if isinstance(error, kind)), 500)


def error_body(error: ConnexaError) -> dict[str, dict[str, str | bool]]:
    """The JSON object that says what went wrong, here and in the command line."""
    return {"error": {"code": error.code, "message": error.message, "hint": error.hint, "retryable": error.retryable}}


def _answer(error: ConnexaError) -> Response[Any]:
    return Response(error_body(error), status_code=http_status(error), media_type="application/json")


def _refused(_: Request[Any, Any, Any], error: ConnexaError) -> Response[Any]:
    return _answer(error)


def _malformed(_: Request[Any, Any, Any], error: msgspec.ValidationError) -> Response[Any]:
    return _answer(UsageError("body.invalid", f"The body does not fit: {error}."))


def _framework(_: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    code = _FRAMEWORK.get(error.status_code, "request.invalid")
    kind = NotFoundError if error.status_code == 404 else UsageError
    return _answer(kind(code, _WORDS.get(code) or _field_words(error)))


def _field_words(error: HTTPException) -> str:
    """Name the parameters that do not fit; the framework lists them beside the error."""
    found = error.extra if isinstance(error.extra, list) else []
    words = [f"{item.get('key', '')}: {item.get('message', '')}" for item in found if isinstance(item, dict)]
    return f"The request does not fit: {'; '.join(words)}." if words else "The request does not fit."


def _failed(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A bug of ours; the program's log shows the kind and the place of an exception, never its text, which may hold content."""
    _log.error("api.failed", exc_info=error)
    return _answer(ConnexaError("node.failed", "The node made a mistake; its log says where.", "connexa logs"))


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    ConnexaError: _refused,
    msgspec.ValidationError: _malformed,
    msgspec.DecodeError: _malformed,
    HTTPException: _framework,
    Exception: _failed,
}
