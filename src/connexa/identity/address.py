"""Addresses, domains and ids: what a person types, and the one canonical form that is signed, stored and compared.

A domain is lower-case ASCII (A-labels, so `xn--…` for other scripts), a localpart `[a-z0-9._-]{1,64}` (identity §5).
What people type is brought into that form; what comes over the wire must already have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from connexa.errors import UsageError

Domain = NewType("Domain", str)
UserId = NewType("UserId", bytes)
DeviceId = NewType("DeviceId", bytes)

MAX_DOMAIN = 128  # first-message §2
ID_SIZE = 32

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_LOCALPART = re.compile(r"[a-z0-9._-]{1,64}")


def check_domain(text: str) -> Domain:
    """Take a domain that must already be canonical, as everything from the wire must."""
    if len(text) > MAX_DOMAIN or not _DOMAIN.fullmatch(text) or text.rpartition(".")[2].isdigit():
        raise UsageError("domain.malformed", "That is not a domain name.", "Write it like b.example; other scripts in their xn-- form.")
    return Domain(text)


def parse_domain(typed: str) -> Domain:
    """Bring a typed domain into its canonical form."""
    return check_domain(typed.strip().lower().removesuffix("."))


def check_localpart(text: str) -> str:
    """Take a localpart that must already be canonical."""
    if not _LOCALPART.fullmatch(text):
        raise UsageError("address.malformed", "That is not the name of an address.", "Use 1 to 64 of a-z, 0-9, dot, underscore and hyphen.")
    return text


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """`alice@a.example`, always canonical."""

    localpart: str
    domain: Domain

    def __post_init__(self) -> None:
        check_localpart(self.localpart)
        check_domain(self.domain)

    def __str__(self) -> str:
        return f"{self.localpart}@{self.domain}"

    @classmethod
    def parse(cls, typed: str) -> Address:
        """Read an address as a person types it."""
        localpart, at, domain = typed.strip().rpartition("@")
        if not at:
            raise UsageError("address.malformed", "That is not an address.", "Write it like alice@a.example.")
        return cls(localpart.lower(), parse_domain(domain))

    @classmethod
    def from_wire(cls, text: str) -> Address:
        """Read an address from a message: anything but the canonical form is refused."""
        localpart, _, domain = text.rpartition("@")
        return cls(localpart, Domain(domain))


def check_user_id(raw: bytes) -> UserId:
    """Take 32 bytes as the v6 fingerprint of a user key."""
    if len(raw) != ID_SIZE:
        raise UsageError("user.malformed", "A user id has 32 bytes.")
    return UserId(raw)


def check_device_id(raw: bytes) -> DeviceId:
    """Take 32 bytes as a device id."""
    if len(raw) != ID_SIZE:
        raise UsageError("device.malformed", "A device id has 32 bytes.")
    return DeviceId(raw)
