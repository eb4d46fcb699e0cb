"""The web app as the node serves it: its own files, by their exact paths, under a policy that lets nothing else in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connexa.crypto import system_random
from connexa.node.api import Access, Guard
from connexa.node.api.guard import GuardMiddleware
from connexa.node.api.pages import PagesMiddleware
from connexa.web import load_app

PORT = 4567
PAGES = load_app()


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """The API behind the pages: it says that it was reached."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"the API"})


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    guard = Guard(Access("right", "connexa-default-4567", lambda: 0.0, system_random), PORT, PAGES)
    app: Any = GuardMiddleware(PagesMiddleware(inner, PAGES), guard)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://127.0.0.1:{PORT}") as client:
        yield client


def policy(answer: httpx.Response) -> dict[str, str]:
    parts = (part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, _, values in parts}


async def test_the_page_and_all_it_names_are_served_without_a_token(web: httpx.AsyncClient) -> None:
    page = await web.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(named) >= 4
    for path in (*named, "/sw.js"):
        assert (await web.get(path)).status_code == 200, path


async def test_the_page_holds_no_script_style_or_handler_of_its_own(web: httpx.AsyncClient) -> None:
    text = (await web.get("/")).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", ["/", "/assets/index.js", "/api/status", "/nothing"])
async def test_the_policy_lets_nothing_in_from_elsewhere(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)
    rules = policy(answer)
    assert (rules["default-src"], rules["object-src"], rules["base-uri"], rules["frame-ancestors"]) == ("'none'",) * 4
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["require-trusted-types-for"] == "'script'"
    assert not re.search(r"unsafe|http|\*", answer.headers["content-security-policy"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/assets/../../__init__.py",
        "/assets/%2e%2e/%2e%2e/__init__.py",
        "/..%2f..%2f__init__.py",
        "//etc/passwd",
        "/assets/..\\..\\__init__.py",
        "/assets/",
        "/index.html",
        "/BUILD.json",
        "/__init__.py",
        "/assets/index.js/",
        "/ASSETS/index.js",
        "/assets/index.js%00.html",
    ],
)
async def test_no_path_leads_anywhere_else(web: httpx.AsyncClient, path: str) -> None:
    scope = httpx.URL(f"http://127.0.0.1:{PORT}").copy_with(raw_path=path.encode("ascii"))
    answer = await web.get(scope)
    assert answer.status_code == 401  # not one of the app's files: nothing without a token


async def test_a_file_is_for_no_other_name_and_no_other_site(web: httpx.AsyncClient) -> None:
    for path in PAGES:
        foreign = await web.get(path, headers={"host": "evil.example"})
        assert (foreign.status_code, foreign.json()["error"]["code"]) == (400, "host.foreign")
        if path != "/":  # a link may lead to the page; its parts are for itself alone
            embedded = await web.get(path, headers={"sec-fetch-site": "cross-site"})
            assert (embedded.status_code, embedded.json()["error"]["code"]) == (403, "origin.foreign")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_files_are_only_read(web: httpx.AsyncClient, method: str) -> None:
    assert (await web.request(method, "/assets/index.js", headers={"content-type": "application/json"})).status_code == 401


async def test_a_browser_is_told_that_it_has_the_newest(web: httpx.AsyncClient) -> None:
    first = await web.get("/assets/index.js")
    assert first.headers["cache-control"] == "no-cache"
    again = await web.get("/assets/index.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await web.get("/assets/index.js", headers={"if-none-match": '"0"'})
    assert other.status_code == 200
    assert (await web.get("/assets/index.css")).headers["etag"] != first.headers["etag"]


async def test_compressed_or_not_it_is_the_same(web: httpx.AsyncClient) -> None:
    plain = await web.get("/assets/index.js", headers={"accept-encoding": "identity"})
    packed = await web.get("/assets/index.js", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content == PAGES["/assets/index.js"].body
    head = await web.head("/assets/index.js", headers={"accept-encoding": "identity"})
    assert (head.content, head.headers["content-length"]) == (b"", plain.headers["content-length"])


async def test_what_is_of_the_api_is_never_kept(web: httpx.AsyncClient) -> None:
    answer = await web.get("/api/messages/1", headers={"authorization": "Bearer right"})
    assert (answer.text, answer.headers["cache-control"]) == ("the API", "no-store")


def test_the_styles_and_the_page_name_no_other_place() -> None:
    for path, file in PAGES.items():
        if path.endswith((".css", ".webmanifest")) or path == "/":
            assert not re.search(rb"url\(\s*[\"']?(?!data:)[a-z]+:|@import|(src|href)=\"(?!/[^/])", file.body), path
