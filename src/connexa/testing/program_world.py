"""A world of real programs: homeservers and nodes as processes on loopback, over real TLS, with networks between them that can be cut.

    async with ProgramWorld.open(tmp_path) as world:
        alice = await world.person("alice@a.example")
        bob = await world.person("bob@b.example", devices=2)
        await world.befriend(alice[0], bob[0])
        await world.network("b.example").cut()

Every program has a home of its own below the directory. Domains are found by a discovery file; nothing leaves this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from connexa.cli.demo.process import free_ports
from connexa.crypto import Ed25519Public, sha256
from connexa.homeserver.admin_client import AdminClient
from connexa.identity import Domain, Endpoints, StaticEntry, format_discovery_file
from connexa.settings import paths

from .api import NodeClient
from .program import Program, run_program
from .proxy import TcpProxy

__all__ = ["ProgramDevice", "ProgramServer", "ProgramWorld", "free_ports"]

DOMAINS = ("a.example", "b.example")
LISTENERS = ("link", "federation", "https")
T = TypeVar("T")

ADMIN_SECONDS = 20.0
WAIT_SECONDS = 60.0
# Every node of this world has the same source address, so what is limited by source is raised.
SERVER_SETTINGS = {
    "REGISTRATION": "open",
    "LIMITS__LOGINS_PER_MINUTE": "1000",
    "LIMITS__PASSES_SHOWN_PER_MINUTE": "1000",
    "LIMITS__WAITING_PER_SOURCE": "100",
}
NODE_SETTINGS = {"PRIVACY__OWN_COPIES_MEAN": "0.2", "PRIVACY__RECEIPT_DELAY": "0.2", "LIMITS__RECONNECT_MAX": "1.0"}


@dataclass(slots=True)
class ProgramServer:
    """A homeserver as a process; `link` and `federation` are the networks in front of its two doors."""

    domain: str
    home: Path
    ports: dict[str, int]
    env: dict[str, str]
    link: TcpProxy
    federation: TcpProxy
    program: Program
    key: Ed25519Public

    def cut(self) -> None:
        """Cut it off: neither its people nor other domains reach it."""
        self.link.cut()
        self.federation.cut()

    def heal(self) -> None:
        """Connect it again."""
        self.link.heal()
        self.federation.heal()

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call its admin API."""
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        with AdminClient(paths("default", {"CONNEXA_HOME": str(self.home)}).socket("server.sock"), ADMIN_SECONDS) as admin:
            return admin.call(method, path, body)


@dataclass(slots=True)
class ProgramDevice:
    """A node as a process, with one account."""

    address: str
    program: Program
    client: NodeClient


