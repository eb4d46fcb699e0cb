"""Questions to the DNS: a domain's TXT records, its SVCB and SRV endpoint, and addresses of hosts (identity §3).

The resolver that we ask does the work; its AD bit counts only if it is on this machine (I10). Failures keep their class:
NXDOMAIN and NODATA are absence, which nobody authenticates (I12); SERVFAIL, REFUSED and silence are temporary (I04).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.SRV import SRV
from dns.rdtypes.svcbbase import ParamKey, PortParam, SVCBBase

from connexa.discovery._failure import ChannelFailed
from connexa.errors import UsageError
from connexa.identity import FEDERATION_PORT, Domain, Endpoint, Failure, txt_name

_UDP_PAYLOAD = 1232  # DNS flag day 2020: what passes everywhere without fragments
_MAX_ADDRESSES = 16


@dataclass(frozen=True, slots=True)
class TxtRecords:
    """All TXT records of a name, how long they may be kept, and whether the local resolver validated them."""

    records: list[tuple[bytes, ...]]
    ttl: int
    secure: bool


class Nameserver:
    """The system's resolver, or the one that the settings name."""

    def __init__(self, nameserver: str, timeout: float) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not nameserver)
        except dns.resolver.NoResolverConfiguration:
            raise UsageError("settings.bad_value", "This machine names no DNS resolver.", "Set discovery.nameserver.") from None
        if nameserver:
            endpoint = Endpoint.parse(nameserver, 53)
            self._resolver.nameservers = [endpoint.host]
            self._resolver.port = endpoint.port
        self._resolver.lifetime = timeout
        self._resolver.flags = dns.flags.RD | dns.flags.AD
        self._resolver.use_edns(0, dns.flags.DO, _UDP_PAYLOAD)

    async def txt(self, domain: Domain) -> TxtRecords:
        """Fetch the records at `_connexa.<domain>`."""
        answer = await self._ask(txt_name(domain), dns.rdatatype.TXT)
        records = [tuple(rdata.strings) for rdata in answer if isinstance(rdata, TXT)]
        return TxtRecords(records, answer.rrset.ttl if answer.rrset else 0, _is_secure(answer))

    async def federation_endpoint(self, domain: Domain) -> Endpoint | None:
        """Follow SVCB, then SRV; an endpoint is a hint, for the pinned key alone proves who answers there."""
        for look in (self._svcb, self._srv):
            try:
                if endpoint := await look(domain):
                    return endpoint
            except (ChannelFailed, UsageError):
                continue
        return None

    async def addresses(self, host: str) -> list[str]:
        """All addresses of a host, IPv6 first."""
        found: list[str] = []
        failures: list[ChannelFailed] = []
        for kind in (dns.rdatatype.AAAA, dns.rdatatype.A):
            try:
                found += [rdata.address for rdata in await self._ask(host, kind) if isinstance(rdata, A | AAAA)]
            except ChannelFailed as failure:
                failures.append(failure)
        if not found:
            raise max(failures, key=lambda failure: failure.failure is Failure.TEMPORARY)
        return found[:_MAX_ADDRESSES]

    async def _svcb(self, domain: Domain) -> Endpoint | None:
        answer = await self._ask(f"_connexa.{domain}", dns.rdatatype.SVCB)
        records = sorted((r for r in answer if isinstance(r, SVCBBase) and r.priority), key=lambda r: r.priority)
        if not records:
            return None
        port = records[0].params.get(ParamKey.PORT)
        return Endpoint(_host(records[0].target), port.port if isinstance(port, PortParam) else FEDERATION_PORT)

    async def _srv(self, domain: Domain) -> Endpoint | None:
        answer = await self._ask(f"_connexa._tcp.{domain}", dns.rdatatype.SRV)
        records = sorted((r for r in answer if isinstance(r, SRV)), key=lambda r: (r.priority, -r.weight))
        return Endpoint(_host(records[0].target), records[0].port) if records else None

    async def _ask(self, name: str, kind: dns.rdatatype.RdataType) -> dns.resolver.Answer:
        try:
            return await self._resolver.resolve(dns.name.from_text(name), kind, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            raise ChannelFailed(Failure.ABSENT, f"The DNS has no {kind.name} record for it.") from None
        except (dns.exception.DNSException, OSError) as error:
            raise ChannelFailed(Failure.TEMPORARY, f"The DNS did not answer ({type(error).__name__}).") from None


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _is_secure(answer: dns.resolver.Answer) -> bool:
    if not answer.response.flags & dns.flags.AD or not answer.nameserver:
        return False
    try:
        return ipaddress.ip_address(answer.nameserver).is_loopback
    except ValueError:
        return False
