"""`connexa server reload`, `stats` and `audit`: look after a homeserver that runs."""

from __future__ import annotations

from typing import Any

import click

from .homeserver import admin, size
from .options import Verb
from .output import answer, moment, say, table

__all__ = ["audit", "reload", "stats"]


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
