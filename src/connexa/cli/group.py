"""Groups of verbs: loaded when they are called, with other words for common verbs, and the nearest verb for a typo."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from .options import Verb, everywhere

__all__ = ["Family", "LazyFamily"]

OTHER_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ls": ("list",),
    "new": ("create",),
    "add": ("create",),
    "rm": ("remove", "delete", "revoke"),
    "del": ("delete", "remove", "revoke"),
    "delete": ("remove", "revoke"),
    "remove": ("delete", "revoke"),
    "mv": ("rename",),
    "info": ("show",),
    "start": ("up",),
    "stop": ("down",),
    "message": ("msg",),
    "messages": ("msg",),
    "conversation": ("conv",),
    "conversations": ("conv",),
    "contacts": ("contact",),
    "accounts": ("account",),
    "devices": ("device",),
    "invites": ("invite",),
    "request": ("requests",),
}


class Family(click.Group):
    """A group whose commands are verbs."""

    command_class = Verb

    def __init__(self, name: str | None = None, *, top: bool = False, **attributes: Any) -> None:
        attributes["params"] = [*(attributes.get("params") or []), *everywhere(hidden=not top)]
        super().__init__(name, **attributes)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a verb by its name or by another word for it; else name the nearest."""
        names = self.list_commands(ctx)
        word = args[0]
        if word not in names:
            word = next((other for other in OTHER_WORDS.get(word, ()) if other in names), word)
        command = self.get_command(ctx, word)
        if command is None:
            near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            raise click.UsageError(f"There is no `{ctx.command_path} {word}`.{hint}", ctx)
        return word, command, args[1:]


class LazyFamily(Family):
    """A group that imports a verb's module when the verb is called; its help needs none of them."""

    def __init__(self, name: str, verbs: Mapping[str, tuple[str, str]], **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs, in the order of the story."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb."""
        if cmd_name not in self._verbs:
            return None
        module, _, attribute = self._verbs[cmd_name][0].partition(":")
        found = getattr(import_module(f"connexa.cli.{module}"), attribute)
        if not isinstance(found, click.Command):
            raise TypeError(f"{module}:{attribute} is no command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs with their sentences."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in self._verbs.items()])
