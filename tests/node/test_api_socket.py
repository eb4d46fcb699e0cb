"""The API of a real node on a real socket: bodies, refusals, long polls, and the event socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from picows import WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport, ws_connect

from connexa.crypto import system_random
from connexa.discovery import DiscoverySettings, Resolver
from connexa.node.api import Access, ApiServer, EventSockets, Guard, bind_loopback, build_app
from connexa.node.dial import TlsDialer
from connexa.node.node import Node
from connexa.node.schema import MIGRATIONS
from connexa.node.settings import NodeSettings
from connexa.store import open_database

TOKEN = {"authorization": "Bearer right"}


@dataclass
class World:
    """A node with its API."""

    node: Node
    access: Access
    port: int
    web: httpx.AsyncClient
    stopped: asyncio.Event

    async def happen(self, *numbers: int) -> None:
        """Make events."""
        home = self.node._home
        for number in numbers:
            await home.change(lambda execute, n=number: home.events.record(execute, "a@a.example", "test", 1.0, number=n))  # type: ignore[misc]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    offline = DiscoverySettings(dns=False, well_known=False)
    database = open_database(tmp_path / "node.db", bytes(32), MIGRATIONS)
    settings = NodeSettings(discovery=offline)
    node = await Node.open(
        settings, database, clock=time.time, rng=system_random, resolver=Resolver(offline, clock=time.time), dialer=TlsDialer(time.time)
    )
    listener = bind_loopback(0)
    port = listener.getsockname()[1]
    access = Access("right", f"connexa-default-{port}", time.time, system_random)
    guard, stopped = Guard(access, port), asyncio.Event()
    sockets = EventSockets(node, guard)
    server = ApiServer(build_app(node, guard, {}, stopped.set), sockets, listener)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.run())
        others = [group.create_task(node.run()), group.create_task(sockets.run())]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=TOKEN) as web:
            yield World(node, access, port, web, stopped)
        for task in others:
            task.cancel()
        server.stop()
        await serving
    await node.close()
    database.close()


async def test_bodies_are_strict(world: World) -> None:
    for body, words in (
        ({"uses": "1"}, "Expected `int`"),
        ({"uses": 1, "extra": 1}, "unknown field"),
        ({"uses": 0}, ">= 1"),
        ({"uses": True}, "Expected `int`"),
        ([], "Expected `object`"),
    ):
        answer = await world.web.post("/api/invites/create", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "body.invalid"
        assert words in answer.json()["error"]["message"]
    for raw in (b"", b"{", b"\xff", b"nul"):
        answer = await world.web.post("/api/invites/create", content=raw, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert set(answer.json()["error"]) == {"code", "message", "hint", "retryable"}


async def test_refusals_of_the_node_keep_their_code(world: World) -> None:
    answer = await world.web.post("/api/messages/send", json={"to": "b@b.example", "text": "hi"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "account.none")
    answer = await world.web.post("/api/account/create", json={"address": "no address"})
    assert answer.status_code == 400
    assert (await world.web.get("/api/nothing")).json()["error"]["code"] == "route.unknown"
    assert (await world.web.get("/api/messages/send")).status_code in (400, 404, 405)
    assert (await world.web.get("/api/events", params={"after": "x"})).json()["error"]["code"] == "request.invalid"


async def test_a_body_without_a_length_is_bounded_too(world: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 16_384

    answer = await world.web.post("/api/messages/send", content=endless(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body.too_large")


async def test_the_description_names_every_operation(world: World) -> None:
    paths = (await world.web.get("/api/schema")).json()["paths"]
    for path in ("/api/account/create", "/api/account/login", "/api/messages/send", "/api/messages/{conversation_id}", "/api/contacts/add"):
        assert path in paths


async def test_long_polls_wait_for_the_first_event(world: World) -> None:
    await world.happen(1, 2)
    found = (await world.web.get("/api/events", params={"after": 1})).json()["items"]
    assert [event["fields"]["number"] for event in found] == [2]
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(world.web.get("/api/events", params={"after": 2, "wait": 20}))
        while not world.node._home.events._subscriptions:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0)
        await world.happen(3)
    assert [event["fields"]["number"] for event in asked.result().json()["items"]] == [3]
    assert (await world.web.get("/api/events", params={"after": 3, "wait": 0.01})).json()["items"] == []


async def test_a_node_that_ends_waits_for_no_poll(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(world.web.get("/api/events", params={"after": 0, "wait": 30}))
        while not world.node._home.events._subscriptions:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0)
        world.node._home.events.end()
    assert (asked.result().status_code, asked.result().json()) == (200, {"items": []})


async def test_stopping_is_asked_by_the_api(world: World) -> None:
    assert (await world.web.post("/api/stop", json={})).status_code == 200
    assert world.stopped.is_set()


class Reader(WSListener):
    """The client's end of an event socket."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: asyncio.Queue[Any] = asyncio.Queue()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            self.frames.put_nowait(int(frame.get_payload_as_bytes()[:2].hex(), 16))
            transport.disconnect()
        else:
            self.frames.put_nowait(json.loads(frame.get_payload_as_bytes()))

    async def next(self) -> Any:
        async with asyncio.timeout(10):
            return await self.frames.get()


