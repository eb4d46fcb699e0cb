"""`connexa version` and `connexa completion`."""

from __future__ import annotations

import platform

import click
from click.shell_completion import get_completion_class

from connexa import __version__
from connexa.errors import UsageError

from .options import Verb
from .output import answer

__all__ = ["completion", "version"]


@click.command(cls=Verb)
def version() -> None:
    """Name the version of Connexa and of Python."""
    found = {"version": __version__, "python": platform.python_version(), "protocol": "1"}
    answer(found, f"connexa {__version__} (protocol 1, Python {platform.python_version()})")


@click.command(cls=Verb)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes `connexa` in a shell, to be sourced there."""
    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError("shell.unknown", f"There is no completion for {shell}.")
    root = click.get_current_context().find_root().command
    source = kind(root, {}, "connexa", "_CONNEXA_COMPLETE").source()
    answer({"shell": shell, "script": source}, source)
