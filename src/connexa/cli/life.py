"""The node's life: `up`, `down`, `status`, `logs`."""

from __future__ import annotations

import collections
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from connexa.crypto import system_random
from connexa.errors import ConnexaError, NetworkError, NotFoundError, RefusedError
from connexa.node.premises import Facts, Premises

from .client import Client, NodeDownError
from .options import Verb, options
from .output import answer, moment, say, table, warn, write_json
from .secret import ask_password, read_file

__all__ = ["down", "logs", "status", "up"]

_POLL: Final = 0.05
_WARNINGS: Final = {
    "clock.skewed": "the clock of this machine and the homeserver's differ by more than a minute; set it, or messages may be refused",
    "store.full": "the disk is full; free some space, nothing that was accepted is lost",
    "store.read_only": "the database cannot be written; check its owner and permissions",
    "certificate.expired": "the homeserver's certificate is not good now; if its other people are connected, this machine's clock is wrong",
    "account.restoring": "an account is not back yet; once its homeserver can be reached, go on: connexa backup restore",
    "account.revoked": "this device was taken out of an account: nothing is sent or received; link it again: connexa device link",
    "recovery.unconfirmed": "your recovery words are not written down yet, and without them no backup opens: connexa account recovery show",
    "backup.failed": "the last backup failed: connexa backup schedule",
    "link.unreachable": "a homeserver cannot be reached; it is tried again by itself",
}


@click.command(cls=Verb)
@click.option("--foreground", is_flag=True, help="Stay in the terminal; ready when the ready line is printed.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the API on 127.0.0.1; 0 takes a free one.")
@click.option("--password", "ask", is_flag=True, help="Ask for the password that locks the database.")
@click.option("--password-file", metavar="PATH", help="Read that password from a file, or - for stdin.")
@click.option("--key-file", is_flag=True, help="Keep the database's key in a file of the data directory instead of the login keyring.")
def up(foreground: bool, port: int | None, ask: bool, password_file: str | None, key_file: bool) -> None:
    """Start your node, in the background; nothing happens where it runs already."""
    premises = Premises(options().where)
    if premises.running():
        return _already(premises)
    password = _password(premises, ask, password_file)
    overrides = {} if port is None else {"api.port": str(port)}
    if foreground:
        return _stay(overrides, password, not key_file)
    from .daemon import start  # loads subprocess

    try:
        facts = start(options(), overrides, password, key_file)
    except RefusedError as error:
        if error.code != "store.password_needed" or not options().may_ask:
            raise
        facts = start(options(), overrides, ask_password(new=False), key_file)
    return _introduce(facts)


def _password(premises: Premises, ask: bool, file: str | None) -> str | None:
    if file is not None:
        text = sys.stdin.readline() if file == "-" else read_file(Path(file), "The password")
        return text.rstrip("\r\n")
    return ask_password(new=not premises.database.exists()) if ask else None


def _stay(overrides: dict[str, str], password: str | None, use_keyring: bool) -> None:
    from connexa.node.program import NodeProgram  # the whole node: loaded only where it runs
    from connexa.node.settings import NodeSettings
    from connexa.settings import load

    chosen = options()
    settings = load(NodeSettings, "node", chosen.where, os.environ, overrides).values

    def ready(facts: Facts) -> None:
        if chosen.json:
            write_json({"event": "ready", **_public(facts)})
        else:
            click.echo(f"ready {facts.url} pid {facts.pid}")
        sys.stdout.flush()

    NodeProgram(
        settings=settings,
        where=chosen.where,
        profile=chosen.profile,
        password=password,
        use_keyring=use_keyring,
        clock=time.time,
        rng=system_random,
        ready=ready,
    ).run()


def _public(facts: Facts) -> dict[str, Any]:
    return {field: getattr(facts, field) for field in facts.__struct_fields__}


def _already(premises: Premises) -> None:
    facts = premises.facts()
    if facts is None:
        raise ConnexaError("node.starting", "The node is just starting or ending.", "Try again in a moment.", retryable=True)
    answer({"event": "running", **_public(facts)}, f"already running, pid {facts.pid}, {facts.url}")


