"""Ten thousand devices that are there and silent: what each costs, and how soon all are back when all come at once.

Their accounts are written into the store before the homeserver starts; they log in over TLS 1.3 like everybody.
"""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.homeserver.village import Device, Person

from connexa.cli.demo.process import free_ports
from connexa.cli.demo.server import Homeserver
from connexa.crypto import system_random
from connexa.homeserver.accounts import Application, register
from connexa.homeserver.devices import keep_next_list
from connexa.homeserver.domain_key import load_domain
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.schema import MIGRATIONS
from connexa.identity import UserSecret
from connexa.settings import paths
from connexa.store import Execute, load_key, open_database

from .crowd import LoadLink, Town
from .link import SETTINGS, cpu_seconds, resident_mib
from .row import Row

LINKS = int(os.environ.get("LINKS", "10000"))
DEVICES = 8
AT_ONCE = 100
PROMISED_KIB = 45.0
PROMISED_STORM_SECONDS = 30.0
SETTLE_SECONDS = 2.0


def rows() -> Iterator[Row]:
    """What `python -m bench idle` prints."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="connexa-bench-") as name:
        root = Path(name)
        (root / "discovery.toml").write_text("", encoding="ascii")
        server = Homeserver("a.example", root / "a", free_ports(3), root / "discovery.toml")
        server.program.settings.update({f"CONNEXA_SERVER__{name}": value for name, value in SETTINGS.items()})
        entry = server.create()
        devices = _settle(server)
        server.program.start().await_ready()
        try:
            town = Town(server.domain, f"127.0.0.1:{server.ports['link']}", entry.key)
            yield from asyncio.run(_measure(town, devices, server.program.ready["pid"]))
        finally:
            server.end()


def _settle(server: Homeserver) -> list[Device]:
    """Write the accounts of a homeserver that is not running."""
    premises = ServerPremises(paths("default", {"CONNEXA_HOME": str(server.home)}))
    key, _ = load_key(premises.data, system_random, password=None, use_keyring=False)
    database = open_database(premises.database, key, MIGRATIONS)
    found: list[Device] = []

    def write(execute: Execute) -> None:
        keys, now = load_domain(execute, server.domain), time.time()
        if keys is None:
            raise RuntimeError("the homeserver has no key")
        for number in range(LINKS // DEVICES):
            person = Person(f"p{number}", UserSecret.generate(os.urandom, now), b"")
            first = person.add_device(os.urandom, now)
            asked = Application(person.user.public, person.name, b"", first.certificate, person.next_list(now))
            register(execute, asked, keys, invite_only=False, now=now, most_devices=DEVICES)
            more = [person.add_device(os.urandom, now).certificate for _ in range(DEVICES - 1)]
            keep_next_list(execute, person.user.public, person.next_list(now), more, now, DEVICES)
            found.extend(person.devices)

    database.once(write)
    database.close()
    return found


async def _measure(town: Town, devices: Sequence[Device], pid: int) -> list[Row]:
    warm = await _all_in(town, devices[:200])
    before = resident_mib(pid)
    begin, cpu = time.perf_counter(), cpu_seconds(pid)
    links = await _all_in(town, devices[200:])
    seconds, spent = time.perf_counter() - begin, cpu_seconds(pid) - cpu
    await asyncio.sleep(SETTLE_SECONDS)
    after = resident_mib(pid)
    for link in (*warm, *links):
        link.close()
    begin = time.perf_counter()
    back = await _all_in(town, devices)
    storm = time.perf_counter() - begin
    for link in back:
        link.close()
    return [
        Row.measured("idle.links", len(back), "links"),
        Row.measured("idle.kib_per_link", 1024 * (after - before) / len(links), "KiB", PROMISED_KIB),
        Row.measured("idle.rss", after, "MiB"),
        Row.measured("idle.logins_per_s", len(links) / seconds, "1/s"),
        Row.measured("idle.login_cpu", 1000 * spent / len(links), "ms"),
        Row.measured("idle.storm", storm, "s", PROMISED_STORM_SECONDS),
    ]


async def _all_in(town: Town, devices: Sequence[Device]) -> list[LoadLink]:
    """Log in, so many at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def enter(device: Device) -> LoadLink:
        async with places:
            return await town.reading(device, lambda _: None)

    return await asyncio.gather(*(enter(device) for device in devices))
