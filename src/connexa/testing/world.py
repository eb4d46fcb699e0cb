"""Two homeservers and people with several devices in one process: real programs and real stores on the memory network.

    async with World.open(tmp_path) as world:
        alice, = await world.person("alice@a.example")
        bob, bobs_phone = await world.person("bob@b.example", devices=2)
        await world.befriend(alice, bob)
        sent = await alice.node.send("", "bob@b.example", "hello")
        await bobs_phone.until_text("alice@a.example", "hello")

The clock runs and can be moved; randomness follows from the seed. A device or homeserver that is stopped keeps its files and can be
started again. What only real processes can show (`kill -9`, sockets, TLS) is in `program_world`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from connexa.discovery import DiscoverySettings, Resolver
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.http_server import bind_tcp
from connexa.homeserver.media import LocalBlobs
from connexa.homeserver.schema import MIGRATIONS as SERVER_MIGRATIONS
from connexa.homeserver.settings import LimitSettings as ServerLimits
from connexa.homeserver.settings import ListenSettings, ServerSettings
from connexa.identity import Domain, StaticEntry, format_discovery_file
from connexa.node.node import Node
from connexa.node.schema import MIGRATIONS as NODE_MIGRATIONS
from connexa.node.settings import LimitSettings, NodeSettings, PrivacySettings
from connexa.node.views import ContactView, MessageInfoView, MessageView, RequestView
from connexa.store import Database, Row, Store, Writer, open_database

from .clock import FakeClock
from .inline import InlineWriter, Killed, open_inline
from .leaping import LeapingLoop
from .network import MemoryDialer, MemoryNetwork
from .randomness import SeededRandom
from .remotes import FederationPort, MemoryRemotes
from .web import serve_web

__all__ = ["Device", "House", "World"]

T = TypeVar("T")
DOMAINS = ("a.example", "b.example")
WAIT_SECONDS = 60.0
STOP_SECONDS = 10.0
STORE_KEY = bytes(32)


@dataclass(slots=True)
class Device:
    """One node of a person."""

    world: World
    name: str
    address: str
    settings: NodeSettings
    rng: SeededRandom
    dialer: MemoryDialer
    node: Node = field(init=False)
    _database: Database = field(init=False)
    _writers: list[Writer] = field(default_factory=list, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> None:
        """Open its store and run it."""
        clock = self.world.clock
        self._database = self.world.open_store(self.name, "node.db", NODE_MIGRATIONS)
        resolver = Resolver(DiscoverySettings(file=self.world.discovery, dns=False, well_known=False), clock=clock)
        self.node = await Node.open(
            self.settings,
            self._database,
            clock=clock,
            rng=self.rng,
            resolver=resolver,
            dialer=self.dialer,
            writes=self.world.writes_into(self._writers, lambda: self.world.network.drop(self.name)),
        )
        self._task = self.world.run(_until_killed(self.node.run))

    async def stop(self) -> None:
        """End it in order; its store stays."""
        if self._task is None:
            return
        await _end(self._task, self.name)
        self._task = None
        await self.node.close()
        self._database.close()

    @property
    def runs(self) -> bool:
        """Whether it was started, and neither stopped nor killed since."""
        return self._task is not None and not self._task.done() and not _killed(self._writers)

    def kill_at(self, commit: int, *, whole: bool) -> None:
        """End it at a commit from now on (0: at none), as `kill -9` does; only where time leaps. Then `stop` and `start`."""
        _kill_at(self._writers, commit, whole=whole)

    def read(self, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """Rows of its store."""
        return self._database.read(sql, bindings)

    async def until(self, look: Callable[[], T | None], *, what: str = "what was awaited", timeout: float = WAIT_SECONDS) -> T:
        """Look now and after each event of this node, until `look` returns something."""
        try:
            async with asyncio.timeout(timeout), self.node.subscribe() as events:
                waiting = aiter(events)
                while (found := look()) is None:
                    await anext(waiting)
                return found
        except TimeoutError:
            raise AssertionError(f"{self.name}: {what} did not come in {timeout} s") from None

    def log(self, address: str) -> list[MessageView]:
        """The whole conversation with somebody, oldest first."""
        found = next((one for one in self.node.conversations() if one.address == address), None)
        if found is None:
            return []
        messages: list[MessageView] = []
        before: int | None = None
        while page := self.node.messages("", found.id, before=before, limit=500):
            messages = page + messages
            before = page[0].cursor
        return messages

    def texts(self, address: str) -> list[str]:
        """Somebody's texts, oldest first."""
        return [message.text for message in self.log(address) if not message.mine]

    async def until_text(self, address: str, text: str, *, mine: bool = False, timeout: float = WAIT_SECONDS) -> MessageView:
        """Wait until a text is shown: somebody's, or an own one that another device sent."""
        return await self.until(
            lambda: next((one for one in self.log(address) if one.text == text and one.mine == mine), None), what="a text", timeout=timeout
        )

    async def until_state(self, message_id: str, *states: str, timeout: float = WAIT_SECONDS) -> MessageInfoView:
        """Wait until an own message has one of these states."""

        def look() -> MessageInfoView | None:
            info = self.node.message("", message_id)
            return info if info.message.state in states else None

        return await self.until(look, what="/".join(states), timeout=timeout)

    async def until_request(self, *, timeout: float = WAIT_SECONDS) -> RequestView:
        """Wait until a stranger asks."""
        return await self.until(lambda: next(iter(self.node.requests()), None), what="a request", timeout=timeout)

    async def until_contact(self, address: str, state: str = "accepted", *, timeout: float = WAIT_SECONDS) -> ContactView:
        """Wait until a contact has this state."""
        return await self.until(
            lambda: next((one for one in self.node.contacts() if one.address == address and one.state == state), None),
            what=f"the contact as {state}",
            timeout=timeout,
        )

    async def until_digits(self) -> str:
        """Wait until this device, which is being linked, shows its six digits."""

        def look() -> str | None:
            return self.node.linking(self.address).digits or None

        return await self.until(look, what="its digits")

    async def until_up(self, *, timeout: float = WAIT_SECONDS) -> None:
        """Wait until the mailbox link is up and the keys are where others find them."""

        def look() -> bool | None:
            links = self.node.status().links
            return True if links and links[0].mailbox == "up" and links[0].passes and links[0].one_time_keys else None

        await self.until(look, what="its account and link", timeout=timeout)


