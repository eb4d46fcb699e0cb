"""The static discovery file: domains whose key and endpoints the administrator or owner wrote down (first-message §8).

    [domain."b.example"]
    key = "…"                          # base64url, as in TXT
    federation = "mx.b.example:8444"   # the rest may be left out
    link = "b.example:8443"
    https = "b.example:8080"

An entry pins alone and wins over every look-up (I19).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from connexa.crypto import Ed25519Public
from connexa.errors import ConnexaError, UsageError
from connexa.identity import _base64url
from connexa.identity.address import Domain, check_domain
from connexa.identity.endpoint import Endpoints

_FIELDS = {"key", "federation", "link", "https"}


@dataclass(frozen=True, slots=True)
class StaticEntry:
    """One domain of the file."""

    domain: Domain
    key: Ed25519Public
    endpoints: Endpoints


def parse_discovery_file(text: str) -> dict[Domain, StaticEntry]:
    """Read the whole file; one wrong entry refuses all of it, so that no mistake passes unseen."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _malformed(f"It is not TOML: {error}.") from None
    entries = tables.pop("domain", {})
    if tables or not isinstance(entries, dict):
        raise _malformed('It holds tables [domain."b.example"] alone.')
    return {entry.domain: entry for entry in (_entry(name, table) for name, table in entries.items())}


def format_discovery_file(entries: Mapping[Domain, StaticEntry]) -> str:
    """Write a file that `parse_discovery_file` reads."""
    return "\n".join(
        f'[domain."{e.domain}"]\nkey = "{_base64url.encode(e.key.raw)}"\n'
        f'federation = "{e.endpoints.federation}"\nlink = "{e.endpoints.link}"\nhttps = "{e.endpoints.https}"\n'
        for e in entries.values()
    )


def _entry(name: str, table: object) -> StaticEntry:
    if not isinstance(table, dict) or "key" not in table or table.keys() - _FIELDS or not all(isinstance(v, str) for v in table.values()):
        raise _malformed(f"The entry {name} needs a key, and may have federation, link and https; all are strings.")
    try:
        return StaticEntry(
            domain=check_domain(name),
            key=Ed25519Public.from_bytes(_base64url.decode(table["key"])),
            endpoints=Endpoints.parse(name, **{which: text for which, text in table.items() if which != "key"}),
        )
    except (ValueError, ConnexaError):
        raise _malformed(f"The entry {name} has a malformed name, key or endpoint.") from None


def _malformed(why: str) -> UsageError:
    return UsageError("discovery.malformed", f"The discovery file cannot be read. {why}")
