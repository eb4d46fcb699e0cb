"""Write the parts of `docs/` that come from the code; `--check` tells whether what is committed is what the code says.

`docs/settings/<program>.toml`: every setting of a program with its comment and its default; `docs/cli.md`: the help of every verb;
`docs/api.json`: the OpenAPI document of the node's local API; `web/src/api/schema.d.ts`: its types, for the web app.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from litestar.di import Provide

from connexa.cli.main import root
from connexa.node.api.app import build_handlers
from connexa.settings import example_toml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TYPES = ROOT / "web" / "src" / "api" / "schema.d.ts"
# The settings struct of each program lives in its room.
STRUCTS = {"node": ("connexa.node.settings", "NodeSettings"), "server": ("connexa.homeserver.settings", "ServerSettings")}
HEAD = """\
# Settings of the program `{program}`, with their defaults. Generated from the code by `make docs`.
# Belongs into config.toml, or into profiles/NAME.toml for one profile; a flag and CONNEXA_{upper}__… win over both.

"""


CLI_HEAD = """\
# The command line

Generated from the code by `make docs`. Every verb takes `--profile/-p`, `--json`, `--quiet/-q`, `--verbose/-v`, `--no-input` and
`--timeout`; answers come on stdout, talk on stderr.

Exit codes: 0 ok, 1 failed, 2 usage, 3 node not running, 4 not found, 5 locked or not allowed, 6 conflict, 7 network, 8 verification
failed, 9 `--wait` timeout, 10 partly done, 130 interrupted.
"""
HELP_WIDTH = 100


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    api = local_api()
    written = {DOCS / "cli.md": command_line(), DOCS / "api.json": api, TYPES: typescript(json.loads(api))}
    for program, (module, name) in STRUCTS.items():
        example = example_toml(getattr(import_module(module), name), program)
        written[DOCS / "settings" / f"{program}.toml"] = HEAD.format(program=program, upper=program.upper()) + example
    return written


def command_line() -> str:
    """The help of every verb."""
    return CLI_HEAD + "".join(f"\n## {path}\n\n```\n{text.rstrip()}\n```\n" for path, text in verbs(root, "connexa", None))


def verbs(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    """A verb and those below it, each with its help."""
    context = click.Context(command, info_name=name, parent=parent, terminal_width=HELP_WIDTH)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None and not found.hidden:
                yield from verbs(found, below, context)


def local_api() -> str:
    """The OpenAPI document."""
    nothing = {name: Provide(lambda: None, sync_to_thread=False) for name in ("node", "access", "stop")}
    return json.dumps(build_handlers(nothing).openapi_schema.to_schema(), indent=1, sort_keys=True) + "\n"


TYPES_HEAD = "// The types of the node's local API. Generated from docs/api.json by `make docs`.\n"
SIMPLE = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def typescript(api: dict[str, Any]) -> str:
    """The API's types, and for each path what it takes and what it answers, as declarations of TypeScript."""
    named = [f"export type {_name(name)} = {_type(schema)};" for name, schema in api["components"]["schemas"].items()]
    calls = {method: sorted(_calls(api["paths"], method)) for method in ("get", "post")}
    maps = [f"export interface {method.title()} {{\n" + "".join(f"  {one};\n" for one in found) + "}" for method, found in calls.items()]
    return TYPES_HEAD + "\n".join([*named, *maps]) + "\n"


def _calls(paths: dict[str, Any], method: str) -> Iterator[str]:
    for path, operations in paths.items():
        if (call := operations.get(method)) is not None:
            taken = [json_type(call["requestBody"])] if "requestBody" in call else []
            if method == "get":
                asked = [one for one in call.get("parameters", ()) if one["in"] == "query"]
                taken = ["{ " + " ".join(f"{one['name']}?: {_type(one['schema'])};" for one in asked) + " }"]
            yield f'"{path}": {{ takes: {taken[0] if taken else "{}"}; answers: {json_type(call["responses"]["200"])} }}'


def json_type(holder: dict[str, Any]) -> str:
    """The type of a body or an answer."""
    return _type(next(iter(holder["content"].values()))["schema"])


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _name(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    if "oneOf" in schema:
        return " | ".join(_type(one) for one in schema["oneOf"])
    if schema.get("type") == "array":
        return f"({_type(schema['items'])})[]"
    if schema.get("type") == "object":
        return _object(schema)
    return SIMPLE[schema["type"]] if "type" in schema else "unknown"


def _object(schema: dict[str, Any]) -> str:
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"Record<string, {_type(values)}>"
    needed = schema.get("required", ())
    fields = (f"{name}{'' if name in needed else '?'}: {_type(field)};" for name, field in schema.get("properties", {}).items())
    return "{ " + " ".join(fields) + " }"


def _name(name: str) -> str:
    """A listing is named after the module of what it lists."""
    return f"Listing{name.rpartition('.')[2].strip('_')}" if name.startswith("Listing_") else name


def main() -> int:
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        print(f"stale: {names}; run make docs" if stale else "the generated pages are what the code says")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
