"""How other domains are found; a homeserver's and a node's settings hold this table (`connexa.settings` reads it)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec


class DiscoverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How other domains are found."""

    file: Annotated[Path | None, msgspec.Meta(description="Discovery file: domains whose keys and endpoints you wrote down.")] = None
    dns: Annotated[bool, msgspec.Meta(description="Ask the DNS for the keys of domains.")] = True
    well_known: Annotated[bool, msgspec.Meta(description="Ask https://DOMAIN/.well-known/connexa/server.")] = True
    nameserver: Annotated[str, msgspec.Meta(description="Nameserver to ask instead of the system's, as host or host:port.")] = ""
    ca_file: Annotated[Path | None, msgspec.Meta(description="PEM file of the authorities to trust instead of the system's.")] = None
    allow_addresses: Annotated[
        tuple[str, ...], msgspec.Meta(description="Private networks that look-ups may reach, such as 10.1.0.0/16; none by default.")
    ] = ()
    well_known_port: Annotated[int, msgspec.Meta(ge=1, le=65535, description="Port of the well-known document; only tests change it.")] = (
        443
    )
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60, description="Seconds that one source may take.")] = 5.0
