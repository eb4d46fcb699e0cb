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
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiofastnet
import msgspec

from connexa import __version__
from connexa.crypto import Rng
from connexa.discovery import Resolver
from connexa.errors import ConnexaError, RefusedError
from connexa.homeserver.audit import PROGRAM
from connexa.homeserver.federation import GrpcRemotes, OwnSide
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.listeners import Listeners, PinWatch, listening
from connexa.homeserver.media import BlobStore, open_blobs
from connexa.homeserver.opening import open_existing
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.reload import Reread
from connexa.homeserver.settings import ServerSettings
from connexa.identity import Domain
from connexa.process import first_error, log_to, on_signal, stop_on_signal
from connexa.settings import Paths
from connexa.store import Store

__all__ = ["Ready", "ServerProgram"]

_log = logging.getLogger("connexa.homeserver.program")

END_SECONDS: Final = 10.0
SWITCH_SECONDS: Final = 0.001  # how long a commit's thread waits for a busy loop, before and after each commit
COLLECT: Final = (20_000, 20, 20)  # objects between looks for cycles: envelopes make none, and come by the ten thousand a second
STRANGERS: Final = ("SSL handshake failed", "SSL handshake is taking longer")  # anybody can cause it, as often as they like
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
    reread: Reread

    def run(self) -> None:
        """Run until SIGTERM or SIGINT."""
        os.umask(0o077)
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.set_threshold(*COLLECT)
        if self.clock() < EARLIEST:
            raise RefusedError("clock.wrong", "The clock of this machine is wrong.", "Set it, and let it be kept by NTP.")
        premises = ServerPremises(self.where)
        stderr = logging.StreamHandler()
        with (
            premises.occupied(),
            log_to(stderr, as_json=self.settings.log.format == "json"),
            asyncio.Runner(loop_factory=aiofastnet.loop_factory()) as runner,
        ):
            runner.run(self._serve(premises))

    async def _serve(self, premises: ServerPremises) -> None:
        asyncio.get_running_loop().set_exception_handler(_hear_loop)
        database, custody = open_existing(self.settings, premises, self.rng, password=self.password)
        try:
            watch = PinWatch()
            async with _house(self, database, watch, open_blobs(self.settings, premises.data)) as (house, remotes):
                async with listening(house, remotes, watch, premises, custody, self.reread) as listeners:
                    await _serve_until_signal(self, house, listeners, self._facts(house, premises, listeners))
        except* ConnexaError as failures:
            raise first_error(failures) from None
        finally:
            database.close()

    def _facts(self, house: Homeserver, premises: ServerPremises, listeners: Listeners) -> Ready:
        return Ready(
            domain=house.domain,
            pid=os.getpid(),
            version=__version__,
            ports=listeners.ports,
            admin=str(premises.socket(self.settings)),
            data=str(premises.data),
        )


@asynccontextmanager
async def _house(
    program: ServerProgram, database: Store, watch: PinWatch, blobs: BlobStore
) -> AsyncIterator[tuple[Homeserver, GrpcRemotes]]:
    """The homeserver with its way out to others."""
    opened: list[Homeserver] = []
    resolver = Resolver(program.settings.discovery, clock=program.clock)
    own = OwnSide(Domain(program.settings.domain), leaf=lambda: opened[0].leaf, book=lambda: opened[0].pins)
    remotes = GrpcRemotes(own, resolver, clock=program.clock)
    house = await Homeserver.open(
        program.settings, database, clock=program.clock, rng=program.rng, resolver=resolver, remotes=remotes, on_pin=watch, blobs=blobs
    )
    opened.append(house)
    try:
        yield house, remotes
    finally:
        await remotes.close()
        await house.close()


async def _serve_until_signal(program: ServerProgram, house: Homeserver, listeners: Listeners, facts: Ready) -> None:
    stopped = asyncio.Event()
    with stop_on_signal(stopped), on_signal(signal.SIGHUP, lambda: house.spawn(_reload(listeners))):
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(site.run()) for site in listeners.sites]
            working = group.create_task(house.run())
            _log.info("server.up pid=%d version=%s", facts.pid, __version__)
            program.ready(facts)
            gc.freeze()  # what is here now stays: it need not be walked again
            await stopped.wait()
            _log.info("server.stopping")
            await listeners.links.stop()  # a balancer takes newcomers to another process
            await house.drain()
            working.cancel()
            for site in listeners.sites:
                site.stop()
            await asyncio.wait(serving, timeout=END_SECONDS)
            for task in serving:
                task.cancel()  # does nothing to what has ended


async def _reload(listeners: Listeners) -> None:
    """Read the settings anew because of a signal: nobody waits for the answer, so the log has it."""
    try:
        reloaded = await listeners.office.reload(PROGRAM)
    except ConnexaError as error:
        _log.error("settings.refused code=%s", error.code)
    else:
        _log.info("settings.reloaded changed=%d after_restart=%d", len(reloaded.changed), len(reloaded.after_restart))


def _hear_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Take what the event loop has to say: strangers who break off a handshake are no event, everything else is."""
    if not str(context.get("message", "")).startswith(STRANGERS):
        loop.default_exception_handler(context)
