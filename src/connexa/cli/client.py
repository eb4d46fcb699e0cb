"""Speaks to the running node over its API; every verb goes through here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, ClassVar, Final
from urllib.parse import quote

import httpx
import msgspec

from connexa.errors import ConflictError, ConnexaError, IntegrityError, NetworkError, NotFoundError, RefusedError, UsageError
from connexa.node.premises import Premises

from .options import options

__all__ = ["Client", "NodeDownError", "segment"]

_KINDS: Final[Mapping[int, type[ConnexaError]]] = {
    401: RefusedError,
    403: RefusedError,
    404: NotFoundError,
    409: ConflictError,
    422: IntegrityError,
    429: RefusedError,
    503: NetworkError,
}
POLL_SECONDS: Final = 20.0


class NodeDownError(ConnexaError):
    """There is nobody to talk to."""

    exit_code: ClassVar[int] = 3

    def __init__(self) -> None:
        super().__init__("node.down", "The node of this profile is not running.", "Start it: connexa up", retryable=True)


class Client(AbstractContextManager["Client"]):
    """A connection to the node of a profile; answers are plain JSON values."""

    def __init__(self, premises: Premises | None = None, timeout: float | None = None) -> None:
        premises = premises or Premises(options().where)
        timeout = timeout or options().timeout
        facts = premises.facts()
        if facts is None:
            raise NodeDownError
        self._timeout = timeout
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{facts.port}",
            headers={"authorization": f"Bearer {premises.read_token()}"},
            timeout=timeout,
            trust_env=False,  # no proxy stands between us and ourselves
        )

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **query: str | float | bool | None) -> Any:
        """Read something."""
        given = {name: _text(value) for name, value in query.items() if value is not None and value != ""}
        return self._call("GET", path, params=given)

    def post(self, path: str, **body: Any) -> Any:
        """Do something."""
        return self._call("POST", path, content=msgspec.json.encode(body), headers={"content-type": "application/json"})

    def hand_over(self, path: str, size: int, pieces: Iterator[bytes], **query: str) -> Any:
        """Bring a file of this size as a stream."""
        headers = {"content-type": "application/octet-stream", "content-length": str(size)}
        given = {name: value for name, value in query.items() if value}
        return self._call("POST", path, content=pieces, headers=headers, params=given)

    @contextmanager
    def reading(self, path: str, **query: str) -> Iterator[Iterator[bytes]]:
        """Read a file as a stream."""
        given = {name: value for name, value in query.items() if value}
        with _answered(), self._http.stream("GET", path, params=given) as response:
            if not response.is_success:
                response.read()
                raise _refusal(response)
            yield response.iter_raw()

    def events(self, after: int, wait: float) -> list[dict[str, Any]]:
        """Events behind a cursor; waits for the first one."""
        wait = max(0.0, min(wait, POLL_SECONDS))
        found = self._call("GET", "/api/events", params={"after": str(after), "wait": f"{wait:.3f}"}, timeout=self._timeout + wait)
        items: list[dict[str, Any]] = found["items"]
        return items

    def cursor(self) -> int:
        """Where the events are now."""
        return int(self.get("/api/status")["event_cursor"])

    def _call(self, method: str, path: str, **arguments: Any) -> Any:
        with _answered():
            response = self._http.request(method, path, **arguments)
        if response.is_success:
            return msgspec.json.decode(response.content)
        raise _refusal(response)


@contextmanager
def _answered() -> Iterator[None]:
    try:
        yield
    except httpx.ConnectError:
        raise NodeDownError from None
    except httpx.TimeoutException:
        raise NetworkError("node.timeout", "The node did not answer in time.", "Give it longer: --timeout SECONDS") from None
    except httpx.HTTPError as error:
        raise NetworkError("node.gone", f"The node ended the conversation ({type(error).__name__}).") from None


def _refusal(response: httpx.Response) -> ConnexaError:
    try:
        error = msgspec.json.decode(response.content)["error"]
        kind = _KINDS.get(response.status_code, UsageError if response.status_code < 500 else ConnexaError)
        return kind(error["code"], error["message"], error["hint"], retryable=error["retryable"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return ConnexaError("node.strange", f"The node answered with status {response.status_code} and no reason.")


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def segment(value: str) -> str:
    """One part of a path, quoted."""
    return quote(value, safe="")
