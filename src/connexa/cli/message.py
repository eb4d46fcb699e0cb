"""`connexa msg`: single messages."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, segment
from .device import confirm
from .files import follow
from .group import Family
from .options import account_option
from .output import answer, clean, moment, table
from .reading import message_lines
from .send import words_given

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
@click.option("--everywhere", is_flag=True, help="At everybody who has it; only what you have said yourself.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def delete(message: str, everywhere: bool, yes: bool, account: str) -> None:
    """Delete a message on all your devices, or everywhere."""
    confirm(yes, f"Delete the message {message} {'everywhere' if everywhere else 'on all your devices'}?")
    with Client() as node:
        node.post("/api/messages/delete", account=account, message=message, everywhere=everywhere)
    answer({"message": message}, f"deleted {message}")


@msg.command()
@click.argument("message")
@click.argument("text")
@click.option("--markup", is_flag=True, help="TEXT is typed with marks: **bold**, *italic*, ~~strike~~, ||spoiler||, `code`.")
@account_option
def edit(message: str, text: str, markup: bool, account: str) -> None:
    """Word a message of yours anew, for everybody; TEXT is - for stdin."""
    words = words_given(text)
    with Client() as node:
        found = node.post("/api/messages/edit", account=account, message=message, text=words, markup=markup)
    answer(found, *message_lines(found))


@msg.command()
@click.argument("message")
@click.argument("emoji", required=False, default="")
@account_option
def react(message: str, emoji: str, account: str) -> None:
    """Say what you think of a message by an EMOJI; without one, take that back."""
    with Client() as node:
        found = node.post("/api/messages/react", account=account, message=message, emoji=emoji)
    answer(found, *message_lines(found))


@msg.command()
@click.argument("message")
@click.argument("to")
@account_option
def forward(message: str, to: str, account: str) -> None:
    """Say what a message says to somebody else; not who has said it."""
    with Client() as node:
        found = node.get(f"/api/message/{segment(message)}", account=account)["message"]
        if found["attachments"]:
            sent = follow(node, account, node.post("/api/files/forward", account=account, message=message, to=to))
        else:
            sent = node.post("/api/messages/forward", account=account, message=message, to=to)
    answer(sent, f"{sent['state']}  {sent['id']}")


@msg.command()
@click.argument("message")
@account_option
def thread(message: str, account: str) -> None:
    """Show where a conversation about something began, and all that was answered."""
    with Client() as node:
        found = node.get(f"/api/message/{segment(message)}/thread", account=account)
    answer(found, *(line for one in found["items"] for line in message_lines(one)))


@msg.command()
@click.argument("message")
@account_option
def versions(message: str, account: str) -> None:
    """Show all wordings of a message, the first one first."""
    with Client() as node:
        found = node.get(f"/api/message/{segment(message)}/versions", account=account)
    answer(found, *(line for one in found["items"] for line in _version(one)))


def _version(one: dict[str, Any]) -> list[str]:
    return [moment(one["at"]), *(f"  {line}" for line in clean(one["text"]).split("\n"))]
