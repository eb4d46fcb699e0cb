"""How the command line speaks: answers on stdout, talk on stderr, and both as JSON where asked (product §3)."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec

from connexa.errors import ConnexaError

from .options import options

__all__ = ["answer", "clean", "complain", "moment", "plain", "say", "table", "warn", "write_json"]


def answer(value: Mapping[str, Any] | msgspec.Struct, *lines: str) -> None:
    """Give the answer: the object in JSON, else the lines."""
    if options().json:
        write_json(value)
    else:
        for line in lines:
            click.echo(line)


def write_json(value: Mapping[str, Any] | msgspec.Struct, *, err: bool = False) -> None:
    """Write one object with its version on one line."""
    plain = msgspec.to_builtins(value)
    click.echo(msgspec.json.encode({"v": 1, **plain}).decode(), err=err)


def say(line: str) -> None:
    """Talk to whoever watches."""
    if not options().quiet and not options().json:
        click.echo(line, err=True)


def warn(line: str) -> None:
    """Talk of something that is not in order."""
    if not options().json:
        click.echo(f"{click.style('warning', fg='yellow')}: {line}", err=True)


def plain() -> bool:
    """True where no colour is wanted, though a terminal could show it."""
    return bool(os.environ.get("NO_COLOR"))


def complain(error: ConnexaError, *, as_json: bool) -> None:
    """Say what went wrong, on stderr."""
    if as_json:
        body = {"code": error.code, "message": error.message, "hint": error.hint, "retryable": error.retryable}
        write_json({"error": body}, err=True)
        return
    click.echo(f"{click.style('error', fg='red')}: {error}", err=True, color=False if plain() else None)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)


def clean(text: str) -> str:
    """What others wrote, without the control characters that steer a terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}" for character in text)


def moment(at: float) -> str:
    """A time of today as hour and minute, an older one with its date."""
    then, now = time.localtime(at), time.localtime()
    return time.strftime("%H:%M" if then[:3] == now[:3] else "%Y-%m-%d %H:%M", then)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))] if cells else []
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
