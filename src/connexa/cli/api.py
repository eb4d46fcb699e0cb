"""`connexa api`: how other programs and browsers reach the node."""

from __future__ import annotations

import click
import msgspec

from connexa.node.premises import Premises

from .client import Client, NodeDownError
from .group import Family
from .options import options
from .output import answer, say

__all__ = ["api"]


@click.group(cls=Family)
def api() -> None:
    """The node's local API."""


@api.command()
def token() -> None:
    """Name the file that holds the token, and where it is good."""
    facts = Premises(options().where).facts()
    if facts is None:
        raise NodeDownError
    answer({"token_file": facts.token_file, "url": facts.url}, facts.token_file)
    say(f'  curl -H "Authorization: Bearer $(cat {facts.token_file})" {facts.url}api/status')


@api.command()
def schema() -> None:
    """Print the OpenAPI description."""
    with Client() as node:
        found = node.get("/api/schema")
    answer({"schema": found}, msgspec.json.format(msgspec.json.encode(found)).decode())
