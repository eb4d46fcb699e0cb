"""`connexa open`: the web app of this node, in a browser that may use it."""

from __future__ import annotations

import os
import sys
import webbrowser
from html import escape
from typing import Final

import click

from connexa.node.premises import Premises

from .client import Client, NodeDownError
from .options import Verb, options
from .output import answer, say

__all__ = ["open_app"]

_PAGE: Final = '<!doctype html><meta charset="utf-8"><title>Connexa</title><meta http-equiv="refresh" content="0; url={url}">\n'


@click.command("open", cls=Verb)
@click.option("--print", "only_print", is_flag=True, help="Open no browser, only print the link.")
def open_app(only_print: bool) -> None:
    """Open the web app, by a link that is good once and for a minute."""
    premises = Premises(options().where)
    facts = premises.facts()
    if facts is None:
        raise NodeDownError
    with Client() as node:
        made = node.post("/api/account/key")
    url = f"{facts.url}#k={made['key']}"
    opened = not only_print and _has_screen() and _show(premises, url)
    answer({"url": url, "expires": made["expires"], "opened": opened}, "opened in your browser" if opened else url)
    if not opened:
        say("  Open this link in a browser on this machine within a minute; it is good once.")


def _has_screen() -> bool:
    """Whether there is anything that a browser could draw on; one in a terminal runs no app."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _show(premises: Premises, url: str) -> bool:
    """Lead a browser to the link by a page that only this person can read: its command line is seen by everybody on the machine."""
    page = premises.door(_PAGE.format(url=escape(url)).encode())
    try:
        return webbrowser.open(page.as_uri())
    except webbrowser.Error:
        return False
