"""The HTTPS pages: the well-known document, Introduce (F11), health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from dataclasses import replace

import httpx
import pytest

from connexa.crypto import Ed25519Secret, system_random
from connexa.crypto.x509 import anchor_pem
from connexa.errors import ConnexaError
from connexa.homeserver.federation.introduction import PER_DOMAIN, PER_SOURCE, introduce
from connexa.identity import Domain, StaticEntry, format_discovery_file, parse_well_known
from connexa.wire.v1.federation_pb2 import Introduce

from .domains import Host, hosts

A, B, C = "a.example", "b.example", "c.example"


@pytest.fixture
async def pair(tmp_path):
    async with hosts(tmp_path, A, B) as made:
        yield made


def client(host: Host) -> httpx.AsyncClient:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=anchor_pem(host.domain, host.domain_key.public, time.time()).decode())
    return httpx.AsyncClient(base_url=f"https://127.0.0.1:{host.web.port}", verify=context, trust_env=False)


async def ask(host: Host, method: str, path: str, **more) -> httpx.Response:
    async with client(host) as http:
        return await http.request(method, path, extensions={"sni_hostname": host.domain}, **more)


async def test_the_well_known_document_is_signed_by_the_domain_key(pair):
    _, b = pair
    answer = await ask(b, "GET", "/.well-known/connexa/server")
    assert answer.headers["content-type"] == "application/json"
    read = parse_well_known(answer.content, domain=b.domain, now=time.time())
    assert read.info.keys.current.key == b.domain_key.public


@pytest.mark.parametrize(
    "more",
    [
        {"json": {"domain": A}},
        {"content": Introduce(domain=A).SerializeToString(), "headers": {"content-type": "application/x-protobuf"}},
    ],
    ids=["json", "protobuf"],
)
async def test_f11_introduce_looks_a_domain_up_and_lets_it_in(pair, more):
    a, b = pair
    answer = await ask(b, "POST", "/v1/introduce", **more)
    assert answer.status_code == 200
    assert a.domain in b.trust
    assert (await b.book.known(a.domain)).key == a.domain_key.public


async def test_f11_a_domain_without_a_key_is_not_found_and_not_looked_up_again(pair, monkeypatch):
    _, b = pair
    looked_up = []
    find = b.book.find

    async def watched(domain):
        looked_up.append(domain)
        return await find(domain)

    monkeypatch.setattr(b.book, "find", watched)
    for _ in range(3):
        answer = await ask(b, "POST", "/v1/introduce", json={"domain": "nobody.example.org"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "domain.unknown")
    assert len(looked_up) == 1
    assert len(b.trust) == 0


async def test_f11_a_flood_from_one_source_is_limited(pair):
    _, b = pair
    codes = [(await ask(b, "POST", "/v1/introduce", json={"domain": f"x{i}.d{i}"})).status_code for i in range(PER_SOURCE + 3)]
    assert codes == [404] * PER_SOURCE + [429] * 3
    b.clock.advance(61)
    assert (await ask(b, "POST", "/v1/introduce", json={"domain": "y.example.org"})).status_code == 404


async def test_f11_i18_a_flood_of_names_below_one_domain_is_limited(pair):
    _, b = pair
    found = []
    for number in range(PER_DOMAIN + 2):
        with pytest.raises(ConnexaError) as refused:
            await b.door.introduce(f"x{number}.evil.example", f"192.0.2.{number}")
        found.append(refused.value.code)
    assert found == ["domain.unknown"] * PER_DOMAIN + ["rate.limited"] * 2


async def test_f11_introduce_never_replaces_a_pin(pair):
    """The pin is what an invite made; the stranger has another key, or none."""
    a, b = pair
    other = Ed25519Secret.generate(system_random).public
    domain = Domain(C)
    await b.book.pin_by_invite(domain, other, a.endpoints)
    await ask(b, "POST", "/v1/introduce", json={"domain": C})
    assert (await b.book.known(domain)).key == other
    found = await ask(b, "POST", "/v1/introduce", json={"domain": C})
    assert found.status_code in (200, 404, 503)
    assert (await b.book.known(domain)).key == other


async def test_f11_an_evicted_domain_comes_back_without_a_look_up(pair, monkeypatch):
    a, b = pair
    await b.book.find(a.domain)
    monkeypatch.setattr(b.book, "find", None)
    monkeypatch.setattr(b.book, "refresh", None)
    assert (await ask(b, "POST", "/v1/introduce", json={"domain": A})).status_code == 200
    assert a.domain in b.trust


async def test_an_introduction_goes_to_the_pinned_key_alone(pair):
    a, b = pair
    remote = await a.book.find(b.domain)
    impostor = replace(remote, keys=(Ed25519Secret.generate(system_random).public,))
    with pytest.raises(ConnexaError) as refused:
        await introduce(a.domain, impostor, ["127.0.0.1"], now=time.time())
    assert refused.value.code == "remote.unreachable"
    assert len(b.trust) == 0
    await introduce(a.domain, remote, ["127.0.0.1"], now=time.time())
    assert a.domain in b.trust


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"json": {"domain": "no domain"}}, 400, None),
        ({"json": {"domain": A, "more": 1}}, 400, "request.malformed"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "request.malformed"),
        ({"content": b"\xff", "headers": {"content-type": "application/x-protobuf"}}, 400, "frame.malformed"),
        ({"content": b"domain=a.example", "headers": {"content-type": "application/x-www-form-urlencoded"}}, 415, "request.media_type"),
        ({"json": {"domain": B}}, 403, "domain.mismatch"),
        ({"json": {"domain": "x" * 2_000}}, 413, None),
    ],
)
async def test_what_introduce_refuses(pair, more, status, code):
    _, b = pair
    answer = await ask(b, "POST", "/v1/introduce", **more)
    assert answer.status_code == status
    assert code is None or answer.json()["error"]["code"] == code
    assert len(b.trust) == 0


async def test_metrics_are_for_this_machine_and_for_holders_of_the_token(pair):
    _, b = pair
    assert (await ask(b, "GET", "/metrics")).status_code == 200
    behind_a_proxy = {"x-forwarded-for": "192.0.2.7"}
    assert (await ask(b, "GET", "/metrics", headers=behind_a_proxy)).status_code == 404
    wrong = {**behind_a_proxy, "authorization": "Bearer wrong"}
    assert (await ask(b, "GET", "/metrics", headers=wrong)).status_code == 404
    right = {**behind_a_proxy, "authorization": "Bearer metrics-token"}
    assert (await ask(b, "GET", "/metrics", headers=right)).status_code == 200


async def test_health(pair):
    a, b = pair
    assert (await ask(b, "GET", "/health")).json() == {"v": 1, "domain": B, "status": "ok"}
    a.healthy = False
    assert (await ask(a, "GET", "/health")).status_code == 503


async def test_f11_a_key_that_changed_in_the_discovery_file_lets_the_new_key_in(pair, tmp_path):
    a, b = pair
    await b.door.introduce(A, "192.0.2.1")
    moved = Ed25519Secret.generate(system_random)
    (tmp_path / "domains.toml").write_text(
        format_discovery_file({a.domain: StaticEntry(a.domain, moved.public, a.endpoints), b.domain: b.entry()})
    )
    await b.door.introduce(A, "192.0.2.1")
    assert (await b.book.known(a.domain)).keys == (moved.public,)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /health HTTP/1.1\r\nhost: b.example\r\n",
        b"POST /v1/introduce HTTP/1.1\r\nhost: b.example\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        b"GET /health HTTP/1.1\r\nhost: b.example\r\n\r\nGET /health HTTP/1.1\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "half a second request"],
)
async def test_a_connection_that_brings_no_whole_request_gives_its_place_back(pair, monkeypatch, said):
    _, b = pair
    monkeypatch.setattr("connexa.homeserver.http_server.CONNECTION_SECONDS", 0.2)
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=anchor_pem(B, b.domain_key.public, time.time()).decode())
    reader, writer = await asyncio.open_connection("127.0.0.1", b.web.port, ssl=context, server_hostname=B)
    writer.write(said)
    async with asyncio.timeout(10):
        with contextlib.suppress(ConnectionError):
            while await reader.read(4_096):
                pass
    writer.transport.abort()
    assert (await ask(b, "GET", "/health")).status_code == 200
