"""Settings of a program: TOML files, environment and flags, read into one frozen msgspec struct.

Flag > environment > profile > file > default. The file `config.toml` and each `profiles/NAME.toml` hold one table for each program
(`[node]`, `[server]`); `[node.api] port = 7878` is `CONNEXA_NODE__API__PORT` in the environment. A key that a program does not know is
refused with the nearest one that it does. Each room keeps its own settings struct and reads it here:

    class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
        port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="Port of the local API.")] = 7878

    loaded = load(NodeSettings, "node", paths("default", os.environ), os.environ, {"api.port": "0"})

A text from the environment or a flag is read as the setting's type; a list has its items separated by commas.
"""

from __future__ import annotations

import difflib
import enum
import json
import os
import re
import stat
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec

from connexa.errors import RefusedError, UsageError

__all__ = ["PROGRAMS", "Loaded", "Origin", "Paths", "Setting", "example_toml", "load", "paths", "private_directory"]

PROGRAMS: Final = ("node", "server")
_PROFILE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SOCKET_PATH_MAX: Final = 100  # sun_path holds 104 bytes on some systems, its closing zero among them

S = TypeVar("S", bound=msgspec.Struct)


class Origin(enum.Enum):
    """Where the value of a setting came from, strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    PROFILE = "profile"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value with its origin; `where` is the flag, the variable or the file that set it."""

    key: str
    value: object
    origin: Origin
    where: str


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A program's settings, and for each key in the order of the struct where its value came from."""

    values: S
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """Where one profile keeps its state: two files to read, two directories of its own."""

    file: Path
    profile_file: Path
    data: Path
    runtime: Path

    def socket(self, name: str) -> Path:
        """Path of a unix socket in the runtime directory; refused where the system could not bind it."""
        path = self.runtime / name
        if len(os.fsencode(path)) > _SOCKET_PATH_MAX:
            raise UsageError(
                "settings.path_too_long",
                f"The path of a socket would be longer than {_SOCKET_PATH_MAX} bytes.",
                "Set XDG_RUNTIME_DIR or CONNEXA_HOME to a shorter path.",
            )
        return path


def paths(profile: str, env: Mapping[str, str]) -> Paths:
    """Find a profile's places by XDG; `CONNEXA_HOME` moves all of them."""
    if not _PROFILE.fullmatch(profile):
        raise UsageError("settings.bad_profile", "A profile's name has 1 to 32 of a-z, 0-9 and -, and does not begin with -.")
    if home := env.get("CONNEXA_HOME"):
        root = Path(home).expanduser().absolute()
        config, data, runtime = root / "config", root / "data" / profile, root / "run" / profile
    else:
        config = _xdg(env, "XDG_CONFIG_HOME", ".config") / "connexa"
        data = _xdg(env, "XDG_DATA_HOME", ".local/share") / "connexa" / profile
        runtime_home = env.get("XDG_RUNTIME_DIR", "")
        runtime = Path(runtime_home) / "connexa" / profile if os.path.isabs(runtime_home) else data / "run"
    return Paths(config / "config.toml", config / "profiles" / f"{profile}.toml", data, runtime)


def _xdg(env: Mapping[str, str], name: str, default: str) -> Path:
    value = env.get(name, "")
    return Path(value) if os.path.isabs(value) else Path.home() / default  # XDG: a relative path is to be ignored


