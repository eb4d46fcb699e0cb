"""`connexa server`: found, run, check and administer a homeserver."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec

from connexa.crypto import system_random
from connexa.errors import ConnexaError, NotFoundError, RefusedError, UsageError
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.settings import ServerSettings
from connexa.identity import Domain, parse_domain
from connexa.settings import load

from .group import Family
from .homeserver import admin, given_password, password_options, segment, server_settings
from .options import options
from .output import answer, moment, say, table
from .secret import ask_password
from .server_backup import backup, restore, upgrade, words
from .server_care import audit, canary, reload, stats

__all__ = ["server"]

F = TypeVar("F", bound=Callable[..., Any])
_LISTENERS: Final = ("link", "federation", "https")


@click.group(cls=Family)
def server() -> None:
    """Run a homeserver: the domain's own, for its people."""


for verb in (reload, stats, audit, canary, backup, words, restore, upgrade):
    server.add_command(verb)


def _ports(command: F) -> F:
    for name in reversed(_LISTENERS):
        text = f"Port of the {name} listener; 0 takes a free one."
        command = click.option(f"--{name}-port", type=click.IntRange(0, 65535), help=text)(command)
    return command


def _given_ports(link_port: int | None, federation_port: int | None, https_port: int | None) -> dict[str, int]:
    given = {"link": link_port, "federation": federation_port, "https": https_port}
    return {name: port for name, port in given.items() if port is not None}


@server.command()
@click.argument("domain")
@_ports
@click.option("--host", metavar="NAME", help="Public host name of this machine, where it is not the domain itself.")
@password_options
@click.option("--keyring", is_flag=True, help="Keep the database's key in the login keyring instead of a file.")
def init(
    domain: str,
    link_port: int | None,
    federation_port: int | None,
    https_port: int | None,
    host: str | None,
    ask: bool,
    password_file: str | None,
    keyring: bool,
) -> None:
    """Found the homeserver of DOMAIN: its key, its database, its settings. The domain can never change."""
    from connexa.homeserver.init import found, published_records, systemd_unit, write_settings

    name, where = parse_domain(domain), options().where
    premises = ServerPremises(where)
    ports = _given_ports(link_port, federation_port, https_port)
    public = {one: f"{host}:{ports.get(one) or default}" for one, default in _default_ports().items()} if host else {}
    settings = _existing_settings(name) or _settings_of(name, ports, public)
    password = given_password(ask, password_file, new=not premises.database.exists())
    founded = found(premises, name, store=settings.store, password=password, use_keyring=keyring, clock=time.time, rng=system_random)
    if _existing_settings(name) is None:
        write_settings(where, name, ports, public)
    records = published_records(founded.keys, settings.endpoints())
    unit = systemd_unit(settings, where)
    log = premises.data / "init.log"
    lines = _story(settings, founded, records, unit, where.profile_file, premises.data)
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")  # without the invite
    log.chmod(0o600)
    invite = ["", "  The first administrator registers with this invite (shown once, good for 30 days):", f"    {founded.invite}"]
    answer(
        {
            "domain": name,
            "key": founded.keys.current.public.raw.hex(),
            "custody": founded.custody.value,
            "created": bool(founded.invite),
            "invite": founded.invite,
            "records": [{"name": record.name, "type": record.kind, "value": record.value} for record in records],
            "unit": unit,
            "settings": str(where.profile_file),
            "data": str(premises.data),
            "log": str(log),
        },
        *lines,
        *(invite if founded.invite else []),
    )


def _default_ports() -> dict[str, int]:
    from connexa.identity import FEDERATION_PORT, HTTPS_PORT, LINK_PORT

    return {"link": LINK_PORT, "federation": FEDERATION_PORT, "https": HTTPS_PORT}


def _existing_settings(domain: Domain) -> ServerSettings | None:
    try:
        settings = server_settings()
    except NotFoundError:
        return None
    if settings.domain != domain:
        raise RefusedError(
            "server.other_domain",
            f"This profile has the homeserver of {settings.domain}, and a homeserver's domain can never change.",
            "Take another profile: connexa --profile NAME server init DOMAIN",
        )
    return settings


def _settings_of(domain: Domain, ports: dict[str, int], public: dict[str, str]) -> ServerSettings:
    overrides = {"domain": str(domain), **{f"{name}.port": str(port) for name, port in ports.items()}}
    overrides |= {f"{name}.public": text for name, text in public.items()}
    return load(ServerSettings, "server", options().where, os.environ, overrides).values


