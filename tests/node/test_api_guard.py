"""What the API's door lets through: by host, origin, token and kind of body (product §4; seam S2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connexa.crypto import system_random
from connexa.errors import RefusedError
from connexa.node.api import Access, Guard
from connexa.node.api.access import KEY_SECONDS, LOGIN_SECONDS
from connexa.node.api.guard import GuardMiddleware

PORT = 4567
TOKEN = {"authorization": "Bearer right"}
JSON = {**TOKEN, "content-type": "application/json"}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> Access:
    return Access("right", "connexa-default-4567", clock, system_random)


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """What stands behind the door: it says that it was reached."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


@pytest.fixture
async def web(access: Access) -> AsyncIterator[httpx.AsyncClient]:
    app: Any = GuardMiddleware(inner, Guard(access, PORT))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://127.0.0.1:{PORT}") as client:
        yield client


async def code(web: httpx.AsyncClient, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    answer = await web.request(method, path, headers=headers)
    return answer.status_code, answer.text if answer.is_success else answer.json()["error"]["code"]


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}", f"LOCALHOST:{PORT}"])
async def test_own_names_pass(web: httpx.AsyncClient, host: str) -> None:
    assert await code(web, "GET", "/api/status", {**TOKEN, "host": host}) == (200, "inside")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "evil.example", f"evil.example:{PORT}", "127.0.0.1:4568", f"127.0.0.1:{PORT}.evil.example", ""]
)
async def test_other_names_are_refused(web: httpx.AsyncClient, host: str) -> None:
    for path in ("/", "/api/status", "/api/account/login", "/api/schema"):
        assert await code(web, "GET", path, {**TOKEN, "host": host}) == (400, "host.foreign")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:4568"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": f"http://127.0.0.1:{PORT}", "sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
async def test_other_sites_are_refused(web: httpx.AsyncClient, headers: dict[str, str], method: str) -> None:
    assert await code(web, method, "/api/messages/send", {**JSON, **headers}) == (403, "origin.foreign")


async def test_own_site_passes(web: httpx.AsyncClient) -> None:
    own = {"origin": f"http://127.0.0.1:{PORT}", "sec-fetch-site": "same-origin"}
    assert (await code(web, "POST", "/api/messages/send", {**JSON, **own}))[0] == 200


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic right", "right", "Bearer right, Bearer right", "bearer Right"]
)
async def test_no_token_no_answer(web: httpx.AsyncClient, value: str) -> None:
    for path in ("/api/status", "/api/schema", "/api/nothing-here", "/elsewhere"):
        assert await code(web, "GET", path, {"authorization": value}) == (401, "token.bad")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json-seq",
        "application/json; charset=utf-7",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_writes_are_json(web: httpx.AsyncClient, kind: str, method: str) -> None:
    headers = {**TOKEN, **({"content-type": kind} if kind else {})}
    assert await code(web, method, "/api/messages/send", headers) == (415, "body.not_json")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
async def test_json_passes(web: httpx.AsyncClient, kind: str) -> None:
    assert (await code(web, "POST", "/api/messages/send", {**TOKEN, "content-type": kind}))[0] == 200


async def test_repeated_headers_meet_no_rule(web: httpx.AsyncClient) -> None:
    answer = await web.get("/api/status", headers=[("authorization", "Bearer wrong"), ("authorization", "Bearer right")])
    assert answer.status_code == 401
    answer = await web.get(
        "/api/status", headers=[*TOKEN.items(), ("origin", f"http://127.0.0.1:{PORT}"), ("origin", "http://evil.example")]
    )
    assert answer.status_code == 403


async def test_front_page_and_login_need_no_token(web: httpx.AsyncClient) -> None:
    assert (await code(web, "GET", "/", {"sec-fetch-site": "cross-site"}))[0] == 200  # a link on another site may lead here
    assert (await code(web, "POST", "/api/account/login", {"content-type": "application/json"}))[0] == 200
    assert (await code(web, "POST", "/", {"content-type": "application/json"}))[0] == 401


async def test_answers_carry_the_content_policy(web: httpx.AsyncClient) -> None:
    for headers in (TOKEN, {}):
        answer = await web.get("/api/status", headers=headers)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def shown(login_token: str, cookie: str) -> dict[str, str]:
    return {"authorization": f"Bearer {login_token}", "cookie": cookie}


def test_a_browser_needs_cookie_and_token(access: Access) -> None:
    login = access.exchange(access.issue_key()[0])
    other = access.exchange(access.issue_key()[0])
    name = access.cookie_name
    access.check(shown(login.token, f"a=b; {name}={login.cookie}; c=d"))
    for headers in (
        shown(login.token, ""),
        shown(login.token, f"{name}={other.cookie}"),
        shown("", f"{name}={login.cookie}"),
        shown(login.cookie, f"{name}={login.cookie}"),
        shown(login.token, f"connexa-default-4568={login.cookie}"),
        {"cookie": f"{name}={login.cookie}"},
    ):
        with pytest.raises(RefusedError, match="token"):
            access.check(headers)


def test_a_key_is_good_once_and_for_a_minute(access: Access, clock: Clock) -> None:
    key, until = access.issue_key()
    assert until == clock.now + KEY_SECONDS <= clock.now + 60
    access.exchange(key)
    with pytest.raises(RefusedError):
        access.exchange(key)
    late, until = access.issue_key()
    clock.now = until
    with pytest.raises(RefusedError):
        access.exchange(late)
    with pytest.raises(RefusedError):
        access.exchange("")


def test_a_login_ends(access: Access, clock: Clock) -> None:
    login = access.exchange(access.issue_key()[0])
    headers = shown(login.token, f"{access.cookie_name}={login.cookie}")
    access.check(headers)
    clock.now += LOGIN_SECONDS
    with pytest.raises(RefusedError):
        access.check(headers)


def test_keys_and_logins_are_bounded(access: Access) -> None:
    first_key = access.issue_key()[0]
    logins = [access.exchange(access.issue_key()[0]) for _ in range(40)]
    name = access.cookie_name
    assert not access.knows(logins[0].token, f"{name}={logins[0].cookie}")
    assert access.knows(logins[-1].token, f"{name}={logins[-1].cookie}")
    for _ in range(10):
        access.issue_key()
    with pytest.raises(RefusedError):
        access.exchange(first_key)
