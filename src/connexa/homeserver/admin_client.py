"""The other end of the admin API: blocking calls from the command line to the homeserver of this profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import httpx

from connexa.errors import ConflictError, ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError, UsageError

__all__ = ["AdminClient", "ServerDownError"]

_KINDS: Final[dict[int, type[ConnexaError]]] = {
    400: UsageError,
    403: RefusedError,
    404: NotFoundError,
    409: ConflictError,
    422: IntegrityError,
    503: NetworkError,
}


class ServerDownError(ConnexaError):
    """The homeserver does not run."""

    exit_code = 3

    def __init__(self) -> None:
        super().__init__("server.not_running", "The homeserver of this profile does not run.", "Start it with: connexa server run")


class AdminClient:
    """Calls over the admin socket."""

    def __init__(self, socket: Path, timeout: float) -> None:
        self._client = httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://server", timeout=timeout)

    def __enter__(self) -> AdminClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make one call and return its answer, or raise what the server refused it with."""
        answer = self._request(method, path, body)
        try:
            answered = answer.json()
        except ValueError:
            raise ConnexaError("server.failed", f"The homeserver answered {answer.status_code}.") from None
        if answer.status_code == 200 and isinstance(answered, dict):
            return answered
        raise _refusal(answer.status_code, answered)

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=body)
        except httpx.TimeoutException:
            raise NetworkError("server.timeout", "The homeserver did not answer in time.") from None
        except httpx.TransportError:
            raise ServerDownError from None


def _refusal(status: int, answered: Any) -> ConnexaError:
    error = answered.get("error") if isinstance(answered, dict) else None
    if not isinstance(error, dict):
        return ConnexaError("server.failed", f"The homeserver answered {status}.")
    kind = _KINDS.get(status, ConnexaError)
    return kind(str(error["code"]), str(error["message"]), str(error.get("hint", "")), retryable=bool(error.get("retryable")))
