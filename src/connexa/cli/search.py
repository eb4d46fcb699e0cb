"""`connexa search`: what was said, wherever."""

from __future__ import annotations

from typing import Any

import click

from .client import Client
from .options import Verb, account_option
from .output import answer, clean, moment, say

__all__ = ["search"]


@click.command(cls=Verb)
@click.argument("query", nargs=-1, required=True)
@click.option("--newest", is_flag=True, help="The newest first, not the best.")
@click.option("--limit", "-n", type=click.IntRange(1, 200), default=20, show_default=True, help="How many.")
@click.option("--older", type=int, help="Go on from the page before.")
@account_option
def search(query: tuple[str, ...], newest: bool, limit: int, older: int | None, account: str) -> None:
    """Find messages and mail: words, beginnings with *, "phrases", from:WHO in:WHERE has:WHAT before:DAY after:DAY.

    has: takes link, mail, file, image, video, audio, voice, mention; a day is written like 2026-11-30.
    """
    with Client() as node:
        found = node.get("/api/search", account=account, q=" ".join(query), newest=newest, limit=limit, older=older)
    answer(found, *(line for one in found["items"] for line in _lines(one)))
    if not found["items"]:
        say("nothing was found")
    if found["older"] is not None:
        say(f"there is more: --older {found['older']}")
    if not found["complete"]:
        say("the index is still being made: some messages are not in it yet")


def _lines(one: dict[str, Any]) -> list[str]:
    message = one["message"]
    who = "you" if message["mine"] else message["sender"]
    head = click.style(f"{moment(message['sent'])}  {who}  {message['id']}", bold=True)
    subject = [click.style(f"  {clean(message['subject'])}", underline=True)] if message["subject"] else []
    return [head, *subject, f"  {'…' if one['cut'] else ''}{_marked(one)}"]


def _marked(one: dict[str, Any]) -> str:
    """The snippet on one line, with what was looked for standing out."""
    parts, at = [], 0
    for match in one["matches"]:
        if match["start"] >= at:
            end = match["start"] + match["length"]
            parts += [clean(one["snippet"][at : match["start"]]), click.style(clean(one["snippet"][match["start"] : end]), reverse=True)]
            at = end
    return "".join([*parts, clean(one["snippet"][at:])]).replace("\n", " ")
