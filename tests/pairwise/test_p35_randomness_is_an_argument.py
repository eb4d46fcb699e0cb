"""P35: randomness is an argument everywhere; programs pass the operating system's, and nothing but a test can pass another."""

from __future__ import annotations

import ast
import os
from functools import cache
from pathlib import Path
from unittest.mock import patch

from connexa.crypto import system_random
from connexa.pairwise import encrypt
from tests.pairwise.world import acquainted

SOURCES = {"random", "secrets", "uuid"}
ENTRIES = {
    *("cli/homeserver.py", "cli/life.py", "cli/recovery.py", "cli/server.py", "cli/server_backup.py", "homeserver/reading.py"),
    *("mls/group.py", "mls/lifecycle.py"),
    *("mls/conformance/basics.py", "mls/conformance/protection.py", "mls/conformance/trees.py"),
}
"""Where a program begins, or the face asks for words at random: the randomness of the operating system. `testing` is the kit for tests.
The library of groups, which is used alone too, has it as a default; its conformance runner is a program."""


@cache
def _modules(root: Path) -> dict[str, ast.Module]:
    source = root / "src/connexa"
    paths = [path for path in source.rglob("*.py") if "wire/v1" not in str(path)]
    return {str(path.relative_to(source)): ast.parse(path.read_text()) for path in paths}


def _imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def _names(tree: ast.Module) -> set[str]:
    """Every name and attribute that a module uses."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return used | {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_p35_no_module_has_a_source_of_its_own(root: Path) -> None:
    modules = _modules(root)
    assert len(modules) > 150
    calls = {"urandom", "getrandom", "SystemRandom"}
    drawing = {name for name, tree in modules.items() if _imports(tree) & SOURCES or _names(tree) & calls}
    assert {name for name in drawing if not name.startswith("testing/")} == {"crypto/_hash.py"}


def test_p35_only_where_a_program_begins_is_the_systems_randomness_taken(root: Path) -> None:
    users = {name for name, tree in _modules(root).items() if "system_random" in _names(tree)}
    assert {name for name in users if not name.startswith("crypto/")} == ENTRIES


def test_p35_every_other_argument_called_rng_is_handed_on(root: Path) -> None:
    """No value of another name stands where randomness is an argument, and no default but the system's."""
    for name, tree in _modules(root).items():
        if name.startswith("testing/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "rng":
                        last = keyword.value.attr if isinstance(keyword.value, ast.Attribute) else getattr(keyword.value, "id", "")
                        assert last.lstrip("_") in {"rng", "system_random"}, f"{name}:{node.lineno}"
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named = [*node.args.posonlyargs, *node.args.args]
                defaults = dict(zip([a.arg for a in named][len(named) - len(node.args.defaults) :], node.args.defaults, strict=True))
                defaults |= {a.arg: d for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None}
                assert getattr(defaults.get("rng"), "id", "system_random") == "system_random", f"{name}:{node.lineno}"


def test_p35_the_systems_randomness_is_urandom() -> None:
    with patch.object(os, "urandom", lambda length: b"u" * length):
        assert system_random(5) == b"uuuuu"
    assert system_random(32) != system_random(32)


def test_p35_no_testing_kit_is_in_a_program(root: Path) -> None:
    for name, tree in _modules(root).items():
        if name.startswith("testing/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("connexa.testing"), name
            elif isinstance(node, ast.Import):
                assert not any(alias.name.startswith("connexa.testing") for alias in node.names), name


def test_p35_protocol_rooms_have_no_clock_and_no_other_outside(root: Path) -> None:
    allowed = {"crypto/_hash.py": {"os"}}
    for name, tree in _modules(root).items():
        if name.startswith(("crypto/", "pairwise/", "content/")):
            outside = _imports(tree) & {"os", "random", "secrets", "uuid", "time", "socket", "asyncio"}
            assert outside <= allowed.get(name, set()), name


def test_p35_the_same_randomness_gives_the_same_message() -> None:
    alice, _ = acquainted()
    session = alice.sessions.sessions[0]
    assert encrypt(session, b"x", bytes)[1] == encrypt(session, b"x", bytes)[1]
