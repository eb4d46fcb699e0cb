"""`connexa msg`: single messages."""

from __future__ import annotations

import click

from .client import Client, segment
from .device import confirm
from .group import Family
from .options import account_option
from .output import answer, moment, table
from .reading import message_lines

__all__ = ["msg"]


@click.group(cls=Family)
def msg() -> None:
    """Single messages, by id."""


@msg.command()
@click.argument("message")
@account_option
def show(message: str, account: str) -> None:
    """Show a message."""
    with Client() as node:
        found = node.get(f"/api/message/{segment(message)}", account=account)
    answer(found["message"], *message_lines(found["message"]))


@msg.command()
@click.argument("message")
@account_option
def info(message: str, account: str) -> None:
    """Tell what became of a message: when, by which way, and at which device; in a group, who says to have it and to have read it."""
    with Client() as node:
        found = node.get(f"/api/message/{segment(message)}", account=account)
    states = [[state, moment(at)] for state, at in sorted(found["states"].items(), key=lambda item: item[1])]
    people = [[f"  {one['address']}", one["name"], one["state"] or "-", moment(one["at"]) if one["at"] else ""] for one in found["people"]]
    devices = [[f"  {one['device'][:16]}", one["name"], one["state"], moment(one["at"])] for one in found["devices"]]
    way = [f"by {found['path']}"] if found["path"] else []
    answer(found, *table(states), *way, *table(devices), *table(people))


@msg.command()
@click.argument("message")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def delete(message: str, yes: bool, account: str) -> None:
    """Delete a message on all your devices."""
    confirm(yes, f"Delete the message {message} on all your devices?")
    with Client() as node:
        node.post("/api/messages/delete", account=account, message=message)
    answer({"message": message}, f"deleted {message}")
