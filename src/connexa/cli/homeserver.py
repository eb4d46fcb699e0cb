"""What the verbs of `connexa server` stand on: the profile's homeserver, its settings, its admin socket, its password."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import click

from connexa.crypto import system_random
from connexa.errors import NotFoundError, RefusedError, UsageError
from connexa.homeserver.admin_client import AdminClient
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.settings import ServerSettings
from connexa.settings import load
from connexa.store import load_key

from .options import options
from .secret import ask_password, read_file

__all__ = ["admin", "given_password", "open_store_key", "password_options", "segment", "server_settings", "size"]

F = TypeVar("F", bound=Callable[..., Any])


def password_options(command: F) -> F:
    """Give a verb the options of the password that locks the database."""
    command = click.option("--password-file", metavar="PATH", help="Read the password from a file, or - for stdin.")(command)
    return click.option("--password", "ask", is_flag=True, help="Ask for the password that locks the database.")(command)


def given_password(ask: bool, file: str | None, *, new: bool) -> str | None:
    """The password by those options, or None where none was given."""
    if file is not None:
        text = sys.stdin.readline() if file == "-" else read_file(Path(file), "The password")
        return text.rstrip("\r\n")
    return ask_password(new=new) if ask else None


def server_settings(ports: dict[str, int] | None = None) -> ServerSettings:
    """This profile's settings, with the ports of the command line; NotFoundError where it has no homeserver."""
    overrides = {f"{name}.port": str(port) for name, port in (ports or {}).items()}
    try:
        return load(ServerSettings, "server", options().where, os.environ, overrides).values
    except UsageError as error:
        if error.code != "settings.missing":
            raise
        raise NotFoundError(
            "server.not_initialised", "This profile has no homeserver yet.", "Make one with: connexa server init YOUR.DOMAIN"
        ) from None


def admin() -> AdminClient:
    """Calls to the running homeserver."""
    return AdminClient(ServerPremises(options().where).socket(server_settings()), options().timeout)


def segment(text: str) -> str:
    """A part of a path of the admin API."""
    return quote(text, safe="")


def size(count: int) -> str:
    """Bytes as a person reads them."""
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 1_000 and len(units) > 1:
        amount, units = amount / 1_000, units[1:]
    return f"{amount:.0f} {units[0]}" if units[0] == "B" else f"{amount:.1f} {units[0]}"


def open_store_key(premises: ServerPremises, password: str | None) -> bytes:
    """The key of the database that is there; a password that it needs is asked for."""
    if server_settings().store:
        raise RefusedError("store.elsewhere", "This homeserver's data is in PostgreSQL.", "Use its own tools, such as pg_dump.")
    if not premises.database.exists():
        raise NotFoundError(
            "server.not_initialised", "This profile has no homeserver yet.", "Make one with: connexa server init YOUR.DOMAIN"
        )
    try:
        return load_key(premises.data, system_random, password=password)[0]
    except RefusedError as error:
        if error.code != "store.password_needed" or not options().may_ask:
            raise
        return load_key(premises.data, system_random, password=ask_password(new=False))[0]