@dataclass(slots=True)
class House:
    """One homeserver."""

    world: World
    domain: str
    settings: ServerSettings
    rng: SeededRandom
    server: Homeserver = field(init=False)
    _database: Database = field(init=False)
    _writers: list[Writer] = field(default_factory=list, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)
    _web: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack, init=False)

    async def start(self) -> None:
        """Open its store, run it and put it on the network, and its HTTPS port on loopback where the world has media."""
        world = self.world
        listener = bind_tcp("127.0.0.1", self.settings.https.port, "https") if world.media else None
        if listener is not None:
            port = int(listener.getsockname()[1])
            https = ListenSettings(port=port, public=f"127.0.0.1:{port}")
            self.settings = msgspec.structs.replace(self.settings, https=https)
        self._database = world.open_store(self.domain, "server.db", SERVER_MIGRATIONS)
        self.server = await Homeserver.open(
            self.settings,
            self._database,
            clock=world.clock,
            rng=self.rng,
            resolver=Resolver(self.settings.discovery, clock=world.clock),
            remotes=MemoryRemotes(self.domain, world.network, world.ports, world.clock),
            writes=world.writes_into(self._writers, lambda: world.close_door(self.domain)),
            blobs=LocalBlobs(world.directory / self.domain / "media") if world.media else None,
        )
        self._task = world.run(_until_killed(self.server.run))
        world.network.attach(self.domain, self.server, self.server.domain_key.public)
        world.ports[self.domain] = FederationPort(self.server, self.server.pins, self.rng)
        if listener is not None:
            await self._web.enter_async_context(serve_web(self.server, listener=listener))

    async def stop(self) -> None:
        """Take it off the network and end it; its store stays."""
        if self._task is None:
            return
        self.world.close_door(self.domain)
        await self._web.aclose()
        await _end(self._task, self.domain)
        self._task = None
        await self.server.close()
        self._database.close()

    @property
    def runs(self) -> bool:
        """Whether it was started, and neither stopped nor killed since."""
        return self._task is not None and not self._task.done() and not _killed(self._writers)

    def kill_at(self, commit: int, *, whole: bool) -> None:
        """End it at a commit from now on (0: at none), as `kill -9` does; only where time leaps. Then `stop` and `start`."""
        _kill_at(self._writers, commit, whole=whole)

    def read(self, sql: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """Rows of its store."""
        return self._database.read(sql, bindings)


@dataclass(slots=True)
class World:
    """Everything that runs in this process; ended with the block of `open`."""

    directory: Path
    clock: FakeClock
    rng: SeededRandom
    network: MemoryNetwork
    limits: ServerLimits
    discovery: Path
    reconnect_max: float = 0.5  # of nodes that are given no settings, so that nobody waits for them
    media: bool = False
    houses: dict[str, House] = field(default_factory=dict)
    ports: dict[str, FederationPort] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    _tasks: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        directory: Path,
        *,
        domains: Sequence[str] = DOMAINS,
        seed: int = 0,
        limits: ServerLimits | None = None,
        media: bool = False,
    ) -> AsyncIterator[World]:
        """Start the homeservers; `limits` replace those of all of them.

        With `media` they keep files, and their HTTPS ports are real: so the clock begins at the machine's time, by which TLS judges.
        """
        rng, loop = SeededRandom(seed), asyncio.get_running_loop()
        clock = FakeClock(time.time(), runs=True, timer=loop.time) if media else FakeClock(runs=True, timer=loop.time)
        world = cls(directory, clock, rng, MemoryNetwork(), limits or ServerLimits(), directory / "discovery.toml", media=media)
        async with world._tasks:
            try:
                for domain in domains:
                    await world.house(domain)
                world.write_discovery()
                yield world
            finally:
                for device in world.devices:
                    await device.stop()
                for house in world.houses.values():
                    await house.stop()

    @property
    def leaps(self) -> bool:
        """Whether time leaps here (`LeapingLoop`), so that nothing may wait for a thread."""
        return isinstance(asyncio.get_running_loop(), LeapingLoop)

    def open_store(self, name: str, file: str, migrations: Sequence[str]) -> Database:
        """Open a program's store."""
        opening = open_inline if self.leaps else open_database
        return opening(self.directory / name / file, STORE_KEY, migrations)

    def writes_into(self, writers: list[Writer], died: Callable[[], object]) -> Callable[[Store], Writer]:
        """What makes a program's writer, and notes it; `died` follows where the program is killed at a commit."""

        def make(database: Store) -> Writer:
            if not self.leaps:
                writers[:] = [Writer(database)]
                return writers[0]
            inline = InlineWriter(database)
            inline.died = died
            writers[:] = [inline]
            return inline

        return make

    def close_door(self, domain: str) -> None:
        """Take a homeserver off the network; its connections are lost."""
        self.network.detach(domain)
        self.ports.pop(domain, None)

    def run(self, program: object) -> asyncio.Task[None]:
        """Run a program's coroutine until it is stopped or the world ends."""
        return self._tasks.create_task(program)  # type: ignore[arg-type]  # a coroutine

    async def house(self, domain: str) -> House:
        """Found a homeserver and start it."""
        discovery = DiscoverySettings(file=self.discovery, dns=False, well_known=False)
        settings = ServerSettings(
            domain=domain,
            registration="open",
            link=ListenSettings(port=0, public=f"{domain}:8443"),
            federation=ListenSettings(port=0, public=f"{domain}:8444"),
            https=ListenSettings(port=0, public="127.0.0.1:1"),  # refused at once, without media: no web, and no name is asked
            discovery=discovery,
            limits=self.limits,
        )
        house = House(self, domain, settings, self.rng.fork(domain))
        self.houses[domain] = house
        await house.start()
        return house

    def write_discovery(self) -> None:
        """Write where every domain is, and under which key."""
        entries = {Domain(domain): _entry(house) for domain, house in self.houses.items()}
        self.discovery.write_text(format_discovery_file(entries))

    async def device(self, name: str, address: str, *, settings: NodeSettings | None = None) -> Device:
        """Start a node without an account."""
        found = settings or NodeSettings(
            discovery=DiscoverySettings(file=self.discovery, dns=False, well_known=False),
            privacy=PrivacySettings(receipt_delay=0.05, own_copies_mean=0.05),
            limits=LimitSettings(reconnect_max=self.reconnect_max),
            device_name=name,
        )
        device = Device(self, name, address, msgspec.structs.replace(found), self.rng.fork(name), self.network.dialer(name))
        self.devices.append(device)
        await device.start()
        return device

    async def person(self, address: str, *, devices: int = 1) -> list[Device]:
        """Start a person's nodes: the first registers, the others are linked by code."""
        name = address.partition("@")[0]
        primary = await self.device(f"{name}-1", address)
        await primary.node.create_account(address)
        await primary.until_up()
        return [primary, *[await self.linked(primary, f"{name}-{number}") for number in range(2, devices + 1)]]

    async def linked(self, primary: Device, name: str) -> Device:
        """Start a node and link it to a person's account."""
        device = await self.device(name, primary.address)
        shown = await device.node.link_account(primary.address)
        met = await primary.node.approve_device("", shown.code)
        await primary.node.confirm_device("", met.id, await device.until_digits())
        await device.until_up()
        return device

    async def anew(self, address: str, name: str) -> Device:
        """Let a person who has lost everything register anew at their address, as an administrator of their homeserver allows it."""
        localpart, _, domain = address.partition("@")
        invite = await self.houses[domain].server.reset_user(localpart)
        device = await self.device(name, address)
        await device.node.create_account(address, invite)
        await device.until_up()
        return device

    async def befriend(self, asking: Device, asked: Device) -> None:
        """Make two people contacts: a request, and its acceptance."""
        await asking.node.send("", asked.address, "may I?")
        request = await asked.until_request()
        await asked.node.accept_request("", request.id)
        await asking.until_contact(asked.address)
        await asked.until_contact(asking.address)


def _kill_at(writers: list[Writer], commit: int, *, whole: bool) -> None:
    for writer in writers:
        assert isinstance(writer, InlineWriter)
        writer.kill_at(commit, whole=whole)


def _killed(writers: list[Writer]) -> bool:
    return any(isinstance(writer, InlineWriter) and writer.dead for writer in writers)


async def _until_killed(run: Callable[[], Awaitable[None]]) -> None:
    with contextlib.suppress(Killed):
        try:
            await run()
        except BaseExceptionGroup as failures:
            if failures.split(Killed)[1] is not None:
                raise
            raise Killed from None


async def _end(task: asyncio.Task[None], name: str) -> None:
    task.cancel()
    _, hanging = await asyncio.wait({task}, timeout=STOP_SECONDS)
    if hanging:
        places = [f"{one.get_name()}: {one.get_stack(limit=1)}" for one in asyncio.all_tasks()]
        raise AssertionError(f"{name} did not end when it was told to; what runs:\n" + "\n".join(places))


def _entry(house: House) -> StaticEntry:
    return StaticEntry(Domain(house.domain), house.server.domain_key.public, house.settings.endpoints())
