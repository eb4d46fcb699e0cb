"""What is fuzzed: a name, some honest frames to start from, the function that reads them, and how it may refuse."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import tests.fuzz


@dataclass(frozen=True, slots=True)
class Target:
    """One parser. `codes` are the code strings of its refusals; `read` may also check properties of what it accepts by `assert`."""

    name: str
    seeds: tuple[bytes, ...]
    read: Callable[[bytes], object]
    codes: frozenset[str]


def all_targets() -> tuple[Target, ...]:
    """Every target of this package, by name."""
    found: list[Target] = []
    for module in pkgutil.iter_modules(tests.fuzz.__path__):
        if module.name not in {"__main__"} and not module.name.startswith("test_"):
            found += getattr(importlib.import_module(f"{tests.fuzz.__name__}.{module.name}"), "TARGETS", ())
    if len({target.name for target in found}) != len(found):
        raise ValueError("two fuzz targets have one name")
    return tuple(sorted(found, key=lambda target: target.name))