def _story(settings: ServerSettings, founded: Any, records: list[Any], unit: str, file: Path, data: Path) -> list[str]:
    endpoints = settings.endpoints()
    custody = {"keyring": "in your login keyring", "file": "in a file that only you can read", "password": "behind your password"}
    kept = custody.get(founded.custody.value)
    database = f"{data}, encrypted with a key {kept}" if kept else "the PostgreSQL of `store`: whoever reads it has the domain's key"
    return [
        f"  OK  domain    {settings.domain}: this can never change",
        f"  OK  settings  {file}",
        f"  OK  database  {database}",
        f"  OK  key       {founded.keys.current.public.raw.hex()}",
        "",
        "  Publish in the DNS of the domain:",
        *(f'    {record.name}. {record.kind} "{record.value}"' for record in records),
        "",
        "  Let these ports through to this machine:",
        f"    {endpoints.link} (links), {endpoints.federation} (federation), {endpoints.https} (HTTPS)",
        f"  Forward https://{settings.domain}/.well-known/connexa/server (443, a public certificate) to https://127.0.0.1:{endpoints.https.port}",
        "",
        "  Move a copy of the data directory off this machine: who holds it is the domain, who loses it loses the domain.",
        "",
        "  A systemd unit (~/.config/systemd/user/connexa-server.service):",
        *(f"    {line}".rstrip() for line in unit.splitlines()),
        "",
        "  Start it:  connexa server run",
        "  Check it:  connexa server check",
    ]


@server.command()
@_ports
@password_options
def run(link_port: int | None, federation_port: int | None, https_port: int | None, ask: bool, password_file: str | None) -> None:
    """Run the homeserver until it is stopped; ready when the ready line is printed."""
    from connexa.homeserver.program import Ready, ServerProgram  # the whole homeserver: loaded only where it runs

    ports = _given_ports(link_port, federation_port, https_port)
    settings = server_settings(ports)

    def ready(facts: Ready) -> None:
        listening = " ".join(f"{name} {port}" for name, port in facts.ports.items())
        answer({"event": "ready", **msgspec.to_builtins(facts)}, f"ready {facts.domain} {listening} pid {facts.pid}")
        sys.stdout.flush()

    ServerProgram(
        settings=settings,
        where=options().where,
        password=given_password(ask, password_file, new=False),
        clock=time.time,
        rng=system_random,
        ready=ready,
        reread=lambda: server_settings(ports),
    ).run()


@server.command()
def status() -> None:
    """Say how the running homeserver is."""
    with admin() as running:
        found = running.call("GET", "/v1/status")
    health = "ok" if found["healthy"] else f"failing: {found['failure']}"
    links = ", ".join(f"{count} {mode}" for mode, count in found["links"].items() if count) or "none"
    rows = [
        ["domain", found["domain"]],
        ["health", health],
        ["up since", f"{moment(found['started'])}, pid {found['pid']}, version {found['version']}"],
        ["ports", ", ".join(f"{name} {port}" for name, port in found["ports"].items())],
        ["users", str(found["users"])],
        ["links", links],
        ["mailboxes", f"{found['mailbox_messages']} messages, {found['mailbox_bytes'] / 1e6:.1f} MB"],
        ["queued", f"{found['queued']} envelopes for other domains"],
        ["database", f"{found['database_bytes'] / 1e6:.1f} MB"],
    ]
    answer(found, *table(rows))


@server.command()
def check() -> None:
    """Check the machine, the DNS, the well-known document and the ports, as other domains see them."""
    from connexa.homeserver.check import Level, check_canary, check_domain_outside, check_machine

    settings, premises = server_settings(), ServerPremises(options().where)
    findings = check_machine(premises.data, time.time)
    published = _published(settings)
    findings += check_canary(published.canary_end, time.time())
    findings += asyncio.run(check_domain_outside(published.keys, settings.endpoints(), settings.discovery, time.time))
    lines = []
    for finding in findings:
        lines.append(f"{finding.level.value:<8} {finding.name:<11} {finding.sentence}")
        lines += [f"{'':<21}{finding.fix}"] if finding.fix else []
    answer({"findings": [msgspec.to_builtins(finding) for finding in findings]}, *lines)
    worst = [finding for finding in findings if finding.level is Level.ERROR]
    if worst:
        raise ConnexaError("server.check_failed", f"{len(worst)} of {len(findings)} checks failed.")