@contextlib.asynccontextmanager
async def socket(world: World, first: str | None, path: str = "/api/ws", **headers: str) -> AsyncIterator[Reader]:
    transport, reader = await ws_connect(Reader, f"ws://127.0.0.1:{world.port}{path}", extra_headers=headers)
    assert isinstance(reader, Reader)
    try:
        if first is not None:
            transport.send(WSMsgType.TEXT, first.encode())
        yield reader
    finally:
        transport.disconnect()


async def test_events_come_from_the_cursor_on(world: World) -> None:
    await world.happen(1, 2, 3)
    async with socket(world, '{"token": "right", "after": 1}') as reader:
        assert await reader.next() == {"cursor": 3}
        assert [(await reader.next())["fields"]["number"] for _ in range(2)] == [2, 3]
        await world.happen(4)
        event = await reader.next()
        assert (event["cursor"], event["fields"]["number"]) == (4, 4)


async def test_without_a_cursor_only_new_events_come(world: World) -> None:
    await world.happen(1)
    async with socket(world, "{}", **TOKEN) as reader:
        assert await reader.next() == {"cursor": 1}
        await world.happen(2)
        assert (await reader.next())["cursor"] == 2


async def test_an_event_that_was_replayed_is_not_shown_again(world: World) -> None:
    """It is committed, so the replay has it, and is published only afterwards."""
    home = world.node._home
    await home.writer.run(lambda execute: home.events.record(execute, "a@a.example", "test", 1.0, number=1))
    async with socket(world, '{"token": "right", "after": 0}') as reader:
        assert await reader.next() == {"cursor": 1}
        assert (await reader.next())["cursor"] == 1
        home.events.publish()
        await world.happen(2)
        assert (await reader.next())["cursor"] == 2


async def test_a_thousand_events_are_replayed(world: World) -> None:
    await world.happen(*range(1, 2501))
    async with socket(world, '{"token": "right", "after": 0}') as reader:
        await reader.next()
        assert [(await reader.next())["cursor"] for _ in range(2500)] == list(range(1, 2501))


@pytest.mark.parametrize(
    ("first", "code"),
    [('{"token": "wrong"}', 4401), ("{}", 4401), ("nonsense", 4400), ('{"token": 1}', 4400), ('{"token": "right", "x": 1}', 4400)],
)
async def test_a_wrong_first_frame_ends_it(world: World, first: str, code: int) -> None:
    async with socket(world, first) as reader:
        answer = await reader.next()
        if isinstance(answer, dict):
            assert answer["error"]["code"] == "token.bad"
            answer = await reader.next()
        assert answer == code


async def test_a_browser_shows_cookie_and_token(world: World) -> None:
    login = world.access.exchange(world.access.issue_key()[0])
    first = json.dumps({"token": login.token})
    async with socket(world, first, Cookie=f"{world.access.cookie_name}={login.cookie}") as reader:
        assert await reader.next() == {"cursor": 0}
    async with socket(world, first) as reader:
        assert (await reader.next())["error"]["code"] == "token.bad"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/ws", {"Origin": "http://evil.example"}, 403),
        ("/api/ws", {"Origin": "null"}, 403),
        ("/api/ws", {"Host": "evil.example"}, 400),
        ("/api/other", {}, 403),
    ],
)
async def test_a_foreign_upgrade_is_refused(world: World, path: str, headers: dict[str, str], status: int) -> None:
    with pytest.raises(WSHandshakeError) as refused:
        async with socket(world, None, path, **headers):
            pass
    assert refused.value.response is not None
    assert refused.value.response.status == status


async def test_a_second_frame_is_not_expected(world: World) -> None:
    transport, reader = await ws_connect(Reader, f"ws://127.0.0.1:{world.port}/api/ws")
    assert isinstance(reader, Reader)
    transport.send(WSMsgType.TEXT, b'{"token": "right"}')
    assert await reader.next() == {"cursor": 0}
    transport.send(WSMsgType.TEXT, b"more")
    assert await reader.next() == 4400


async def test_a_frame_that_is_too_large_ends_it(world: World) -> None:
    transport, reader = await ws_connect(Reader, f"ws://127.0.0.1:{world.port}/api/ws")
    assert isinstance(reader, Reader)
    transport.send(WSMsgType.TEXT, b" " * 32_768)
    assert await reader.next() == 1009


async def test_sockets_end_with_the_node_and_not_before(world: World) -> None:
    """A reader that breaks off ends nobody else's socket."""
    async with socket(world, '{"token": "right"}') as stays:
        await stays.next()
        async with socket(world, '{"token": "right"}') as leaves:
            await leaves.next()
        await world.happen(1)
        assert (await stays.next())["cursor"] == 1
