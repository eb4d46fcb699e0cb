"""The homeserver as a process: its files, its database, its three ports and the admin socket on one event loop, until somebody stops it.

Wires what the other modules make; nothing is decided here but the order. Runs on an aiofastnet loop, for the memory of idle TLS
connections (homeserver §2, trap 1).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

import aiofastnet
import msgspec

from connexa import __version__
from connexa.crypto import Rng
from connexa.crypto.x509 import Leaf
from connexa.discovery import Resolver
from connexa.errors import ConnexaError, RefusedError, UsageError
from connexa.homeserver.admin import build_admin
from connexa.homeserver.federation import MAX_HOT, Door, FederationServer, GrpcRemotes, OwnSide, Trust
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.http_server import HttpServer, bind_tcp, bind_unix
from connexa.homeserver.listener import LinkListener, address_block
from connexa.homeserver.log import log_to_stderr
from connexa.homeserver.office import Office
from connexa.homeserver.premises import ServerPremises, disk_error
from connexa.homeserver.schema import MIGRATIONS
from connexa.homeserver.settings import ListenSettings, ServerSettings
from connexa.homeserver.tls import server_context, show_leaf
from connexa.homeserver.web import Site, build_web
from connexa.identity import Domain, PinEvent, format_well_known
from connexa.settings import Paths
from connexa.store import Database, KeyCustody, load_key, open_database
from connexa.wire.v1.keys_pb2 import SignedRotation

__all__ = ["Ready", "ServerProgram"]

_log = logging.getLogger("connexa.homeserver.program")

END_SECONDS: Final = 10.0
ALARMING: Final = {PinEvent.QUARANTINED, PinEvent.CONFLICT, PinEvent.INVALID, PinEvent.DOWNGRADED, PinEvent.REPLACED}
EARLIEST: Final = 1_767_225_600  # the first second of 2026: with a clock before it nothing that is signed would hold


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What a homeserver says when it takes connections."""

    domain: str
    pid: int
    version: str
    ports: dict[str, int]
    admin: str
    data: str


@dataclass(slots=True, kw_only=True)
class ServerProgram:
    """One run of a homeserver; `ready` is called once, when all listeners are open."""

    settings: ServerSettings
    where: Paths
    password: str | None
    clock: Callable[[], float]
    rng: Rng
    ready: Callable[[Ready], None]

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        os.umask(0o077)
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's own log names addresses
        if self.clock() < EARLIEST:
            raise RefusedError("clock.wrong", "The clock of this machine is wrong.", "Set it, and let it be kept by NTP.")
        premises = ServerPremises(self.where)
        if not premises.database.exists():
            raise RefusedError(
                "server.not_initialised", "This homeserver has no database yet.", f"Run: connexa server init {self.settings.domain}"
            )
        try:
            with premises.occupied(), log_to_stderr(), asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner:
                runner.run(self._serve(premises))
        except OSError as error:
            raise disk_error(error) from error

    async def _serve(self, premises: ServerPremises) -> None:
        key, custody = load_key(premises.data, self.rng, password=self.password)
        database = open_database(premises.database, key, MIGRATIONS)
        try:
            async with _house(self, database) as (house, remotes):
                await _open_doors(self, premises, custody, house, remotes)
        except* ConnexaError as failures:
            raise _first(failures) from None
        finally:
            database.close()


@asynccontextmanager
async def _house(program: ServerProgram, database: Database) -> AsyncIterator[tuple[Homeserver, GrpcRemotes]]:
    """The homeserver with its way out to others."""
    opened: list[Homeserver] = []
    resolver = Resolver(program.settings.discovery, clock=program.clock)
    own = OwnSide(Domain(program.settings.domain), leaf=lambda: opened[0].leaf, book=lambda: opened[0].pins)
    remotes = GrpcRemotes(own, resolver, clock=program.clock)
    house = await Homeserver.open(
        program.settings, database, clock=program.clock, rng=program.rng, resolver=resolver, remotes=remotes, on_pin=_log_pin
    )
    opened.append(house)
    try:
        yield house, remotes
    finally:
        await remotes.close()
        await house.close()


