"""`connexa conv`: conversations as a whole."""

from __future__ import annotations

from typing import Any

import click

from .client import Client, segment
from .device import confirm
from .group import Family
from .options import account_option
from .output import answer, moment, table

__all__ = ["conv"]


@click.group(cls=Family)
def conv() -> None:
    """Conversations; each is named by its id, an address or a contact."""


@conv.command("list")
@click.option("--archived", is_flag=True, help="Those that were put away.")
@account_option
def list_(archived: bool, account: str) -> None:
    """List conversations, newest first."""
    with Client() as node:
        found = node.get("/api/conversations", account=account, archived=archived)
    answer(found, *table([_row(one) for one in found["items"]]))


def _row(one: dict[str, Any]) -> list[str]:
    marks = [word for word, holds in (("muted", one["muted"]), ("archived", one["archived"])) if holds]
    at = moment(one["last"]["received"]) if one["last"] else ""
    return [one["id"][:16], one["title"], one["state"], f"{one['unread']} unread", at, " ".join(marks)]


@conv.command()
@click.argument("conversation")
@account_option
def show(conversation: str, account: str) -> None:
    """Show a conversation's facts; `connexa read` shows its messages."""
    with Client() as node:
        found = node.get(f"/api/conversations/{segment(conversation)}", account=account)
    answer(found, *table([_row(found)]))


@conv.command()
@click.argument("conversation")
@click.option("--undo", is_flag=True, help="Let it speak again.")
@account_option
def mute(conversation: str, undo: bool, account: str) -> None:
    """Silence a conversation."""
    with Client() as node:
        found = node.post("/api/conversations/mute", account=account, conversation=conversation, muted=not undo)
    answer(found, *table([_row(found)]))


@conv.command()
@click.argument("conversation")
@click.option("--undo", is_flag=True, help="Take it back.")
@account_option
def archive(conversation: str, undo: bool, account: str) -> None:
    """Put a conversation away."""
    with Client() as node:
        found = node.post("/api/conversations/archive", account=account, conversation=conversation, archived=not undo)
    answer(found, *table([_row(found)]))


@conv.command()
@click.argument("conversation")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def delete(conversation: str, yes: bool, account: str) -> None:
    """Delete a conversation on this device."""
    confirm(yes, f"Delete the conversation {conversation} on this device?")
    with Client() as node:
        node.post("/api/conversations/delete", account=account, conversation=conversation)
    answer({"conversation": conversation}, f"deleted {conversation}")
