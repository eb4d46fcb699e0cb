"""Which network addresses look-ups may reach: public ones, so that no domain can point us into our own network (I06)."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from connexa.errors import UsageError

_NAT64 = ip_network("64:ff9b::/96")
# Not public either, though one Python version or another takes them for global: RFC 6890, 3879, 9637.
_SPECIAL = tuple(ip_network(network) for network in ("192.0.0.0/24", "fec0::/10", "3fff::/20"))


def is_address(host: str) -> bool:
    """Tell an address from a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class AddressPolicy:
    """Public addresses, and the private networks that the administrator allowed."""

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        try:
            self._allowed: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(network) for network in allowed)
        except ValueError:
            raise UsageError("settings.bad_value", "allow_addresses holds something that is not a network.") from None

    def permits(self, text: str) -> bool:
        """Tell whether a connection to this address is allowed, whichever way it is written."""
        try:
            address = _unwrapped(ip_address(text.partition("%")[0]))
        except ValueError:
            return False
        if any(address in network for network in self._allowed):
            return True
        if any(address in network for network in _SPECIAL):
            return False
        return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Find the IPv4 address inside v4-mapped, 6to4 and NAT64 ones; Teredo's, behind its relay, counts as its inner one too."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
