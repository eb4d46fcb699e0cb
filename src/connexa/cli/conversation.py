"""`connexa conv`: conversations as a whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from connexa.errors import UsageError

from .client import Client, segment
from .device import confirm
from .export import FORMATS
from .export import export as write_export
from .group import Family
from .options import account_option
from .output import answer, clean, moment, table
from .times import duration, seconds_of

__all__ = ["conv"]

_TEXT_MAX: Final = 65_536


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
    marks = [word for word in ("pinned", "favourite", "muted", "archived", "draft") if one[word]]
    at = moment(one["last"]["received"]) if one["last"] else ""
    return [one["id"][:16], one["title"], one["state"], one["trust"], f"{one['unread']} unread", at, " ".join(marks)]


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
@click.option("--undo", is_flag=True, help="Let it stand among the others again.")
@account_option
def pin(conversation: str, undo: bool, account: str) -> None:
    """Let a conversation stand above the others."""
    with Client() as node:
        found = node.post("/api/conversations/pin", account=account, conversation=conversation, pinned=not undo)
    answer(found, *table([_row(found)]))


@conv.command()
@click.argument("conversation")
@click.option("--undo", is_flag=True, help="Take it out again.")
@account_option
def favour(conversation: str, undo: bool, account: str) -> None:
    """Keep a conversation among the favourites."""
    with Client() as node:
        found = node.post("/api/conversations/favour", account=account, conversation=conversation, favourite=not undo)
    answer(found, *table([_row(found)]))


@conv.command()
@click.argument("conversation")
@click.argument("text", required=False)
@click.option("--subject", default="", help="A mail's subject.")
@click.option("--clear", is_flag=True, help="Throw the draft away.")
@account_option
def draft(conversation: str, text: str | None, subject: str, clear: bool, account: str) -> None:
    """Show what is typed and not sent yet, on whichever of your devices, or keep TEXT there; - reads it from stdin."""
    if clear and text is not None:
        raise UsageError("draft.unclear", "Either keep a draft or throw it away.")
    with Client() as node:
        if clear or text is not None:
            words = sys.stdin.read(_TEXT_MAX).removesuffix("\n") if text == "-" else text or ""
            found = node.post("/api/conversations/draft", account=account, conversation=conversation, text=words, subject=subject)
        else:
            found = node.get(f"/api/conversations/{segment(conversation)}", account=account)
    lines = [clean(part) for part in (found["draft_subject"], found["draft"]) if part]
    answer(found, *(lines or ["there is no draft"]))


@conv.command()
@click.argument("conversation")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), default="json", show_default=True, help="How it is written.")
@click.option("--to", "place", type=click.Path(path_type=Path), required=True, help="A file (maildir: a folder) that is not there.")
@account_option
def export(conversation: str, kind: str, place: Path, account: str) -> None:
    """Write a whole conversation where other programs read it."""
    with Client() as node:
        about = node.get(f"/api/conversations/{segment(conversation)}", account=account)
        count = write_export(node, account, about, kind, place)
    answer({"path": str(place), "messages": count}, f"{count} messages in {place}")


@conv.command()
@click.argument("conversation")
@click.argument("after")
@account_option
def expire(conversation: str, after: str, account: str) -> None:
    """Let what is said from now on disappear AFTER so long, for everybody: 30s, 5m, 8h, 7d; off ends it."""
    with Client() as node:
        found = node.post("/api/conversations/timer", account=account, conversation=conversation, seconds=seconds_of(after))
    answer(found, f"messages disappear after {duration(found['timer'])}" if found["timer"] else "messages stay")


@conv.command()
@click.argument("conversation")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_option
def delete(conversation: str, yes: bool, account: str) -> None:
    """Delete a conversation on all your devices."""
    confirm(yes, f"Delete the conversation {conversation} on all your devices?")
    with Client() as node:
        node.post("/api/conversations/delete", account=account, conversation=conversation)
    answer({"conversation": conversation}, f"deleted {conversation}")