@dataclass(slots=True)
class ProgramWorld:
    """Everything that runs; ended with the block of `open`."""

    directory: Path
    discovery: Path
    servers: dict[str, ProgramServer] = field(default_factory=dict)
    devices: list[ProgramDevice] = field(default_factory=list)
    node_env: dict[str, str] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        directory: Path,
        *,
        domains: Sequence[str] = DOMAINS,
        server: Mapping[str, str] | None = None,
        node: Mapping[str, str] | None = None,
    ) -> AsyncIterator[ProgramWorld]:
        """Start the homeservers; `server` and `node` are settings by their variable (`LIMITS__SEND_BURST`)."""
        discovery = directory / "discovery.toml"
        settings = {**NODE_SETTINGS, **_discovery(discovery), **(node or {})}
        world = cls(directory, discovery, node_env=_variables("NODE", settings))
        async with world._stack:
            for domain in domains:
                await world._found(domain, server or {})
            world.write_discovery()
            await asyncio.gather(*(one.program.start() for one in world.servers.values()))
            world._stack.push_async_callback(world._end)
            yield world

    async def _found(self, domain: str, settings: Mapping[str, str]) -> None:
        home = self.directory / domain
        ports = dict(zip(LISTENERS, free_ports(3), strict=True))
        link = await self._stack.enter_async_context(TcpProxy.listening(("127.0.0.1", ports["link"])))
        federation = await self._stack.enter_async_context(TcpProxy.listening(("127.0.0.1", ports["federation"])))
        public = {"link": link.port, "federation": federation.port, "https": ports["https"]}
        own = {**SERVER_SETTINGS, **_discovery(self.discovery)}
        for name, port in ports.items():
            own |= {f"{name}__HOST": "127.0.0.1", f"{name}__PORT": str(port), f"{name}__PUBLIC": f"127.0.0.1:{public[name]}"}
        env = _variables("SERVER", {**own, **settings})
        made = await run_program(["--json", "server", "init", domain], home=home, env=env)
        if made.code:
            raise AssertionError(f"server init failed\n{made.stdout}\n{made.stderr}")
        key = Ed25519Public.from_bytes(bytes.fromhex(made.data["key"]))
        program = Program(domain, ["--json", "server", "run"], home=home, env=env)
        self.servers[domain] = ProgramServer(domain, home, ports, env, link, federation, program, key)

    def write_discovery(self) -> None:
        """Write where every domain is, and under which key."""
        entries = {Domain(one.domain): _entry(one) for one in self.servers.values()}
        self.discovery.write_text(format_discovery_file(entries))

    async def _end(self) -> None:
        programs = [*(one.program for one in self.devices), *(one.program for one in self.servers.values())]
        await asyncio.gather(*(program.stop() for program in programs if program.running))

    async def device(self, name: str, address: str) -> ProgramDevice:
        """Start a node without an account."""
        program = Program(
            name, ["--json", "--no-input", "up", "--foreground", "--port", "0", "--key-file"], home=self.directory / name, env=self.node_env
        )
        device = ProgramDevice(address, program, await self._stack.enter_async_context(NodeClient(program)))
        self.devices.append(device)
        await program.start()
        return device

    async def person(self, address: str, *, devices: int = 1) -> list[ProgramDevice]:
        """Start a person's nodes: the first registers, the others are linked by code."""
        name = address.partition("@")[0]
        primary = await self.device(f"{name}-1", address)
        await primary.client.create_account(address)
        await self.until_up(primary)
        return [primary, *[await self.linked(primary, f"{name}-{number}") for number in range(2, devices + 1)]]

    async def linked(self, primary: ProgramDevice, name: str) -> ProgramDevice:
        """Start a node and link it to a person's account."""
        device = await self.device(name, primary.address)
        shown = await device.client.post("/api/account/link", address=primary.address)
        met = await primary.client.post("/api/devices/approve", code=shown["code"])
        digits = await device.client.until_digits(primary.address)
        await primary.client.post("/api/devices/confirm", approval=met["id"], digits=digits)
        await self.until_up(device)
        return device

    async def until_up(self, device: ProgramDevice) -> None:
        """Wait until a device has its account, its link and its passes."""

        async def look() -> bool | None:
            found = await device.client.get("/api/status")
            links = found["links"]
            return True if links and links[0]["mailbox"] == "up" and links[0]["passes"] and links[0]["one_time_keys"] else None

        await device.client.until(look, what="its account and link")

    async def until(self, look: Callable[[], Awaitable[T | None]], *, what: str, timeout: float = WAIT_SECONDS) -> T:
        """Look ten times a second, for what no node tells by an event: the state of a homeserver."""
        try:
            async with asyncio.timeout(timeout):
                while (found := await look()) is None:  # noqa: ASYNC110 - another process changes it
                    await asyncio.sleep(0.1)
                return found
        except TimeoutError:
            raise AssertionError(f"{what} did not come in {timeout} s") from None

    async def befriend(self, asking: ProgramDevice, asked: ProgramDevice) -> None:
        """Make two people contacts: a request, accepted, and the answer that opens the way back."""
        await asking.client.send(asked.address, "may I?", sha256(asking.address.encode(), b" ", asked.address.encode()).hex()[:32])
        request = await asked.client.until_request()
        await asked.client.post("/api/requests/accept", request=request["id"])
        await asking.client.until_contact(asked.address)
        await asked.client.until_contact(asking.address)


def _variables(program: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {f"CONNEXA_{program}__{name.upper()}": value for name, value in settings.items()}


def _discovery(file: Path) -> dict[str, str]:
    return {"DISCOVERY__FILE": str(file), "DISCOVERY__DNS": "false", "DISCOVERY__WELL_KNOWN": "false"}


def _entry(server: ProgramServer) -> StaticEntry:
    public = {"link": server.link.port, "federation": server.federation.port, "https": server.ports["https"]}
    return StaticEntry(
        Domain(server.domain), server.key, Endpoints.parse(server.domain, **{n: f"127.0.0.1:{p}" for n, p in public.items()})
    )
