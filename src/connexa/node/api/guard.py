"""The API's door: which requests are let through before anything of them is read (product §4).

A page on the web can make a browser send requests to us: by DNS rebinding (foreign Host), across origins (foreign Origin or
Sec-Fetch-Site), and without a preflight where the body is not JSON. None of these gets further, and nothing goes without a token.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from connexa.errors import ConnexaError, RefusedError, UsageError

from .access import Access
from .refusals import error_body, http_status

__all__ = ["FILES_PATH", "SAFE_METHODS", "Guard", "GuardMiddleware", "plain_headers"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
FILES_PATH: Final = "/api/files"
_LOGIN: Final = ("POST", "/api/account/login")
# Nothing of the page comes from elsewhere or from a text: no inline script or style, no eval, no string that becomes markup.
_CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types connexa"
)
_ANSWER_HEADERS: Final = [
    (b"content-security-policy", _CONTENT_POLICY.encode("ascii")),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_NO_STORE: Final = (b"cache-control", b"no-store")


class Guard:
    """The rules, for plain requests and WebSockets alike."""

    def __init__(self, access: Access, port: int, pages: Container[str] = frozenset({"/"})) -> None:
        self.access = access
        self._pages = pages  # of the web app: they are the same for everybody and need no token
        self._hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))

    def check_source(self, headers: Mapping[str, str]) -> None:
        """Refuse what another site made a browser send."""
        self._check_host(headers)
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            raise RefusedError("origin.foreign", "Requests from another site are refused.")
        if site is not None and site not in _OWN_SITES:
            raise RefusedError("origin.foreign", "Requests from another site are refused.")

    def check_request(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Refuse a plain request that may not go on."""
        if (method, path) == ("GET", "/"):
            return self._check_host(headers)  # a link on another site may lead to the front page
        self.check_source(headers)
        if (method, path) != _LOGIN and not (method in SAFE_METHODS and path in self._pages):
            self.access.check(headers)
        if method not in SAFE_METHODS:
            _check_content_type(path, headers.get("content-type", ""))
        return None

    def _check_host(self, headers: Mapping[str, str]) -> None:
        if headers.get("host", "").lower() not in self._hosts:
            raise UsageError("host.foreign", "This name is not one of the node's.")


def _check_content_type(path: str, value: str) -> None:
    kind, _, parameters = value.lower().partition(";")
    if path == FILES_PATH and kind.strip() == "application/octet-stream" and not parameters:
        return  # neither kind comes from another site without being asked for first
    if kind.strip() != "application/json" or parameters.strip() not in ("", "charset=utf-8"):
        raise UsageError("body.not_json", "The body of a write is application/json.")


def plain_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; repeated ones are joined, so that no rule can be met by one of two."""
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


class GuardMiddleware:
    """Stands outside of the framework, so that no routing, decoding or documentation page comes before the rules."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with its refusal."""
        if scope["type"] != ScopeType.HTTP:
            return await self._app(scope, receive, send)
        answer = _with_headers(send)
        try:
            self._guard.check_request(scope["method"], scope["path"], plain_headers(scope["headers"]))
        except ConnexaError as error:
            return await _refuse(error, answer)
        return await self._app(scope, receive, answer)


def _with_headers(send: Send) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [*message["headers"]]
            keeps = any(name == b"cache-control" for name, _ in given)  # a file of the web app says itself how long it is good
            message["headers"] = [*given, *_ANSWER_HEADERS, *([] if keeps else [_NO_STORE])]
        await send(message)

    return answer


async def _refuse(error: ConnexaError, send: Send) -> None:
    body = msgspec.json.encode(error_body(error))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii")), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": http_status(error), "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
