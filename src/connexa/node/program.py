"""The node as a process: its files, its database, the node itself and the API on one event loop, until somebody stops it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from typing import Final

from connexa import __version__
from connexa.crypto import Rng
from connexa.discovery import Resolver
from connexa.errors import ConnexaError
from connexa.node.api import Access, ApiServer, EventSockets, Guard, bind_loopback, build_app
from connexa.node.dial import TlsDialer
from connexa.node.node import Node
from connexa.node.premises import Facts, Footprint, Premises
from connexa.node.schema import MIGRATIONS
from connexa.node.settings import NodeSettings
from connexa.process import disk_error, first_error, log_to, stop_on_signal
from connexa.settings import Paths
from connexa.store import KeyCustody, load_key, open_database
from connexa.web import load_app

__all__ = ["NodeProgram"]

_LOG_BYTES: Final = 1024 * 1024
_LOG_FILES: Final = 3
_END_SECONDS: Final = 10.0
_log = logging.getLogger("connexa.node.program")


@dataclass(slots=True, kw_only=True)
class NodeProgram:
    """One run of a node; `ready` is called once, when the API takes requests."""

    settings: NodeSettings
    where: Paths
    profile: str
    password: str | None
    use_keyring: bool
    clock: Callable[[], float]
    rng: Rng
    ready: Callable[[Facts], None]
    _started: bool = field(default=False, init=False)

    def run(self) -> None:
        """Run until SIGTERM, SIGINT or a call of the API; a failed first run leaves no file behind."""
        os.umask(0o077)
        premises = Premises(self.where)
        first_run = not premises.database.exists()
        footprint = Footprint(self.where)
        try:
            file = RotatingFileHandler(premises.log, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES, encoding="utf-8", delay=True)
            with premises.occupied(), log_to(file):
                asyncio.run(self._serve(premises, first_run))
        except BaseException as error:
            if first_run and not self._started and not premises.running():
                footprint.erase()
            if isinstance(error, OSError):
                raise disk_error(error, "the node's directory") from error
            raise

    async def _serve(self, premises: Premises, first_run: bool) -> None:
        with bind_loopback(self.settings.api.port) as listener:  # first: it is what fails most often, and makes no file
            key, custody = load_key(self.where.data, self.rng, password=self.password, use_keyring=self.use_keyring)
            database = open_database(premises.database, key, MIGRATIONS)
            try:
                node = await Node.open(
                    self.settings,
                    database,
                    clock=self.clock,
                    rng=self.rng,
                    resolver=Resolver(self.settings.discovery, clock=self.clock),
                    dialer=TlsDialer(self.clock),
                )
                try:
                    await self._attend(node, premises, listener, self._facts(premises, listener, custody, first_run))
                finally:
                    await node.close()
            finally:
                database.close()

    async def _attend(self, node: Node, premises: Premises, listener: socket.socket, facts: Facts) -> None:
        stopped = asyncio.Event()
        token = self.rng(32).hex()
        pages = load_app()
        guard = Guard(Access(token, f"connexa-{self.profile}-{facts.port}", self.clock, self.rng), facts.port, pages)
        sockets = EventSockets(node, guard)
        server = ApiServer(build_app(node, guard, pages, stopped.set), sockets, listener)
        with premises.announced(facts, token), stop_on_signal(stopped):
            try:
                async with asyncio.TaskGroup() as group:
                    serving = group.create_task(server.run())
                    others = [group.create_task(node.run()), group.create_task(sockets.run())]
                    self._started = True
                    _log.info("node.up pid=%d port=%d version=%s", facts.pid, facts.port, __version__)
                    self.ready(facts)
                    await stopped.wait()
                    for task in others:
                        task.cancel()
                    server.stop()
                    await asyncio.wait({serving}, timeout=_END_SECONDS)
                    serving.cancel()  # does nothing to what has ended
            except* ConnexaError as failures:
                raise first_error(failures) from None
            _log.info("node.down pid=%d", facts.pid)

    def _facts(self, premises: Premises, listener: socket.socket, custody: KeyCustody, first_run: bool) -> Facts:
        port = int(listener.getsockname()[1])
        return Facts(
            pid=os.getpid(),
            port=port,
            url=f"http://127.0.0.1:{port}/",
            profile=self.profile,
            version=__version__,
            started=self.clock(),
            data=str(self.where.data),
            token_file=str(premises.token),
            log=str(premises.log),
            custody=custody.value,
            first_run=first_run,
        )