_CUSTODY: Final = {
    "keyring": "encrypted with a key in your login keyring",
    "file": "encrypted with a key in a file that only you can read",
    "password": "encrypted with a key that your password opens",
}


def _introduce(facts: Facts) -> None:
    first = " — first run on this machine" if facts.first_run else ""
    lines = [
        f"  Connexa {facts.version}{first}",
        f"  node       up, pid {facts.pid}  ({facts.data})",
        f"  database   {_CUSTODY[facts.custody]}",
        f"  web        {facts.url}  (open it: connexa open)",
    ]
    with Client() as node:
        found = node.get("/api/status")
    lines += [f"  account    {account['address']} · {account['state']} · link {account['link']}" for account in found["accounts"]]
    if not found["accounts"]:
        lines += [
            "",
            "  Register an account:   connexa account create you@your.server",
            "  or add this device to one:  connexa device link you@your.server",
        ]
    answer({"event": "up", **_public(facts)}, *lines)
    _warn(found["warnings"])


def _warn(codes: list[str]) -> None:
    for code in codes:
        warn(f"{_WARNINGS.get(code, 'something is not in order')} [{code}]")


@click.command(cls=Verb)
def down() -> None:
    """Stop your node; what is under way is kept."""
    premises = Premises(options().where)
    facts = premises.facts()
    if facts is None:
        raise NodeDownError
    try:
        with Client() as node:
            node.post("/api/stop")
    except NetworkError:
        os.kill(facts.pid, signal.SIGTERM)  # it holds the lock and does not answer
    limit = time.monotonic() + options().timeout
    while premises.running():
        if time.monotonic() > limit:
            raise NetworkError("node.timeout", f"The node (pid {facts.pid}) has not ended yet.", "Give it longer: --timeout SECONDS")
        time.sleep(_POLL)
    answer({"event": "down", "pid": facts.pid}, f"stopped, pid {facts.pid}")


@click.command(cls=Verb)
def status() -> None:
    """Say how the node, its accounts and their links are."""
    facts = Premises(options().where).facts()
    with Client() as node:
        found = node.get("/api/status")
    if facts is None:
        raise NodeDownError
    lines = [
        f"node   up since {moment(facts.started)}, pid {facts.pid}, {facts.url}",
        f"store  {found['database_bytes'] / 1e6:.1f} MB, {facts.data}",
    ]
    links = {link["account"]: link for link in found["links"]}
    rows = []
    for account in found["accounts"]:
        link = links.get(account["address"], {})
        counts = f"{account['unread']} unread, {account['waiting']} waiting, {account['undecryptable']} could not be opened"
        reason = f"({link['reason']})" if link.get("reason") else ""
        rows.append(
            [account["address"], account["state"], f"link {account['link']} {reason}".strip(), f"{account['devices']} devices", counts]
        )
    answer({**found, "facts": _public(facts)}, *lines, *table(rows), *_histories(found["accounts"]))
    _warn(found["warnings"])


def _histories(accounts: list[dict[str, Any]]) -> list[str]:
    coming = [(one["address"], one["history"]) for one in accounts if one["history"] and not one["history"]["complete"]]
    return [
        f"{address}: the history is still coming, {found['done']} messages are here, {found['left']} to come" for address, found in coming
    ]


@click.command(cls=Verb)
@click.option("--lines", "-n", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many of the newest lines.")
def logs(lines: int) -> None:
    """Show the newest lines of the node's log; it holds no content, keys or addresses."""
    path = Premises(options().where).log
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            newest = list(collections.deque(file, maxlen=lines))
    except FileNotFoundError:
        raise NotFoundError("log.missing", "This profile's node has written no log yet.") from None
    say(str(path))
    answer({"path": str(path), "lines": [line.rstrip("\n") for line in newest]}, *(line.rstrip("\n") for line in newest))
