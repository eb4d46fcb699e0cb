"""Serves the web app beside the API (product §6): its files by their exact paths, to whoever passed the guard.

The names of the files are stable, so a browser asks each time whether it still has the newest (`no-cache` and a tag).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from connexa.web import WebFile

from .guard import SAFE_METHODS, plain_headers

__all__ = ["PagesMiddleware"]

_CACHE: Final = (b"cache-control", b"no-cache")


class PagesMiddleware:
    """Answers for the files of the app and passes everything else on."""

    def __init__(self, app: ASGIApp, pages: Mapping[str, WebFile]) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file, or with the word that the browser has it."""
        if scope["type"] != ScopeType.HTTP or scope["method"] not in SAFE_METHODS:
            return await self._app(scope, receive, send)
        page = self._pages.get(scope["path"])
        if page is None:
            return await self._app(scope, receive, send)
        return await _answer(page, scope["method"], plain_headers(scope["headers"]), send)


async def _answer(page: WebFile, method: str, asked: Mapping[str, str], send: Send) -> None:
    headers = [_CACHE, (b"etag", page.tag.encode("ascii")), (b"vary", b"accept-encoding")]
    if page.tag in asked.get("if-none-match", ""):
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    packed = "gzip" in asked.get("accept-encoding", "")
    body = page.packed if packed else page.body
    headers += [(b"content-type", page.kind.encode("ascii")), (b"content-length", str(len(body)).encode("ascii"))]
    headers += [(b"content-encoding", b"gzip")] if packed else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body, "more_body": False})
