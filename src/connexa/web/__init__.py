"""The web app as it was built from `web/`, for the node to serve: a handful of files, each under its exact path.

The built files lie in `dist/` beside this module, in the repository and in the wheel: no installation needs Node.js (decision 0031).
There is no look-up in a file system by a name that a request carries, so no path can lead out of it.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from connexa.crypto import sha256

__all__ = ["WebFile", "load_app"]

INDEX: Final = "index.html"
KINDS: Final = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the app: as it is, compressed, and under a tag that changes with it."""

    kind: str
    body: bytes
    packed: bytes
    tag: str


def load_app() -> Mapping[str, WebFile]:
    """The files by the path that a browser asks for; the page itself is `/`."""
    found: dict[str, WebFile] = {}
    _collect(files(__name__) / "dist", "/", found)
    found["/"] = found.pop(f"/{INDEX}")
    return found


def _collect(folder: Traversable, path: str, found: dict[str, WebFile]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{path}{entry.name}/", found)
        elif (kind := KINDS.get(entry.name.rpartition(".")[2])) is not None:
            body = entry.read_bytes()
            found[path + entry.name] = WebFile(kind, body, gzip.compress(body, mtime=0), f'"{sha256(body).hex()[:32]}"')