async def _open_doors(
    program: ServerProgram, premises: ServerPremises, custody: KeyCustody, house: Homeserver, remotes: GrpcRemotes
) -> None:
    """Open every listener, say that it is ready, and serve until a signal."""
    settings, clock = program.settings, program.clock
    trust = Trust(house.leaf, clock)
    await _let_known_in(house, trust)
    door = Door(house.domain, house.pins, trust, clock=clock)
    async with AsyncExitStack() as stack:
        links = LinkListener(house, house.certificates)
        https = stack.enter_context(bind_tcp(settings.https.host, settings.https.port, "https"))
        admin = stack.enter_context(bind_unix(premises.socket(settings)))
        stack.callback(premises.socket(settings).unlink, missing_ok=True)
        link = stack.enter_context(bind_tcp(settings.link.host, settings.link.port, "link"))
        federation = FederationServer(house, trust, house.pins, clock=clock, rng=program.rng, on_contact=house.queue.heard_from)
        stack.push_async_callback(federation.stop)
        ports = {"link": int(link.getsockname()[1]), "federation": 0, "https": int(https.getsockname()[1])}
        ports["federation"] = await federation.start(_address(settings.federation))
        house.publish(_with_ports(settings, ports).endpoints())
        tls = server_context(house.leaf)
        web = HttpServer(build_web(_site(program, house, door)), https, tls=tls)
        office = HttpServer(build_admin(Office(house, trust, ports, custody, clock=clock)), admin, connections=64)
        await links.start(link)
        stack.push_async_callback(links.stop)

        def renewed(leaf: Leaf) -> None:
            show_leaf(tls, leaf)
            trust.renew(leaf)
            remotes.renew()
            _log.info("leaf.renewed until=%d", leaf.not_after)

        house.certificates.watch(renewed)
        facts = Ready(
            domain=house.domain,
            pid=os.getpid(),
            version=__version__,
            ports=ports,
            admin=str(premises.socket(settings)),
            data=str(premises.data),
        )
        await _serve_until_signal(program, house, [web, office], facts)


async def _serve_until_signal(program: ServerProgram, house: Homeserver, sites: list[HttpServer], facts: Ready) -> None:
    stopped = asyncio.Event()
    with _signals(stopped):
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(site.run()) for site in sites]
            working = group.create_task(house.run())
            _log.info("server.up pid=%d version=%s", facts.pid, __version__)
            program.ready(facts)
            gc.freeze()  # what is here now stays: it need not be walked again
            await stopped.wait()
            _log.info("server.stopping")
            working.cancel()
            house.door.drain()
            for site in sites:
                site.stop()
            await asyncio.wait(serving, timeout=END_SECONDS)
            for task in serving:
                task.cancel()  # does nothing to what has ended


async def _let_known_in(house: Homeserver, trust: Trust) -> None:
    """Make the anchors of pinned domains hot; one whose record does not hold stays outside."""
    found = []
    for domain in house.remote_table.domains[:MAX_HOT]:
        try:
            remote = await house.pins.known(domain)
        except ConnexaError:
            continue
        if remote is not None and not house.is_blocked(domain):
            found.append((domain, remote.keys))
    trust.learn_many(found)


def _site(program: ServerProgram, house: Homeserver, door: Door) -> Site:
    def well_known() -> bytes:
        keys = house.domain_keys
        rotations = [SignedRotation.FromString(rotation) for rotation in keys.rotations]
        return format_well_known(house.server_info(), keys.published.current.id, rotations)

    return Site(
        domain=house.domain,
        well_known=well_known,
        metrics=house.metrics.render,
        healthy=lambda: house.writer.failure is None,
        source=address_block,
        door=door,
        metrics_token=_token(program.settings),
    )


def _token(settings: ServerSettings) -> bytes:
    file = settings.metrics.token_file
    if file is None:
        return b""
    try:
        return file.read_bytes().strip()
    except OSError:
        raise UsageError("settings.unreadable", f"The token of /metrics cannot be read from {file}.") from None


def _address(listen: ListenSettings) -> str:
    host = listen.host or "::"
    return f"[{host}]:{listen.port}" if ":" in host else f"{host}:{listen.port}"


def _with_ports(settings: ServerSettings, ports: dict[str, int]) -> ServerSettings:
    """The settings with the ports that were free, where they asked for any."""
    replace = msgspec.structs.replace
    return replace(
        settings,
        link=replace(settings.link, port=ports["link"]),
        federation=replace(settings.federation, port=ports["federation"]),
        https=replace(settings.https, port=ports["https"]),
    )


def _log_pin(_: Domain, event: PinEvent) -> None:
    _log.warning("%s", event.value) if event in ALARMING else _log.info("%s", event.value)


def _first(failures: BaseExceptionGroup[ConnexaError]) -> ConnexaError:
    """The error inside nested groups: one line is what a person can act on."""
    found: BaseException = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, ConnexaError) else ConnexaError("server.failed", "The homeserver ended.")


@contextmanager
def _signals(stopped: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
