"""Note from which sources `src/connexa/web/dist` was built; `--check` tells whether they are those of this checkout.

`make web` calls it after the build. The built files are committed, because no installation needs Node.js (decision 0031); this note is
how a machine without Node.js notices that they are stale. Declarations of types leave nothing in a build and are not counted.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
NOTE = ROOT / "src" / "connexa" / "web" / "dist" / "BUILD.json"
PLAIN = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def sources() -> Iterator[Path]:
    """Everything that a build reads, in order."""
    yield from (WEB / name for name in PLAIN)
    for folder in ("public", "src"):
        yield from sorted(path for path in (WEB / folder).rglob("*") if path.is_file() and not path.name.endswith(".d.ts"))


def digest() -> str:
    """One hash over the names and the contents of all sources."""
    found = hashlib.sha256()
    for path in sources():
        content = path.read_bytes()
        found.update(f"{path.relative_to(WEB).as_posix()}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


def main() -> int:
    wanted = json.dumps({"sources": digest()}) + "\n"
    if "--check" not in sys.argv:
        NOTE.write_text(wanted)
        return 0
    fresh = NOTE.is_file() and NOTE.read_text() == wanted
    print("the web app was built from these sources" if fresh else "src/connexa/web/dist is stale; run make web")
    return 0 if fresh else 1


if __name__ == "__main__":
    sys.exit(main())
