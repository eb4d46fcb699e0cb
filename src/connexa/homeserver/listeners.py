"""The doors of a running homeserver: links, federation, HTTPS and the admin socket, opened together and shown one leaf.

The ports are bound before anything listens, so that a port in use is one clear error and nothing has happened yet.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec

from connexa.crypto.x509 import Leaf
from connexa.errors import ConnexaError
from connexa.homeserver.admin import build_admin
from connexa.homeserver.canary import published_canary
from connexa.homeserver.federation import MAX_HOT, Door, FederationServer, GrpcRemotes, Trust
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.http_server import HttpServer, bind_tcp, bind_unix
from connexa.homeserver.listener import LinkListener, address_block
from connexa.homeserver.office import Office
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.reload import Reread
from connexa.homeserver.settings import ListenSettings, ServerSettings
from connexa.homeserver.tls import server_context, show_leaf
from connexa.homeserver.web import Site, build_web
from connexa.identity import Domain, PinEvent, format_well_known
from connexa.store import KeyCustody
from connexa.wire.v1.keys_pb2 import SignedRotation

__all__ = ["Listeners", "PinWatch", "listening", "site_of"]

_log = logging.getLogger("connexa.homeserver.listeners")

ADMIN_CONNECTIONS: Final = 64
ALARMING: Final = frozenset({PinEvent.QUARANTINED, PinEvent.CONFLICT, PinEvent.INVALID, PinEvent.DOWNGRADED, PinEvent.REPLACED})
MOVED: Final = frozenset({PinEvent.QUARANTINED, PinEvent.ROTATED, PinEvent.REPLACED})


@dataclass(frozen=True, slots=True)
class Listeners:
    """What is open: the ports by name, the links' own, and the web servers that the program runs."""

    ports: dict[str, int]
    links: LinkListener
    sites: tuple[HttpServer, ...]
    office: Office


class PinWatch:
    """Hears of every change of a pin: logs it, and takes the anchor of a key that is no longer good out of the hot ones."""

    def __init__(self) -> None:
        self.trust: Trust | None = None

    def __call__(self, domain: Domain, event: PinEvent) -> None:
        """Take a change; the log names no domain, the admin API does."""
        _log.log(logging.WARNING if event in ALARMING else logging.INFO, "pin.changed to=%s", event.value)
        if event in MOVED and self.trust is not None:
            self.trust.forget(domain)  # with its new key it comes back by Introduce


@asynccontextmanager
async def listening(
    house: Homeserver, remotes: GrpcRemotes, watch: PinWatch, premises: ServerPremises, custody: KeyCustody, reread: Reread
) -> AsyncIterator[Listeners]:
    """Open every door for as long as the block lasts."""
    settings = house.settings
    settings.metrics.token()  # a file that cannot be read is said before anything listens
    trust = watch.trust = Trust(house.leaf, house.clock)
    await _let_known_in(house, trust)
    async with AsyncExitStack() as stack:
        https = stack.enter_context(bind_tcp(settings.https.host, settings.https.port, "https"))
        link = stack.enter_context(bind_tcp(settings.link.host, settings.link.port, "link"))
        socket = premises.socket(settings)
        admin = stack.enter_context(bind_unix(socket))
        stack.callback(socket.unlink, missing_ok=True)
        federation = FederationServer(house, trust, house.pins, clock=house.clock, rng=house.rng, on_contact=house.heard_from)
        stack.push_async_callback(federation.stop)
        ports = {"link": int(link.getsockname()[1]), "federation": 0, "https": int(https.getsockname()[1])}
        ports["federation"] = await federation.start(_address(settings.federation))
        house.publish(_with_ports(settings, ports).endpoints())
        links = LinkListener(house, house.certificates)
        await links.start(link)
        stack.push_async_callback(links.stop)
        tls = server_context(house.leaf)

        def renewed(leaf: Leaf) -> None:
            show_leaf(tls, leaf)
            trust.renew(leaf)
            remotes.renew()
            _log.info("leaf.renewed until=%d", leaf.not_after)

        house.certificates.watch(renewed)
        office = Office(house, trust, ports, custody, clock=house.clock, reread=reread)
        web, own = build_web(site_of(house, trust)), build_admin(office)
        sites = (HttpServer(web, https, tls=tls), HttpServer(own, admin, connections=ADMIN_CONNECTIONS))
        yield Listeners(ports, links, sites, office)


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


def site_of(house: Homeserver, trust: Trust) -> Site:
    """What the HTTPS pages of a homeserver are made from."""

    def well_known() -> bytes:
        keys = house.domain_keys
        rotations = [SignedRotation.FromString(rotation) for rotation in keys.rotations]
        return format_well_known(house.server_info(), keys.published.current.id, rotations)

    return Site(
        domain=house.domain,
        well_known=well_known,
        policies=house.publication.policies,
        canary=lambda: published_canary(house.database.read),
        metrics=house.metrics.render,
        healthy=lambda: house.writer.failure is None and not house.door.draining,
        source=address_block,
        door=Door(house.domain, house.pins, trust, clock=house.clock, blocked=house.blocked),
        metrics_token=lambda: house.settings.metrics.token(),
        media=house.media,
    )


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
