"""`connexa server init`: makes a homeserver's database, domain key and settings, and says what the administrator has to publish.

Nothing here asks the network. What was made is taken away again where a first run fails.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from connexa.crypto import Rng
from connexa.errors import ConflictError
from connexa.homeserver.accounts import create_account_invite
from connexa.homeserver.domain_key import DomainKeys, create_domain, load_domain
from connexa.homeserver.opening import open_store
from connexa.homeserver.premises import PLACE, ServerPremises
from connexa.homeserver.settings import ServerSettings
from connexa.identity import Domain, Endpoints, format_txt, txt_name
from connexa.process import disk_error
from connexa.settings import Paths, private_directory
from connexa.store import Execute, KeyCustody, Store, Writer

__all__ = ["Founded", "Record", "found", "published_records", "systemd_unit", "write_settings"]

FIRST_INVITE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Record:
    """One DNS record to be published."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Founded:
    """What `init` made, or found made."""

    keys: DomainKeys
    custody: KeyCustody
    invite: str  # the first administrator's; empty where the homeserver was there already


def write_settings(where: Paths, domain: Domain, ports: Mapping[str, int], public: Mapping[str, str]) -> Path:
    """Write the profile's [server] table; ConflictError where there is one already."""
    file = where.profile_file
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    if any(line.strip().startswith("[server") for line in text.splitlines()):
        raise ConflictError("server.configured", f"{file} has settings of a homeserver already.", "Change them there.")
    lines = ["[server]", f'domain = "{domain}"  # can never change']
    for name in ("link", "federation", "https"):
        table = [f"port = {ports[name]}"] if name in ports else []
        table += [f'public = "{public[name]}"'] if name in public else []
        lines += ["", f"[server.{name}]", *table] if table else []
    try:
        private_directory(file.parent)
        file.write_text("\n".join([*([text.rstrip(), ""] if text else []), *lines, ""]), encoding="utf-8")
        file.chmod(0o600)
    except OSError as error:
        raise disk_error(error, PLACE) from error
    return file


def found(
    premises: ServerPremises,
    domain: Domain,
    *,
    store: str = "",
    password: str | None,
    use_keyring: bool,
    clock: Callable[[], float],
    rng: Rng,
) -> Founded:
    """Make the database and the domain key; with a key that is there already, nothing changes."""
    fresh = not premises.database.exists()
    try:
        with premises.occupied():
            database, custody = open_store(store, premises, rng, password=password, use_keyring=use_keyring)
            try:
                return asyncio.run(_found(database, domain, custody, rng, clock()))
            finally:
                database.close()
    except BaseException:
        if fresh:
            for file in premises.data.glob("*"):
                file.unlink(missing_ok=True)
        raise


async def _found(database: Store, domain: Domain, custody: KeyCustody, rng: Rng, now: float) -> Founded:
    def make(execute: Execute) -> Founded:
        if (known := load_domain(execute, domain)) is not None:
            return Founded(known, custody, "")
        keys = create_domain(execute, domain, rng, now)
        return Founded(keys, custody, create_account_invite(execute, rng, uses=1, days=FIRST_INVITE_DAYS, admin=True, now=now))

    writer = Writer(database)
    try:
        return await writer.run(make)
    finally:
        await writer.close()


def published_records(keys: DomainKeys, endpoints: Endpoints) -> list[Record]:
    """The TXT records that make the domain known; the addresses of hosts are the administrator's own."""
    published = [key for key in (keys.published.current, keys.published.following) if key]
    return [Record(txt_name(keys.domain), "TXT", format_txt(key, endpoints.federation)) for key in published]


def systemd_unit(settings: ServerSettings, where: Paths) -> str:
    """A unit that runs this installation for this profile and user."""
    profile = where.profile_file.stem
    return f"""[Unit]
Description=Connexa homeserver of {settings.domain}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={sys.executable} -m connexa.cli --profile {profile} server run
Restart=on-failure
RestartSec=2
LimitNOFILE=65536
NoNewPrivileges=true

[Install]
WantedBy=default.target
"""