def private_directory(path: Path) -> Path:
    """Make `path` with its parents, for its owner alone (0700); refuse a symlink and another person's directory."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise RefusedError("settings.foreign_directory", f"{path} is not a directory of this user.")
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)
    return path


def load(kind: type[S], program: str, where: Paths, env: Mapping[str, str], overrides: Mapping[str, object]) -> Loaded[S]:
    """Read a program's settings; `overrides` are the flags by dotted key. UsageError names the key, its place and what is wrong."""
    leaves = {leaf.key: leaf for leaf in _leaves(kind)}
    layers = [
        (Origin.FLAG, {key: (value, f"--{key}") for key, value in overrides.items()}),
        (Origin.ENVIRONMENT, _from_environment(program, env)),
        (Origin.PROFILE, _from_file(program, where.profile_file, leaves)),
        (Origin.FILE, _from_file(program, where.file, leaves)),
    ]
    for _, layer in layers:
        for key, (_, place) in layer.items():
            if key not in leaves:
                raise _unknown(key, place, leaves)
    found = tuple(_resolve(leaf, layers, program) for leaf in leaves.values())
    return Loaded(_build(kind, "", {setting.key: setting.value for setting in found}), found)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One setting of a struct: its dotted key, its type, its comment and its default."""

    key: str
    type: Any
    comment: str
    default: object


_Layer = Mapping[str, tuple[object, str]]


def _leaves(kind: type[msgspec.Struct], prefix: str = "", base: msgspec.Struct | None = None) -> Iterator[_Leaf]:
    for field in msgspec.structs.fields(kind):
        key = prefix + field.name
        default = getattr(base, field.name) if base is not None else field.default
        if _is_table(field.type):
            yield from _leaves(field.type, f"{key}.", default if isinstance(default, msgspec.Struct) else None)
            continue
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        metas = [meta for meta in getattr(field.type, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
        yield _Leaf(key, field.type, " ".join(meta.description for meta in metas if meta.description), default)


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _from_environment(program: str, env: Mapping[str, str]) -> _Layer:
    prefix = f"CONNEXA_{program.upper()}__"
    return {name.removeprefix(prefix).lower().replace("__", "."): (value, name) for name, value in env.items() if name.startswith(prefix)}


def _from_file(program: str, file: Path, leaves: Mapping[str, _Leaf]) -> _Layer:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("settings.unreadable", f"{file} cannot be read: {type(error).__name__}.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError("settings.malformed", f"{file} is not TOML: {error}.") from None
    for name in document:
        if name not in PROGRAMS:
            raise _unknown(name, str(file), PROGRAMS)
    table = document.get(program, {})
    if not isinstance(table, dict):
        raise UsageError("settings.malformed", f"[{program}] in {file} is not a table.")
    return {key: (value, str(file)) for key, value in _flatten(table, leaves)}


def _flatten(table: Mapping[str, object], leaves: Mapping[str, _Leaf], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        key = prefix + name
        if isinstance(value, dict) and key not in leaves:
            yield from _flatten(value, leaves, f"{key}.")
        else:
            yield key, value


def _unknown(key: str, place: str, known: Mapping[str, _Leaf] | Sequence[str]) -> UsageError:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return UsageError("settings.unknown", f"There is no setting {key} ({place}).", f"Did you mean {near[0]}?" if near else "")


def _resolve(leaf: _Leaf, layers: Sequence[tuple[Origin, _Layer]], program: str) -> Setting:
    for origin, layer in layers:
        if leaf.key in layer:
            value, place = layer[leaf.key]
            return Setting(leaf.key, _convert(leaf, value, origin, place), origin, place)
    if leaf.default is msgspec.NODEFAULT:
        raise UsageError("settings.missing", f"The setting {program}.{leaf.key} has no value.", leaf.comment)
    return Setting(leaf.key, leaf.default, Origin.DEFAULT, "")


def _convert(leaf: _Leaf, value: object, origin: Origin, place: str) -> object:
    text = isinstance(value, str) and origin in (Origin.FLAG, Origin.ENVIRONMENT)
    if text and _holds_many(leaf.type):
        value = [item.strip() for item in str(value).split(",") if item.strip()]
    try:
        return msgspec.convert(value, leaf.type, strict=not text, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise UsageError("settings.bad_value", f"{leaf.key} ({place}): {error}.", leaf.comment) from None


def _holds_many(kind: Any) -> bool:
    plain = typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind
    return typing.get_origin(plain) in (list, tuple, frozenset)


def _path(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise TypeError(f"settings hold no {kind.__name__}")


def _build(kind: type[S], prefix: str, values: Mapping[str, object]) -> S:
    fields = msgspec.structs.fields(kind)
    inner = {f.name: _build(f.type, f"{prefix}{f.name}.", values) if _is_table(f.type) else values[prefix + f.name] for f in fields}
    try:
        return kind(**inner)
    except ValueError as error:  # a struct's own __post_init__: two settings that contradict each other
        raise UsageError("settings.contradiction", f"{error}") from None


def example_toml(kind: type[msgspec.Struct], program: str) -> str:
    """Write the example file of a program: every setting with its comment and its default, commented out."""
    lines: list[str] = []
    table = None
    for leaf in sorted(_leaves(kind), key=lambda leaf: leaf.key.rpartition(".")[0]):
        parent, _, name = f"{program}.{leaf.key}".rpartition(".")
        if parent != table:
            table = parent
            lines += ["", f"[{table}]"]
        lines += [f"# {leaf.comment}"] if leaf.comment else []
        lines.append(f"# {name} = {_toml(leaf.default)}")
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml(value: object) -> str:
    match value:
        case msgspec.NODEFAULT:
            return "  (required)"
        case None:
            return "  (not set)"
        case bool() | int() | float() | str():
            return json.dumps(value)
        case list() | tuple() | frozenset():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case enum.Enum():
            return _toml(value.value)
    return json.dumps(str(value))