@server.command()
def dns() -> None:
    """Print the DNS records that make the domain known."""
    from connexa.homeserver.init import published_records

    settings = server_settings()
    records = published_records(_published(settings).keys, settings.endpoints())
    found = [{"name": record.name, "type": record.kind, "value": record.value} for record in records]
    answer({"records": found}, *(f'{record.name}. 3600 IN {record.kind} "{record.value}"' for record in records))


def _published(settings: ServerSettings) -> Any:
    """What is published, from the database, whether the homeserver runs or not."""
    from connexa.homeserver.reading import read_published

    ask = ask_password if options().may_ask else None
    return read_published(ServerPremises(options().where), Domain(settings.domain), ask, store=settings.store)


@server.group(cls=Family)
def user() -> None:
    """The accounts of the domain."""


@user.command("list")
def list_users() -> None:
    """List the accounts."""
    with admin() as running:
        found = running.call("GET", "/v1/users")
    rows = [
        [one["address"], "admin" if one["admin"] else "", f"{one['devices']} devices", f"{one['waiting']} waiting", moment(one["created"])]
        for one in found["items"]
    ]
    answer(found, *table(rows))
    if not rows:
        say("no account yet: connexa server invite, and give the code to the first person")


@user.command("delete")
@click.argument("localpart")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete_user(localpart: str, yes: bool) -> None:
    """Delete an account with its mailbox; its name is never given to another person."""
    if not yes:
        if not options().may_ask:
            raise UsageError("confirmation.missing", "This deletes an account for good.", "Say --yes.")
        click.confirm(f"Delete {localpart} and everything that waits for it?", abort=True, err=True)
    with admin() as running:
        running.call("DELETE", f"/v1/users/{segment(localpart)}")
    answer({"deleted": localpart}, f"deleted {localpart}")


@user.command("reset")
@click.argument("localpart")
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset_user(localpart: str, yes: bool) -> None:
    """Let a person who lost their key begin anew at their address; their contacts will see another key."""
    if not yes:
        if not options().may_ask:
            raise UsageError("confirmation.missing", "This ends the old account for good.", "Say --yes.")
        click.confirm(f"End the account of {localpart} with its mailbox, and let the same person begin anew?", abort=True, err=True)
    with admin() as running:
        found = running.call("POST", f"/v1/users/{segment(localpart)}/reset")
    answer(found, found["invite"])
    say(f"\n  They type:  connexa account create {localpart}@{server_settings().domain}   and give this code when asked")


@server.command()
@click.option("--uses", type=click.IntRange(1, 10_000), default=1, show_default=True, help="How many people may register with it.")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="How long it is good.")
@click.option("--admin", "as_admin", is_flag=True, help="Who registers with it becomes an administrator.")
def invite(uses: int, days: int, as_admin: bool) -> None:
    """Make an invite to register here; it is shown once."""
    with admin() as running:
        found = running.call("POST", "/v1/invites", {"uses": uses, "days": days, "admin": as_admin})
    answer(found, found["invite"])
    say(f"\n  They type:  connexa account create NAME@{server_settings().domain}   and give this code when asked")


@server.group(cls=Family)
def federation() -> None:
    """Other domains: their pins and what waits for them."""


@federation.command("list")
def list_federation() -> None:
    """List pinned domains and queues."""
    with admin() as running:
        found = running.call("GET", "/v1/federation")
    queues = {queue["domain"]: queue for queue in found["queues"]}
    known = {remote["domain"]: remote for remote in found["remotes"]}
    rows = [_federation_row(name, known.get(name), queues.get(name)) for name in sorted({*known, *queues})]
    answer(found, *table(rows))


def _federation_row(name: str, remote: dict[str, Any] | None, queue: dict[str, Any] | None) -> list[str]:
    state = remote["state"] if remote else "unknown"
    if queue is None or not queue["envelopes"]:
        return [name, state, "nothing queued", ""]
    why = "connected" if queue["connected"] else f"{queue['failure'] or 'waiting'}, next try in {queue['next_try']:.0f} s"
    return [name, state, f"{queue['envelopes']} queued since {moment(queue['oldest'])}", why]


@federation.command()
@click.argument("domain")
def refresh(domain: str) -> None:
    """Look DOMAIN up now."""
    with admin() as running:
        found = running.call("POST", f"/v1/federation/{segment(domain)}/refresh")
    answer(found, f"{found['domain']} is {found['state']}, key {found['key']}")


@federation.command()
@click.argument("domain")
def forget(domain: str) -> None:
    """Drop the pin of DOMAIN; the next contact is a first one."""
    with admin() as running:
        running.call("DELETE", f"/v1/federation/{segment(domain)}")
    answer({"forgotten": domain}, f"forgot {domain}")
