"""Files over the local API, on real sockets: handed over as streams, read by ranges, harmless to whatever shows them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connexa.crypto import system_random
from connexa.node.api import Access, ApiServer, EventSockets, Guard, bind_loopback, build_app
from connexa.testing import Device, World
from connexa.wire import SEGMENT

from .test_files import ALICE, BOB, noise, parts

BYTES = {"content-type": "application/octet-stream"}
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x08\0\0\0\x08\x08" + bytes(20)


@asynccontextmanager
async def api(device: Device) -> AsyncIterator[httpx.AsyncClient]:
    listener = bind_loopback(0)
    port = listener.getsockname()[1]
    guard = Guard(Access("token", f"connexa-{port}", device.world.clock, system_random), port)
    stopped = asyncio.Event()
    server = ApiServer(build_app(device.node, guard, {}, stopped.set), EventSockets(device.node, guard), listener)
    running = asyncio.create_task(server.run())
    try:
        headers = {"authorization": "Bearer token"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30) as http:
            yield http
    finally:
        server.stop()
        await asyncio.wait({running}, timeout=10)
        running.cancel()


@pytest.fixture
async def faces(tmp_path: Path) -> AsyncIterator[tuple[Device, Device, httpx.AsyncClient, httpx.AsyncClient]]:
    async with World.open(tmp_path, media=True) as world:
        (alice,), (bob,) = await world.person(ALICE), await world.person(BOB)
        await world.befriend(alice, bob)
        async with api(alice) as hers, api(bob) as his:
            yield alice, bob, hers, his


async def post(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def send(http: httpx.AsyncClient, whole: bytes, **named: Any) -> str:
    file = (await http.post("/api/files", content=whole, headers=BYTES)).json()["id"]
    sent = await post(http, "/api/files/send", to=BOB, text="**look**", markup=True, files=[{"file": file, "name": "a.bin"} | named])
    return str(sent["id"])


async def test_a_stream_goes_in_and_ranges_come_out(faces: Any) -> None:
    _, bob, hers, his = faces
    whole = noise(3 * SEGMENT + 77)
    thumbnail = base64.b64encode(PNG).decode()
    message = await send(hers, whole, name="фильм “1”.mp4", type="video/mp4", thumbnail=thumbnail, duration_ms=5_000)
    got = await bob.until_text(ALICE, "look")
    assert [span.kind for span in got.spans] == ["bold"]
    shown = (await his.get(f"/api/message/{message}")).json()["message"]["attachments"][0]
    assert (shown["name"], shown["thumbnail"], shown["duration_ms"]) == ("фильм “1”.mp4", thumbnail, 5_000)

    path = f"/api/files/{message}/0"
    for header, start, stop in (
        ("bytes=0-", 0, None),
        ("bytes=5-9", 5, 10),
        ("bytes=-7", -7, None),
        (f"bytes={SEGMENT}-99999999", SEGMENT, None),
    ):
        answer = await his.get(path, headers={"range": header})
        assert answer.status_code == 206
        assert answer.content == whole[start:stop]
        first = start % len(whole)
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(whole)}"
    answer = await his.get(path)
    assert (answer.status_code, answer.content) == (200, whole)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"].startswith("inline; filename*=UTF-8''%D1%84")
    assert (await his.get(f"{path}/state")).json()["share"] == 1
    for wrong in ("bytes=", "bytes=5-4", "bytes=99999999-", "bytes=0-1,3-4", "lines=1-2"):
        answer = await his.get(path, headers={"range": wrong})
        assert (answer.status_code, answer.json()["error"]["code"]) == (416, "attachment.range")


async def test_what_could_run_in_a_browser_is_only_saved(faces: Any) -> None:
    _, bob, hers, his = faces
    for number, kind in enumerate(("text/html", "image/svg+xml", "application/pdf", "text/xml")):
        message = await send(hers, b"<script>1</script>", type=kind, name="x.html")
        await bob.until(lambda n=number: True if len(bob.texts(ALICE)) == n + 2 else None)
        answer = await his.get(f"/api/files/{message}/0")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_door_and_the_limits(faces: Any) -> None:
    _, _, hers, _ = faces
    limits = (await hers.get("/api/files/limits")).json()
    assert limits["file_bytes"] == 2_048 * SEGMENT

    async def refused(**more: Any) -> tuple[int, str]:
        answer = await hers.post(**{"url": "/api/files", "content": b"x", "headers": BYTES} | more)
        return answer.status_code, answer.json()["error"]["code"]

    async def unsized() -> AsyncIterator[bytes]:
        yield b"x"

    assert await refused(headers={"content-type": "text/plain"}) == (415, "body.not_json")
    assert await refused(headers={"content-type": "multipart/form-data"}) == (415, "body.not_json")
    assert await refused(headers=BYTES | {"authorization": "Bearer wrong"}) == (401, "token.bad")
    assert await refused(headers=BYTES | {"origin": "https://evil.example"}) == (403, "origin.foreign")
    assert await refused(content=unsized()) == (400, "attachment.no_size")
    assert await refused(url="/api/files/send") == (415, "body.not_json")
    assert await refused(url="/api/messages/send") == (415, "body.not_json")
    assert await refused(url="/api/files/send", content=b"{}", headers={"content-type": "application/json"}) == (400, "body.invalid")


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(faces: Any) -> None:
    _, _, hers, _ = faces
    reader, writer = await asyncio.open_connection("127.0.0.1", hers.base_url.port)
    head = f"POST /api/files HTTP/1.1\r\nhost: 127.0.0.1:{hers.base_url.port}\r\nauthorization: Bearer token\r\n"
    writer.write(f"{head}content-type: application/octet-stream\r\ncontent-length: {2_048 * SEGMENT + 1}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
    assert b"413" in answer
    writer.close()


async def test_a_hand_over_that_breaks_off_leaves_nothing(faces: Any) -> None:
    alice, _, hers, _ = faces
    _, writer = await asyncio.open_connection("127.0.0.1", hers.base_url.port)
    head = f"POST /api/files HTTP/1.1\r\nhost: 127.0.0.1:{hers.base_url.port}\r\nauthorization: Bearer token\r\n"
    writer.write(f"{head}content-type: application/octet-stream\r\ncontent-length: 1000000\r\n\r\n".encode() + bytes(300_000))
    await writer.drain()
    root = alice.world.directory / alice.name / "media"
    async with asyncio.timeout(30):
        while not list(root.glob("*.new")):  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)
        writer.close()
        while list(root.glob("*")):  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)
    assert alice.read("SELECT 1 FROM media_staged") == []


async def test_errors_come_before_the_answer_begins(faces: Any) -> None:
    alice, bob, hers, his = faces
    message = await send(hers, noise(10))
    await bob.until_text(ALICE, "look")
    (part,) = parts(alice.world)
    part.write_bytes(bytes(part.stat().st_size))
    answer = await his.get(f"/api/files/{message}/0")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "attachment.damaged")
    await alice.world.houses["a.example"].stop()
    answer = await his.get(f"/api/files/{message}/0")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "media.unreachable")


async def test_forwarded_files_are_sealed_anew_and_may_be_fetched_and_stopped(faces: Any) -> None:
    alice, bob, hers, his = faces
    whole = noise(SEGMENT + 1)
    message = await send(hers, whole)
    await bob.until_text(ALICE, "look")
    (carol,) = await alice.world.person("carol@a.example")
    await alice.world.befriend(bob, carol)
    await post(his, "/api/files/stop", message=message)
    await post(his, "/api/files/fetch", message=message)
    await bob.until(lambda: True if bob.node.media().fetched(message, 0).share == 1 else None)
    answer = await his.post("/api/messages/forward", json={"message": message, "to": "carol@a.example"})
    assert answer.json()["error"]["code"] == "forward.has_files"
    sent = await post(his, "/api/files/forward", message=message, to="carol@a.example")
    got = await carol.until_text(BOB, "look")
    assert got.forwarded
    assert (await his.get("/api/files/sending")).json() == {"items": []}
    async with api(carol) as hers_too:
        assert (await hers_too.get(f"/api/files/{sent['id']}/0")).content == whole
    assert len(parts(alice.world, "b.example")) == len(parts(alice.world, "a.example"))
