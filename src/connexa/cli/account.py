"""`connexa account`: create, show, list, set, export, and what `recovery` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from connexa.errors import ConflictError

from .client import Client
from .group import Family
from .options import account_option, options
from .output import answer, say, table
from .recovery import recovery
from .secret import SECRET_HELP, read_secret

__all__ = ["account"]


@click.group(cls=Family)
def account() -> None:
    """Your accounts: who you are, and at which homeserver."""


@account.command()
@click.argument("address")
@click.option("--invite", metavar="SOURCE", help=f"The homeserver's invite: {SECRET_HELP}.")
@click.option("--open", "is_open", is_flag=True, help="The homeserver takes everybody: ask for no invite.")
@click.option("--name", default="", help="Name that your contacts are shown.")
def create(address: str, invite: str | None, is_open: bool, name: str) -> None:
    """Register ADDRESS; your keys are made on this device."""
    secret = None if is_open else read_secret(invite, "Invite of the homeserver", required=False)
    with Client() as node:
        made = node.post("/api/account/create", address=address, invite=secret, name=name)
    answer(made, *_lines(made))
    say("\n  Talk to somebody:          connexa send them@their.server 'Hello'")
    say("  or give them an invite:    connexa invite create")
    say("  Write down your recovery words now:  connexa account recovery show")


def _lines(one: dict[str, Any]) -> list[str]:
    rows = [
        ["address", one["address"]],
        ["name", one["name"]],
        ["identity", one["fingerprint"]],
        ["device", f"{one['device'][:16]}…{' (primary)' if one['primary'] else ''}, one of {one['devices']}"],
        ["state", f"{one['state']}, link {one['link']}"],
    ]
    return table([[f"  {key}", value] for key, value in rows if value])


@account.command("list")
def list_() -> None:
    """List the accounts of this node."""
    with Client() as node:
        found = node.get("/api/accounts")
    answer(found, *table([[one["address"], one["state"], f"link {one['link']}", one["name"]] for one in found["items"]]))
    if not found["items"]:
        say("no account yet: connexa account create you@your.server")


@account.command()
@account_option
def show(account: str) -> None:
    """Show an account with its fingerprint."""
    with Client() as node:
        found = node.get("/api/account", account=account)
    answer(found, *_lines(found))


@account.command("set")
@click.option("--name", required=True, help="Name that your contacts are shown.")
@account_option
def set_(name: str, account: str) -> None:
    """Change an account's name."""
    with Client() as node:
        found = node.post("/api/account/set", account=account, name=name)
    answer(found, *_lines(found))


@account.command()
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a new file instead of the terminal.")
@account_option
def export(output: Path | None, account: str) -> None:
    """Write the account's OpenPGP certificate; it holds public keys alone."""
    with Client() as node:
        found = node.get("/api/account/export", account=account)
    if output is None:
        return answer(found, found["certificate"].rstrip("\n"))
    try:
        with output.open("x", encoding="ascii") as file:
            file.write(found["certificate"])
    except FileExistsError:
        raise ConflictError("file.exists", f"{output} exists already.") from None
    if not options().quiet:
        answer({"path": str(output)}, str(output))
    return None


account.add_command(recovery)
