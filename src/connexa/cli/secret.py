"""Passwords, invites and codes: from a prompt, a file or stdin, never from the command line, which everybody on a machine can read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from connexa.errors import UsageError

from .options import options

__all__ = ["SECRET_HELP", "ask_password", "read_secret"]

SECRET_HELP: Final = "file:PATH, or - for stdin; asked for where it is left out"
_SECRET_MAX: Final = 8192


def read_secret(source: str | None, what: str, *, required: bool = True) -> str | None:
    """Read a secret from `file:PATH`, from stdin (`-`), or from a prompt where nothing was named."""
    if source is None:
        if options().may_ask:
            return str(click.prompt(what, hide_input=True, err=True)).strip()
        if not required:
            return None
        raise UsageError("secret.missing", f"{what}: nothing was given.", "Give it as file:PATH, or as - on stdin.")
    if source == "-":
        return _only(sys.stdin.read(_SECRET_MAX), what)
    if source.startswith("file:"):
        return _only(read_file(Path(source.removeprefix("file:")), what), what)
    raise UsageError(
        "secret.in_arguments",
        f"{what} is a secret, and the arguments of a program can be read by others on this machine.",
        "Leave it out to be asked, or use file:PATH, or - for stdin.",
    )


def read_file(path: Path, what: str) -> str:
    """Read a small file that holds a secret."""
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            return file.read(_SECRET_MAX)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("secret.unreadable", f"{what} cannot be read from {path} ({type(error).__name__}).") from None


def _only(text: str, what: str) -> str:
    secret = text.strip()
    if not secret:
        raise UsageError("secret.missing", f"{what}: that is empty.")
    return secret


def ask_password(*, new: bool) -> str:
    """Ask for the password of the database."""
    if not options().may_ask:
        raise UsageError("secret.missing", "The password cannot be asked for here.", "Give it by --password-file PATH, or - for stdin.")
    return str(click.prompt("Password of the database", hide_input=True, confirmation_prompt=new, err=True))
