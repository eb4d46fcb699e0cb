"""The demo's world: two homeservers, two people with two devices each, in a temporary directory on loopback alone."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connexa.identity import format_discovery_file

from .device import Device
from .process import free_ports
from .server import Homeserver

__all__ = ["Person", "Stage", "person_at", "raised_stage", "register"]

_NODE_SETTINGS: Final = {  # as a person sets them who is in a hurry
    "CONNEXA_NODE__DISCOVERY__DNS": "false",
    "CONNEXA_NODE__DISCOVERY__WELL_KNOWN": "false",
    "CONNEXA_NODE__PRIVACY__RECEIPT_DELAY": "0.1",
    "CONNEXA_NODE__PRIVACY__OWN_COPIES_MEAN": "0.1",
}
_PARENT_MAX: Final = 50  # characters: the admin sockets below must be short enough for the system
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a laptop, which was there first, and a phone."""

    name: str
    address: str
    server: Homeserver
    laptop: Device
    phone: Device


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs."""

    root: Path
    servers: tuple[Homeserver, Homeserver]
    alice: Person
    bob: Person

    @property
    def people(self) -> tuple[Person, Person]:
        """Both people."""
        return self.alice, self.bob

    @property
    def devices(self) -> list[Device]:
        """All four devices."""
        return [device for person in self.people for device in (person.laptop, person.phone)]

    def check(self) -> None:
        """Raise where a program ended by itself."""
        for program in [server.program for server in self.servers] + [device.program for device in self.devices]:
            program.check()


@contextlib.contextmanager
def raised_stage(tell: Tell) -> Iterator[Stage]:
    """Start everything, register the people and link their phones; at the end, stop it all and remove its files."""
    parent = tempfile.gettempdir() if len(tempfile.gettempdir()) <= _PARENT_MAX else "/tmp"  # noqa: S108 - a 0700 directory is made in it
    with (
        tempfile.TemporaryDirectory(prefix="connexa-demo-", dir=parent, ignore_cleanup_errors=True) as name,
        ThreadPoolExecutor(4) as workers,
    ):
        stage = _build(Path(name))
        try:
            _start(stage, workers, tell)
            _register(stage, workers, tell)
            _link_phones(stage, workers, tell)
            yield stage
        finally:
            for device in stage.devices:
                device.program.ask_to_end()
            for device in stage.devices:
                device.end()
            for server in stage.servers:
                server.program.ask_to_end()
            for server in stage.servers:
                server.end()


def _build(root: Path) -> Stage:
    discovery = root / "discovery.toml"
    ports = free_ports(6)
    a, b = Homeserver("a.example", root / "a", ports[:3], discovery), Homeserver("b.example", root / "b", ports[3:], discovery)

    return Stage(root, (a, b), person_at(root, "alice", a), person_at(root, "bob", b))


def person_at(root: Path, name: str, server: Homeserver) -> Person:
    """Somebody with an address at a homeserver and two devices, which are not started yet."""
    settings = {**_NODE_SETTINGS, "CONNEXA_NODE__DISCOVERY__FILE": str(root / "discovery.toml")}
    laptop, phone = (
        Device(f"{name}'s {kind}", root / f"{name}-{kind}", {**settings, "CONNEXA_NODE__DEVICE_NAME": kind}) for kind in ("laptop", "phone")
    )
    return Person(name.capitalize(), f"{name}@{server.domain}", server, laptop, phone)


def _start(stage: Stage, workers: ThreadPoolExecutor, tell: Tell) -> None:
    begin = time.monotonic()
    entries = {entry.domain: entry for entry in workers.map(Homeserver.create, stage.servers)}
    (stage.root / "discovery.toml").write_text(format_discovery_file(entries), encoding="ascii")
    programs = [server.program for server in stage.servers] + [device.program for device in stage.devices]
    for program in programs:
        program.start()
    for program in programs:
        program.await_ready()
    tell(f"2 homeservers and 4 nodes are up ({time.monotonic() - begin:.1f} s)")


def _register(stage: Stage, workers: ThreadPoolExecutor, tell: Tell) -> None:
    begin = time.monotonic()
    list(workers.map(register, stage.people))
    tell(f"{' and '.join(person.address for person in stage.people)} are registered ({time.monotonic() - begin:.1f} s)")


def register(person: Person) -> None:
    """Make somebody's account, from the laptop, with an invite of the homeserver."""
    invite = person.server.invite()
    person.laptop.node.post("/api/account/create", address=person.address, invite=invite, name=person.name)
    person.laptop.until_active()


def _link_phones(stage: Stage, workers: ThreadPoolExecutor, tell: Tell) -> None:
    begin = time.monotonic()

    def link(person: Person) -> None:
        code = person.phone.node.post("/api/account/link", address=person.address, name="")["code"]
        met = person.laptop.node.post("/api/devices/approve", code=code)
        person.laptop.node.post("/api/devices/confirm", approval=met["id"], digits=person.phone.until_digits(person.address))
        person.phone.until_active()

    list(workers.map(link, stage.people))
    tell(f"their phones are linked by code ({time.monotonic() - begin:.1f} s)")
