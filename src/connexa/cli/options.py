"""What every verb understands: the profile, how to talk, how long to wait; given before or after the verb."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from connexa.settings import Paths, paths

__all__ = ["Options", "Verb", "account_option", "everywhere", "options"]

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_TIMEOUT: Final = 30.0


@dataclass(slots=True)
class Options:
    """The flags of one call."""

    profile: str = "default"
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    no_input: bool = False
    given_timeout: float | None = None

    @property
    def timeout(self) -> float:
        """Longest wait for an answer, in seconds."""
        return DEFAULT_TIMEOUT if self.given_timeout is None else self.given_timeout

    @property
    def where(self) -> Paths:
        """The places of the profile."""
        return paths(self.profile, os.environ)

    @property
    def may_ask(self) -> bool:
        """True where somebody can answer a question."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()


def options() -> Options:
    """The flags of the call that is under way."""
    return click.get_current_context().find_root().ensure_object(Options)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    source = context.get_parameter_source(parameter.name or "")
    if source is not None and source is not click.core.ParameterSource.DEFAULT:
        setattr(context.find_root().ensure_object(Options), parameter.name or "", value)


def everywhere(*, hidden: bool) -> list[click.Option]:
    """The options that the program and all its verbs take."""
    kept: dict[str, Any] = {"expose_value": False, "callback": _keep, "hidden": hidden, "is_eager": True}
    variable = None if hidden else "CONNEXA_PROFILE"  # read once: behind a verb it must not win over what stood before it
    return [
        click.Option(["--profile", "-p"], metavar="NAME", envvar=variable, help="Folder of settings and state.", **kept),
        click.Option(["--json"], is_flag=True, help="Answer in JSON.", **kept),
        click.Option(["--quiet", "-q"], is_flag=True, help="Say nothing but the answer.", **kept),
        click.Option(["--verbose", "-v"], is_flag=True, help="Say more.", **kept),
        click.Option(["--no-input"], is_flag=True, help="Ask nothing.", **kept),
        click.Option(
            ["--timeout", "given_timeout"],
            type=click.FloatRange(0.1, 86_400),
            metavar="SECONDS",
            help="Longest wait for the answer.",
            **kept,
        ),
    ]


class Verb(click.Command):
    """A command that takes the options of `everywhere` too; its help leaves them to `connexa --help`."""

    def __init__(self, name: str | None, *, params: Sequence[click.Parameter] | None = None, **attributes: Any) -> None:
        super().__init__(name, params=[*(params or []), *everywhere(hidden=True)], **attributes)


def account_option(command: F) -> F:
    """Let a verb say which account it speaks of."""
    return click.option("--account", default="", envvar="CONNEXA_ACCOUNT", metavar="ADDRESS", help="One of several accounts.")(command)
