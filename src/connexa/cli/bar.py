"""A bar that shows how far something long is, drawn over itself where somebody watches."""

from __future__ import annotations

import sys
from typing import Final

import click

from .options import options
from .output import plain

__all__ = ["draw_bar"]

LENGTH: Final = 30


def draw_bar(what: str, share: float, words: str = "") -> bool:
    """Draw it on stderr; False where nobody watches."""
    if options().json or options().quiet or not sys.stderr.isatty():
        return False
    full = round(LENGTH * max(0.0, min(share, 1.0)))
    bar = click.style("━" * full, fg=None if plain() else "green") + "─" * (LENGTH - full)
    click.echo(f"\r  {what}  {bar}  {words} \x1b[K", nl=False, err=True)
    return True
