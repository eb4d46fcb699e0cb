"""`connexa dev`: for developers."""

from __future__ import annotations

import click

from .group import Family

__all__ = ["dev"]


@click.group(cls=Family)
def dev() -> None:
    """For developers, and for a first look."""


@dev.command()
@click.option("--once", is_flag=True, help="End after the round trip instead of staying up.")
def demo(once: bool) -> int:
    """Two homeservers, two people with two devices each, on this machine alone: messages cross, and you see what each party saw."""
    from .demo import run_demo  # needed by this verb alone

    return run_demo(once=once)
