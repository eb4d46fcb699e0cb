"""`connexa invite`: let somebody in without a request."""

from __future__ import annotations

import click

from .client import Client
from .group import Family
from .options import account_option
from .output import answer, moment, say, table
from .secret import SECRET_HELP, read_secret

__all__ = ["invite"]


@click.group(cls=Family)
def invite() -> None:
    """Invites: whoever has yours becomes a contact at once."""


@invite.command()
@click.option("--uses", type=click.IntRange(1, 1000), default=1, show_default=True, help="For how many people.")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="For how long.")
@account_option
def create(uses: int, days: int, account: str) -> None:
    """Make an invite, to be handed over on a way that you trust."""
    with Client() as node:
        found = node.post("/api/invites/create", account=account, uses=uses, days=days)
    answer(found, found["text"])
    say(f"\n  good for {uses}, until {moment(found['expires'])}. They paste it after typing:  connexa invite accept")


@invite.command()
@click.argument("text", metavar="[SOURCE]", required=False)
@account_option
def accept(text: str | None, account: str) -> None:
    """Take an invite that you were given."""
    secret = read_secret(text, "Invite")
    with Client() as node:
        found = node.post("/api/invites/accept", account=account, text=secret)
    answer(found, f"{found['address']} · {found['state']}")


accept.help = f"{accept.help} SOURCE: {SECRET_HELP}."


@invite.command("list")
@account_option
def list_(account: str) -> None:
    """List the invites that you gave out."""
    with Client() as node:
        found = node.get("/api/invites", account=account)
    rows = [
        [one["id"], f"{one['left']} of {one['uses']} left", f"until {moment(one['expires'])}", "revoked" if one["revoked"] else ""]
        for one in found["items"]
    ]
    answer(found, *table(rows))


@invite.command()
@click.argument("invite")
@account_option
def revoke(invite: str, account: str) -> None:
    """Make an invite worthless."""
    with Client() as node:
        node.post("/api/invites/revoke", account=account, invite=invite)
    answer({"invite": invite}, f"revoked {invite}")
