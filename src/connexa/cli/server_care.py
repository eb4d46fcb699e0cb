"""`connexa server reload`, `stats`, `audit` and `canary`: look after a homeserver that runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from connexa.errors import UsageError

from .group import Family
from .homeserver import admin, size
from .options import Verb, options
from .output import answer, clean, moment, say, table

__all__ = ["audit", "canary", "reload", "stats"]


@click.command(cls=Verb)
def reload() -> None:
    """Let the running homeserver read its settings anew, and show a new certificate; links stay open.

    Limits, registration, blocked domains and the token of /metrics change at once; the rest needs a restart.
    """
    with admin() as running:
        found = running.call("POST", "/v1/reload")
    lines = [f"changed         {key}" for key in found["changed"]] + [f"after a restart  {key}" for key in found["after_restart"]]
    answer(found, *(lines or ["nothing has changed"]))


@click.command(cls=Verb)
@click.option("--top", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many accounts, those with most first.")
def stats(top: int) -> None:
    """Say how many bytes are kept, in all and for each account."""
    with admin() as running:
        found = running.call("GET", "/v1/stats")
    rows = [["ACCOUNT", "DEVICES", "WAITING", "MAIL", "KEYS", "WELCOMES", "SEEN"]]
    rows += [_row(account) for account in found["accounts"][:top]]
    totals = [
        ["mailboxes", size(found["mailbox_bytes"])],
        ["for other domains", size(found["queue_bytes"])],
        ["groups", size(found["group_bytes"])],
        ["database", size(found["database_bytes"])],
    ]
    answer(found, *table(rows), "", *table(totals))


def _row(account: dict[str, Any]) -> list[str]:
    kept = [size(account[name]) for name in ("mailbox_bytes", "key_bytes", "welcome_bytes")]
    seen = moment(account["last_seen"]).partition(" ")[0] if account["last_seen"] else "never"
    return [account["address"], str(account["devices"]), str(account["messages"]), *kept, seen]


@click.command(cls=Verb)
@click.option("--last", type=click.IntRange(1, 1_000), default=50, show_default=True, help="How many acts, the newest first.")
@click.option("--before", type=click.IntRange(1), default=None, help="Only acts before the one with this number.")
def audit(last: int, before: int | None) -> None:
    """List what administrators did here, the newest first."""
    with admin() as running:
        found = running.call("GET", f"/v1/audit?limit={last}&before={before or 0}")
    rows = [[str(one["id"]), moment(one["at"]), one["who"], one["act"], one["about"]] for one in found["items"]]
    answer(found, *table(rows))
    if not rows:
        say("nothing was done yet")


@click.group(cls=Family)
def canary() -> None:
    """The statement that no secret order has come: dated, signed, published, and stale unless you renew it."""


@canary.command()
def show() -> None:
    """Show the newest statement."""
    with admin() as running:
        _tell(running.call("GET", "/v1/canary"))


@canary.command()
@click.option("--statement", type=click.Path(path_type=Path), metavar="FILE", help="Say this instead of the usual words; - for stdin.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it is good.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def renew(statement: Path | None, days: int, yes: bool) -> None:
    """Sign a new statement; only where it is true."""
    said = "" if statement is None else sys.stdin.read() if str(statement) == "-" else _text_of(statement)
    if not yes:
        if not options().may_ask:
            raise UsageError("confirmation.missing", "This publishes a statement in your name.", "Say --yes.")
        click.echo(said or "The usual words: no secret order, no key or database handed over, no way in that is not published.", err=True)
        click.confirm("Is that true today?", abort=True, err=True)
    with admin() as running:
        _tell(running.call("POST", "/v1/canary", {"statement": said, "days": days}))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("file.unreadable", f"{file} cannot be read ({type(error).__name__}).") from None


def _tell(found: dict[str, Any]) -> None:
    answer(found, clean(found["statement"]), f"  said {moment(found['issued'])}, good until {moment(found['expires'])}")
