"""Bodies of requests on the loop that the homeserver's program runs on."""

from __future__ import annotations

import asyncio
import ssl
import time

import aiofastnet
import httpx

from connexa.crypto import Ed25519Secret, system_random
from connexa.crypto.x509 import anchor_pem, issue_leaf
from connexa.homeserver.http_server import HttpServer, bind_tcp
from connexa.homeserver.tls import server_context
from connexa.wire import BLOB_PART

SIZES = (BLOB_PART, BLOB_PART // 2 + 576, 100_000, 70_000)


async def count(scope, receive, send) -> None:
    """An application that is slower than its caller, and says how much came."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        await asyncio.sleep(0)
    body = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


async def bring() -> list[int]:
    key = Ed25519Secret.generate(system_random)
    server = HttpServer(count, bind_tcp("127.0.0.1", 0, "https"), tls=server_context(issue_leaf(key, "a.example", now=time.time())))
    running = asyncio.create_task(server.run())
    trusted = ssl.create_default_context(cadata=anchor_pem("a.example", key.public, time.time()).decode())
    url, asked = f"https://127.0.0.1:{server.port}/", {"sni_hostname": "a.example"}
    try:
        async with httpx.AsyncClient(verify=trusted, trust_env=False, timeout=60) as http:
            return [int((await http.put(url, content=bytes(size), extensions=asked)).text) for size in SIZES * 6]
    finally:
        server.stop()
        await asyncio.wait({running}, timeout=10)
        running.cancel()


def test_large_bodies_arrive_whole_though_the_reader_is_slow() -> None:
    with asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner:
        assert runner.run(bring()) == list(SIZES * 6)
