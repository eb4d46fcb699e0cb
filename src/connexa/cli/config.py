"""`connexa config`: settings, where each comes from, and where they are written."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Final

import click
import msgspec

from connexa.errors import NotFoundError
from connexa.settings import Loaded, example_toml, load

from .group import Family
from .options import options
from .output import answer, table

__all__ = ["config"]

_STRUCTS: Final = {"node": ("connexa.node.settings", "NodeSettings"), "server": ("connexa.homeserver.settings", "ServerSettings")}
program_option = click.option("--program", type=click.Choice(list(_STRUCTS)), default="node", show_default=True, help="Whose settings.")


@click.group(cls=Family)
def config() -> None:
    """Settings. A flag wins over the environment, over the profile's file, over config.toml, over the default."""


def _struct(program: str) -> type[msgspec.Struct]:
    module, name = _STRUCTS[program]
    found: type[msgspec.Struct] = getattr(import_module(module), name)
    return found


def _load(program: str) -> Loaded[Any]:
    return load(_struct(program), program, options().where, os.environ, {})


@config.command("list")
@program_option
@click.option("--origin", is_flag=True, help="Where each value comes from.")
def list_(program: str, origin: bool) -> None:
    """List all settings with their values."""
    found = _load(program).settings
    items = [{"key": one.key, "value": _plain(one.value), "origin": one.origin.value, "where": one.where} for one in found]
    rows = [[one.key, _text(one.value), *([one.origin.value, one.where] if origin else [])] for one in found]
    answer({"items": items}, *table(rows))


def _plain(value: object) -> Any:
    return msgspec.to_builtins(value, enc_hook=str)


def _text(value: object) -> str:
    plain = _plain(value)
    return "" if plain is None else msgspec.json.encode(plain).decode() if not isinstance(plain, str) else plain


@config.command()
@click.argument("key")
@program_option
def get(key: str, program: str) -> None:
    """Show one setting, such as api.port."""
    for one in _load(program).settings:
        if one.key == key.removeprefix(f"{program}."):
            return answer({"key": one.key, "value": _plain(one.value), "origin": one.origin.value, "where": one.where}, _text(one.value))
    raise NotFoundError("settings.unknown", f"There is no setting {key}.", "connexa config list")


@config.command()
def path() -> None:
    """Name the files and directories of this profile."""
    where = options().where
    found = {"file": where.file, "profile_file": where.profile_file, "data": where.data, "runtime": where.runtime}
    answer({name: str(place) for name, place in found.items()}, *table([[name, str(place)] for name, place in found.items()]))


@config.command()
@program_option
def schema(program: str) -> None:
    """Print an example file: every setting with its comment and its default."""
    text = example_toml(_struct(program), program)
    answer({"program": program, "example": text}, text.rstrip("\n"))
