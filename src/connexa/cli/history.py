"""`connexa device history`, and the bar that shows how the history of a new device comes (product §1, U2, U8)."""

from __future__ import annotations

import time
from typing import Any, Final

import click

from .bar import draw_bar
from .client import Client
from .options import Verb, account_option, options
from .output import answer, say, write_json

__all__ = ["follow_history", "history"]

QUIET_SECONDS: Final = 90.0  # without news: its device is away, and the node goes on asking by itself


@click.command(cls=Verb)
@click.option("--again", is_flag=True, help="Ask for all of it once more; what is here already stays.")
@account_option
def history(again: bool, account: str) -> None:
    """Show how much of the history has come to this device from another one of yours."""
    with Client() as node:
        cursor = node.cursor()
        if again:
            node.post("/api/devices/history", account=account)
        found = node.get("/api/account", account=account)
        if found["history"] is None:
            return answer({"history": None}, "this device was there first: its history is its own")
        if again:
            return follow_history(node, found["address"], cursor)
    return answer(found["history"], _sentence(found["history"]))


def follow_history(node: Client, address: str, cursor: int) -> None:
    """Show the history coming until it is complete; whoever does not want to wait may end this, the node goes on."""
    limit, drawn = time.monotonic() + QUIET_SECONDS, False
    while True:
        found = node.get("/api/account", account=address)["history"]
        if found is None:
            return None
        drawn = _draw(found) or drawn
        if found["complete"] or time.monotonic() > limit:
            break
        for event in node.events(cursor, min(QUIET_SECONDS, options().timeout)):
            cursor = max(cursor, int(event["cursor"]))
            if event["kind"] == "history.progress" and event["account"] == address:
                limit = time.monotonic() + QUIET_SECONDS
    if drawn:
        click.echo(err=True)
    if options().json:
        return write_json({"event": "history", **found})
    return say(f"  {_sentence(found)}")


def _draw(found: dict[str, Any]) -> bool:
    share = found["done"] / max(1, found["done"] + found["left"])
    return draw_bar("history", share, f"{found['done']} messages, {found['left']} to come")


def _sentence(found: dict[str, Any]) -> str:
    if found["complete"]:
        return f"the history is complete: {found['done']} messages"
    return f"{found['done']} messages of the history are here, {found['left']} are still to come; it goes on by itself"
