"""Looks for the demo's messages where they must not be: in every file of every program, logs and databases among them."""

from __future__ import annotations

import base64
import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Searched", "search_files"]


class Searched(NamedTuple):
    """How much was searched, and the files in which something was found."""

    files: int
    bytes: int
    hits: list[str]


def search_files(roots: Iterable[Path], texts: Iterable[str]) -> Searched:
    """Search all files below `roots` for the texts as they are, as UTF-16, in hex and in Base64 at each of its three offsets."""
    needles = [needle for text in texts for needle in _shapes(text)]
    files = [path for root in roots for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    hits = [str(path) for path in files if path.stat().st_size and _holds(path, needles)]
    return Searched(len(files), sum(path.stat().st_size for path in files), hits)


def _shapes(text: str) -> Iterator[bytes]:
    plain = text.encode()
    yield from (plain, text.encode("utf-16-le"), plain.hex().encode(), plain.hex().upper().encode())
    for offset in range(3):
        shifted = base64.b64encode(b"\0" * offset + plain)
        yield shifted[4 * bool(offset) + bool(offset) : -4]  # without what its neighbours decide


def _holds(path: Path, needles: list[bytes]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(needle) >= 0 for needle in needles)
