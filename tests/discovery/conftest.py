"""The fixture that every discovery test starts from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connexa.crypto import Ed25519Secret
from connexa.discovery import DiscoverySettings, PinBook, Resolver
from connexa.identity import Domain, DomainKey, Endpoint, PinEvent, format_txt, format_well_known
from connexa.testing import FakeClock
from connexa.wire.v1.keys_pb2 import SignedRotation
from tests.identity.people import server_info

from .internet import Authority, NameServer, WebServer, name_server, page_of, web_server

WELL_KNOWN = "/.well-known/connexa/server"


class DictStorage:
    """Pin records in a dictionary."""

    def __init__(self) -> None:
        self.records: dict[Domain, bytes] = {}

    async def get(self, domain: Domain) -> bytes | None:
        return self.records.get(domain)

    async def put(self, domain: Domain, record: bytes) -> None:
        self.records[domain] = record

    async def delete(self, domain: Domain) -> None:
        self.records.pop(domain, None)


@dataclass
class World:
    """A nameserver, a web server that is every domain's, and a clock."""

    dns: NameServer
    web: WebServer
    authority: Authority
    clock: FakeClock
    folder: Path

    def settings(self, **changes: object) -> DiscoverySettings:
        fields: dict[str, object] = {
            "nameserver": f"127.0.0.1:{self.dns.port}",
            "ca_file": self.authority.file,
            "allow_addresses": ("127.0.0.0/8",),
            "well_known_port": self.web.port,
            "timeout": 2.0,
        }
        return DiscoverySettings(**{**fields, **changes})  # type: ignore[arg-type]

    def resolver(self, **changes: object) -> Resolver:
        return Resolver(self.settings(**changes), clock=self.clock)

    def book(self, storage: DictStorage | None = None, homeserver=None, **changes: object) -> tuple[PinBook, list[PinEvent]]:
        events: list[PinEvent] = []
        resolver = self.resolver(**changes)
        book = PinBook(
            storage or DictStorage(),
            resolver,
            clock=self.clock,
            homeserver=homeserver,
            on_event=lambda _domain, event: events.append(event),
        )
        return book, events

    def publish_txt(self, domain: Domain, key: Ed25519Secret, following: Ed25519Secret | None = None) -> None:
        endpoint = Endpoint(f"mx.{domain}", 9444)
        records = [format_txt(DomainKey(key.public), endpoint)]
        if following:
            records.append(format_txt(DomainKey(following.public, "2", next=True), endpoint))
        self.dns.set(f"_connexa.{domain}", *(f'TXT "{record[:60]}" "{record[60:]}"' for record in records))

    def publish_web(
        self, domain: Domain, key: Ed25519Secret, following: Ed25519Secret | None = None, rotations: tuple[SignedRotation, ...] = ()
    ) -> None:
        now = int(self.clock())
        signed = server_info(domain, key, following, issued=now - 60, expires=now + 7 * 86_400)
        self.dns.set(domain, "A 127.0.0.1")
        self.web.pages[domain, WELL_KNOWN] = page_of(format_well_known(signed, "1", rotations))

    def publish(self, domain: Domain, key: Ed25519Secret) -> None:
        self.publish_txt(domain, key)
        self.publish_web(domain, key)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def world(authority: Authority, tmp_path: Path) -> AsyncIterator[World]:
    context = authority.context("a.example", "b.example", "c.example")
    async with name_server() as dns, web_server(context) as web:
        yield World(dns, web, authority, FakeClock(), tmp_path)
