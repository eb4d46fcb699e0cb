"""`connexa backup`: create, verify, list, schedule, restore."""

from __future__ import annotations

import time
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any, Final

import click

from connexa.node.premises import Premises

from .bar import draw_bar
from .client import Client
from .group import Family
from .options import account_option, options
from .output import answer, clean, moment, say, table, warn
from .secret import read_secret

__all__ = ["backup"]

LONGEST: Final = 3_600.0  # seconds that a long piece of work may take where no other limit was given
LOOK_EVERY: Final = 0.5
WORDS_HELP: Final = "The 24 words: file:PATH, or - for stdin; asked for where it is left out."


@click.group(cls=Family)
def backup() -> None:
    """Backups: encrypted files that bring everything back, with your recovery words."""


@backup.command()
@click.argument("place", metavar="[FILE|DIR]", required=False)
@account_option
def create(place: str | None, account: str) -> None:
    """Make a backup: in the usual directory what has changed since the last one, elsewhere a whole one."""
    made = _work("backup", "/api/backup/create", account=account, place=_absolute(place))
    kind = "whole" if made["whole"] else "increment"
    answer(made, f"backup {made['counter']} ({kind}, {_size(made['bytes'])}): {made['path']}")
    with Client() as node:
        if not node.get("/api/account/recovery", account=account)["confirmed"]:
            say("\n  It opens with your recovery words alone. Write them down:  connexa account recovery show")


@backup.command()
@click.argument("place", metavar="[FILE|DIR]", required=False)
@click.option("--words", metavar="SOURCE", help="Check these words too, in place of those that this device knows: file:PATH or -.")
@account_option
def verify(place: str | None, words: str | None, account: str) -> None:
    """Restore a backup into a store that is thrown away, and count what it holds."""
    text = read_secret(words, "Recovery words") if words is not None else ""
    found = _work("verify", "/api/backup/verify", account=account, place=_absolute(place), words=text)
    answer(found, f"backup {found['counter']} restores: {_counts(found)}", f"  {clean(found['account'])}  {found['fingerprint']}")


@backup.command("list")
@click.argument("place", metavar="[FILE|DIR]", required=False)
@account_option
def list_(place: str | None, account: str) -> None:
    """List the backups of an account, oldest first."""
    with Client() as node:
        found = node.get("/api/backup/files", account=account, place=_absolute(place))
    rows = [
        [str(one["counter"]), moment(one["made"]), "whole" if one["whole"] else "increment", _size(one["bytes"]), one["path"]]
        for one in found["items"]
    ]
    answer(found, *table(rows))
    if not rows:
        say("no backup yet: connexa backup create")


@backup.command()
@account_option
def schedule(account: str) -> None:
    """Show when backups are made by themselves, where, and how the last one went."""
    with Client() as node:
        found = node.get("/api/backup/schedule", account=account)
    every = f"every {found['every'] / 3600:g} hours" if found["active"] else "none by themselves"
    rows = [
        ["  made", f"{every}, whole ones kept: {found['kept']}"],
        ["  where", found["directory"]],
        ["  last", f"number {found['counter']}, {moment(found['made'])}" if found["made"] else "never"],
    ]
    rows += [["  failed", f"{moment(found['failed'])} [{found['failure']}]"]] if found["failed"] else []
    answer(found, *table(rows))
    if not found["active"] and found["every"]:
        say("\n  They begin once your recovery words are confirmed:  connexa account recovery show")
    say("  Settings: backup.directory, backup.every, backup.kept (connexa config schema)")


@backup.command()
@click.argument("place", metavar="FILE|DIR")
@click.option("--words", metavar="SOURCE", help=WORDS_HELP)
def restore(place: str, words: str | None) -> None:
    """Bring an account back from a backup, with this node as its new device; starts the node where it does not run."""
    text = str(click.prompt("Recovery words", err=True)) if words is None and options().may_ask else read_secret(words, "Recovery words")
    if not Premises(options().where).running():
        from .daemon import start  # loads subprocess

        start(options(), {}, None, False)
    found = _work("restore", "/api/backup/restore", place=_absolute(place), words=text)
    answer(found, f"{clean(found['account'])} is back: {_counts(found)}", f"  {found['fingerprint']}")
    if found["newest"] > found["counter"]:
        warn(f"this is backup {found['counter']}, and backup {found['newest']} was made later [backup.old]")
    say("\n  This is a new device of yours, and the primary one; the lost one is shut out.")
    say("  What was sent meanwhile is asked for from your contacts and comes by itself.")


def _work(what: str, path: str, **body: Any) -> Any:
    """Have the node do something long, and show how far it is."""
    drawn = False
    with Client(timeout=options().given_timeout or LONGEST) as worker, Client() as node:
        cursor = node.cursor()
        call: Future[Any] = Future()
        # Not a pool's thread, which would be waited for by whoever interrupts this; the node goes on by itself.
        Thread(target=_ask, args=(call, worker, path, body), daemon=True).start()
        while not call.done():
            for event in node.events(cursor, LOOK_EVERY):
                cursor = max(cursor, int(event["cursor"]))
                if event["kind"] == "backup.progress":
                    drawn = draw_bar(what, event["fields"]["done"], f"{event['fields']['done']:.0%}") or drawn
            time.sleep(0)  # the answer comes on the other thread
        found = call.result()
    if drawn:
        draw_bar(what, 1.0, "100%")
        click.echo(err=True)
    return found


def _ask(call: Future[Any], worker: Client, path: str, body: dict[str, Any]) -> None:
    try:
        call.set_result(worker.post(path, **body))
    except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
        call.set_exception(error)


def _absolute(place: str | None) -> str:
    return str(Path(place).expanduser().absolute()) if place else ""  # the node works in another directory


def _size(number: int) -> str:
    return f"{number / 1e6:.1f} MB" if number >= 100_000 else f"{number / 1e3:.1f} kB"


def _counts(found: dict[str, Any]) -> str:
    return f"{found['contacts']} contacts, {found['conversations']} conversations, {found['messages']} messages"
