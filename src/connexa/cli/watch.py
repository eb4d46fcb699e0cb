"""`connexa watch`: the node's events as they come; in JSON one object a line, from a cursor on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import click

from connexa.errors import NotFoundError

from .client import POLL_SECONDS, Client, segment
from .group_news import group_words
from .options import Verb, account_option, options
from .output import clean, say, write_json
from .reading import message_lines, waiting_line

__all__ = ["watch"]

_CODES: Final = {
    "request.new": "somebody asks: connexa contact requests list",
    "device.changed": "your devices changed: connexa device list",
}

_CHANGES: Final = {"edit": "worded anew", "reaction": "reaction", "withdrawal": "deleted everywhere"}


@click.command(cls=Verb)
@click.argument("conversation", required=False)
@click.option("--after", type=click.IntRange(0), help="Begin behind this cursor; left out: now.")
@click.option("--count", type=click.IntRange(1), help="End after so many.")
@account_option
def watch(conversation: str | None, after: int | None, count: int | None, account: str) -> None:
    """Show messages and what becomes of yours, until Ctrl-C."""
    with Client() as node:
        wanted = node.get(f"/api/conversations/{segment(conversation)}", account=account)["id"] if conversation else None
        own = node.get("/api/account", account=account)["address"] if account else None
        cursor = node.cursor() if after is None else after
        say("waiting; Ctrl-C ends this")
        follow(node, cursor, count, lambda event: _is_wanted(event, wanted, own))


def _is_wanted(event: dict[str, Any], conversation: str | None, account: str | None) -> bool:
    return (conversation is None or event["fields"].get("conversation") == conversation) and account in (None, event["account"])


def follow(node: Client, cursor: int, count: int | None, wanted: Callable[[dict[str, Any]], bool]) -> None:
    """Show events until there were enough; a cursor behind what the node keeps begins at its oldest."""
    shown = 0
    while True:
        for event in node.events(cursor, POLL_SECONDS):
            cursor = int(event["cursor"])
            if not wanted(event):
                continue
            _show(node, event)
            shown += 1
            if shown == count:
                return


def _show(node: Client, event: dict[str, Any]) -> None:
    fields = event["fields"]
    message = None
    if event["kind"] == "message.new":
        message = node.get(f"/api/message/{segment(str(fields['id']))}", account=event["account"])["message"]
    if options().json:
        return write_json({**event, "message": message} if message else event)
    for line in _message(node, event, message) if message else [_line(node, event)]:
        click.echo(line)
    return None


def _message(node: Client, event: dict[str, Any], message: dict[str, Any]) -> list[str]:
    head, *lines = message_lines(message, str(event["fields"].get("trust", "")))
    group = _group(node, event)
    return [head + (f"  in {clean(group)}" if group else ""), *lines]


def _group(node: Client, event: dict[str, Any]) -> str:
    """The name of the group that an event is about; empty where it is about none."""
    place = segment(str(event["fields"].get("conversation", "")))
    try:
        conversation = node.get(f"/api/conversations/{place}", account=event["account"])
    except NotFoundError:  # gone meanwhile
        return ""
    return str(conversation["title"]) if conversation["group"] else ""


def _line(node: Client, event: dict[str, Any]) -> str:
    kind, fields = event["kind"], event["fields"]
    if words := group_words(kind, fields):
        return clean(f"  {_group(node, event)}: {words}")
    if kind == "message.changed":
        return f"  {_CHANGES.get(str(fields.get('what')), 'changed')}: {fields.get('id', '')}"
    if kind == "message.state":
        return f"  {fields.get('state', '')}: {fields.get('id', '')}"
    if kind == "message.missing":
        wait = {"device": str(fields["device"]), "missing": fields["missing"], "unopened": 1, "asked": time.time()}
        return f"  {waiting_line(str(fields['address']), wait)}"
    known = _CODES.get(kind)
    return clean(known or f"  {kind} {' '.join(str(value) for value in fields.values())}")
