"""`connexa server check`: what the world sees of this homeserver, one sentence for each check, with cause and fix (product §3).

Asks the DNS, the well-known address and the three ports as another domain would. Changes nothing.
"""

from __future__ import annotations

import asyncio
import enum
import shutil
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connexa.crypto.x509 import InvalidCertificate, anchor_pem, leaf_domain
from connexa.discovery import DiscoverySettings, Resolver
from connexa.homeserver.domain_key import DomainKeys
from connexa.identity import Channel, Endpoint, Endpoints, Failure, Found, Missing

__all__ = ["Finding", "Level", "check_canary", "check_domain_outside", "check_machine"]

CONNECT_SECONDS = 5.0
MIN_FREE = 1024**3
CANARY_DAYS = 14  # left: time to renew it
_CANARY_FIX = "If what it says still holds: connexa server canary renew"
FIRST_YEAR = 1_767_225_600  # 2026: no clock of a working homeserver is before it


class Level(enum.StrEnum):
    """How bad it is."""

    OK = "OK"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, how it is, one sentence, and what to do."""

    name: str
    level: Level
    sentence: str
    fix: str = ""


def check_machine(data: Path, clock: Callable[[], float]) -> list[Finding]:
    """What this machine itself can get wrong."""
    free = shutil.disk_usage(data).free
    found = [
        Finding("disk", Level.OK, f"{free // 1024**2} MB are free for the database.")
        if free >= MIN_FREE
        else Finding("disk", Level.WARNING, f"Only {free // 1024**2} MB are free for the database.", "Free some space or move the data.")
    ]
    mode = data.stat().st_mode & 0o077
    if mode:
        found.append(Finding("files", Level.ERROR, "Others on this machine can open the data directory.", f"chmod 700 {data}"))
    else:
        found.append(Finding("files", Level.OK, "The data directory is for its owner alone."))
    if clock() < FIRST_YEAR:
        found.append(Finding("clock", Level.ERROR, "The clock of this machine is wrong.", "Set it, and let it be kept by NTP."))
    else:
        found.append(Finding("clock", Level.OK, "The clock of this machine is plausible."))
    return found


def check_canary(expires: int | None, now: float) -> list[Finding]:
    """Whether the operators' statement is fresh; None where they have never made one."""
    if expires is None:
        return []
    left = int(expires - now) // 86_400
    if left < 0:
        return [Finding("canary", Level.ERROR, "The canary has expired: people read that as a warning.", _CANARY_FIX)]
    level = Level.OK if left >= CANARY_DAYS else Level.WARNING
    return [Finding("canary", level, f"The canary is good for {left} days more.", "" if level is Level.OK else _CANARY_FIX)]


async def check_domain_outside(
    keys: DomainKeys, endpoints: Endpoints, discovery: DiscoverySettings, clock: Callable[[], float]
) -> list[Finding]:
    """What other domains find and reach."""
    async with asyncio.TaskGroup() as group:
        published = group.create_task(_published(keys, discovery, clock))
        ports = [
            group.create_task(_port(name, endpoint, keys, clock()))
            for name, endpoint in (("link", endpoints.link), ("federation", endpoints.federation), ("https", endpoints.https))
        ]
    return [*published.result(), *(task.result() for task in ports)]


async def _published(keys: DomainKeys, discovery: DiscoverySettings, clock: Callable[[], float]) -> list[Finding]:
    plain = DiscoverySettings(
        nameserver=discovery.nameserver,
        ca_file=discovery.ca_file,
        allow_addresses=discovery.allow_addresses,
        well_known_port=discovery.well_known_port,
        timeout=discovery.timeout,
    )
    resolution = await Resolver(plain, clock=clock).look_up(keys.domain)
    shown = {evidence.channel: evidence for evidence in resolution.evidence}
    findings = [_channel("dns", shown[Channel.TXT], keys), _channel("well-known", shown[Channel.WELL_KNOWN], keys)]
    good = [finding for finding in findings if finding.level is Level.OK]
    if len(good) == 2 or any(isinstance(e, Found) and e.secure for e in resolution.evidence):
        findings.append(Finding("trust", Level.OK, "Other domains can trust the key at first contact."))
    elif good:
        sentence = "Other domains find the key in one place only and hold it provisional: they take requests from here and send nothing."
        findings.append(Finding("trust", Level.WARNING, sentence, "Make the other of TXT record and well-known document work too."))
    else:
        findings.append(
            Finding("trust", Level.ERROR, "Other domains cannot find this homeserver.", "Publish what `connexa server dns` prints.")
        )
    return findings


_FIX = {
    "dns": "Publish the TXT record that `connexa server dns` prints.",
    "well-known": "Forward https://{domain}/.well-known/connexa/server (port 443, public certificate) to the HTTPS port.",
}


def _channel(name: str, evidence: Found | Missing, keys: DomainKeys) -> Finding:
    fix = _FIX[name].format(domain=keys.domain)
    if isinstance(evidence, Found):
        if evidence.keys.current.key == keys.current.public:
            return Finding(name, Level.OK, f"The {_NAMES[name]} shows the domain's key.")
        return Finding(name, Level.ERROR, f"The {_NAMES[name]} shows another key than this homeserver's.", fix)
    level = Level.ERROR if evidence.failure in (Failure.INVALID, Failure.BLOCKED) else Level.WARNING
    return Finding(name, level, f"The {_NAMES[name]} was not found: {evidence.why}", fix)


_NAMES = {"dns": "TXT record", "well-known": "well-known document"}


async def _port(name: str, endpoint: Endpoint, keys: DomainKeys, now: float) -> Finding:
    """Connect as a stranger would and hold the certificate against the domain key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=anchor_pem(keys.domain, keys.current.public, now).decode())
    if name == "federation":
        context.set_alpn_protocols(["h2"])
    fix = f"Start the homeserver and let port {endpoint.port} through to it, or set server.{name}.public."
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port, ssl=context, server_hostname=keys.domain)
    except ssl.SSLCertVerificationError:
        return Finding(name, Level.ERROR, f"Something else than this homeserver answers at {endpoint}.", fix)
    except (OSError, TimeoutError) as error:
        return Finding(name, Level.ERROR, f"The {name} port cannot be reached at {endpoint} ({type(error).__name__}).", fix)
    try:
        shown: Any = writer.get_extra_info("ssl_object")
        leaf_domain(shown.getpeercert(binary_form=True), keys.current.public, now)
    except InvalidCertificate:
        return Finding(name, Level.ERROR, f"The certificate at {endpoint} is not one of this domain's key.", fix)
    finally:
        writer.transport.abort()
    return Finding(name, Level.OK, f"The {name} port answers at {endpoint} with the domain's certificate.")
