"""`connexa doctor`: what is in order and what is not, one line for each check."""

from __future__ import annotations

import click

from .client import Client
from .options import Verb
from .output import answer, say

__all__ = ["doctor"]

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command(cls=Verb)
def doctor() -> int:
    """Check the node, its database and its accounts; exit code 1 where something is broken. Names nobody: it may be copied anywhere."""
    with Client() as node:
        found = node.get("/api/doctor")
    lines = []
    for check in found["checks"]:
        verdict = click.style(f"{check['verdict'].upper():8}", fg=_COLOURS[check["verdict"]])
        about = f"account {check['account']} " if check["account"] else ""
        lines.append(f"{verdict} {about}{check['name']}: {check['text']}")
        if check["hint"]:
            lines.append(f"{'':8}   {check['hint']}")
    answer(found, *lines)
    if found["verdict"] == "ok":
        say("all is well")
    return 1 if found["verdict"] == "error" else 0
