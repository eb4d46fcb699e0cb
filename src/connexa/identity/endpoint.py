"""`host:port`: where a domain's listeners are, as TXT, server info, discovery file and invites write it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from connexa.errors import UsageError
from connexa.identity.address import check_domain

FEDERATION_PORT = 8444
LINK_PORT = 8443
HTTPS_PORT = 8080


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host name or an IP address, and a port."""

    host: str
    port: int

    def __post_init__(self) -> None:
        _check_host(self.host)
        if not 0 < self.port < 65536:
            raise _malformed()

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str, default_port: int) -> Endpoint:
        """Read `host`, `host:port` or `[v6]:port`."""
        if text.startswith("["):
            host, closed, rest = text[1:].partition("]")
            if not closed or (rest and not rest.startswith(":")):
                raise _malformed()
            return cls(host, _port(rest[1:], default_port))
        host, _, port = text.partition(":")
        return cls(host, _port(port, default_port))


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The three listeners of a domain that others may need."""

    federation: Endpoint
    link: Endpoint
    https: Endpoint

    @classmethod
    def parse(cls, domain: str, *, federation: str = "", link: str = "", https: str = "") -> Endpoints:
        """Read what was written down; what was not stands at the domain itself, on the default ports."""
        return cls(
            federation=Endpoint.parse(federation or domain, FEDERATION_PORT),
            link=Endpoint.parse(link or domain, LINK_PORT),
            https=Endpoint.parse(https or domain, HTTPS_PORT),
        )


def _port(digits: str, default: int) -> int:
    if not digits:
        return default
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
        raise _malformed()
    return int(digits)


def _check_host(host: str) -> None:
    if "%" in host:  # a zone index means nothing elsewhere, and the library lets any text follow it
        raise _malformed()
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost":
            return
        try:
            check_domain(host)
        except UsageError:
            raise _malformed() from None


def _malformed() -> UsageError:
    return UsageError("endpoint.malformed", "That is not a host and port.", "Write it like mx.b.example:8444.")
