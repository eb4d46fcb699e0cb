"""Synapse by Matrix's client-server API, messages to devices (`sendToDevice` and `sync`): the nearest that it has to an envelope which is
kept until it is fetched. SQLite, one process, presence and rate limits off.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from connexa.cli.demo.process import free_ports

from .pair import Changed, Running, daemon

__all__ = ["program", "synapse"]

AT_ONCE = 8
API = "/_matrix/client/v3"
FILTER = '{"room":{"timeline":{"limit":1},"ephemeral":{"types":[]}},"presence":{"types":[]}}'


def program() -> str | None:
    """Where the server is, if it is installed."""
    return shutil.which("synapse_homeserver")


class _Pair:
    """The sender has one request at a time on its way for each message; the reader is always in a `sync`."""

    def __init__(
        self, number: int, http: httpx.AsyncClient, tokens: tuple[str, str], changed: Changed, spawn: Callable[[Any], Any]
    ) -> None:
        self.next, self.accepted, self.delivered = 1, 0, 0
        self.due: deque[float] = deque()
        self._http = http
        self._to = f"@r{number}:localhost"
        self._name = f"{number}"
        self._sender, self._reader = ({"Authorization": f"Bearer {token}"} for token in tokens)
        self._changed = changed
        self._spawn = spawn
        self._since = ""

    def send(self, body: bytes, count: int, due: float) -> None:
        text = body.decode()
        for number in range(self.next, self.next + count):
            self._spawn(self._put(number, text))
        self.next += count
        self.due.extend([due] * count)

    async def _put(self, number: int, text: str) -> None:
        content = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": text}
        path = f"{API}/sendToDevice/m.room.encrypted/{self._name}.{number}"
        answer = await self._http.put(path, json={"messages": {self._to: {"*": content}}}, headers=self._sender)
        answer.raise_for_status()
        self.accepted += 1
        self._changed(self)

    async def read(self) -> None:
        """Take what comes, for ever."""
        while True:
            await self.once(30_000)

    async def once(self, wait: int) -> None:
        """Ask for what has come."""
        asked = {"timeout": str(wait), "filter": FILTER, "set_presence": "offline"} | ({"since": self._since} if self._since else {})
        answer = (await self._http.get(f"{API}/sync", params=asked, headers=self._reader)).raise_for_status().json()
        self._since = answer["next_batch"]
        for _ in answer.get("to_device", {}).get("events", ()):
            self.delivered += 1
            self._changed(self)


@asynccontextmanager
async def synapse(root: Path, pairs: int, changed: Changed) -> AsyncIterator[Running]:
    """A homeserver below `root`."""
    (port,) = free_ports(1)
    root.mkdir(parents=True)
    (root / "homeserver.yaml").write_text(_SETTINGS.format(root=root, port=port))
    (root / "log.yaml").write_text("version: 1\nroot: {level: ERROR}\ndisable_existing_loggers: false\n")
    words = [program() or "synapse_homeserver", "-c", str(root / "homeserver.yaml")]
    subprocess.run([*words, "--generate-keys"], cwd=root, check=True, capture_output=True)  # noqa: ASYNC221 - nothing else runs yet
    async with AsyncExitStack() as leaving:
        pid = await leaving.enter_async_context(daemon(words, port, root))
        many = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        http = await leaving.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=many, timeout=120))
        turns = asyncio.Semaphore(AT_ONCE)

        async def person(name: str) -> str:
            account = {"username": name, "password": "pw" * 5, "device_id": "D", "auth": {"type": "m.login.dummy"}}
            async with turns:
                answer = await http.post(f"{API}/register", json=account)
            return str(answer.raise_for_status().json()["access_token"])

        tasks = await leaving.enter_async_context(asyncio.TaskGroup())

        async def pair(number: int) -> _Pair:
            tokens = await person(f"s{number}"), await person(f"r{number}")
            made = _Pair(number, http, tokens, changed, tasks.create_task)
            await made.once(0)
            return made

        made = await asyncio.gather(*map(pair, range(pairs)))
        reading = [tasks.create_task(pair.read()) for pair in made]
        yield [pid], made
        for task in reading:
            task.cancel()


_BIG = "{{per_second: 100000, burst_count: 1000000}}"
_SETTINGS = f"""server_name: localhost
pid_file: {{root}}/homeserver.pid
listeners:
  - {{{{port: {{port}}, type: http, bind_addresses: ["127.0.0.1"], resources: [{{{{names: [client], compress: false}}}}]}}}}
database: {{{{name: sqlite3, args: {{{{database: "{{root}}/homeserver.db"}}}}}}}}
log_config: {{root}}/log.yaml
media_store_path: {{root}}/media
signing_key_path: {{root}}/signing.key
report_stats: false
suppress_key_server_warning: true
trusted_key_servers: []
macaroon_secret_key: bench
form_secret: bench
bcrypt_rounds: 4
enable_registration: true
enable_registration_without_verification: true
presence: {{{{enabled: false}}}}
rc_message: {_BIG}
rc_registration: {_BIG}
rc_login: {{{{address: {_BIG}, account: {_BIG}, failed_attempts: {_BIG}}}}}
"""
