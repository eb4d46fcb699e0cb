"""Write the parts of `docs/` that come from the code; `--check` tells whether what is committed is what the code says.

Today: `docs/settings/<program>.toml`, every setting of a program with its comment and its default.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from connexa.settings import example_toml

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "settings"
# The settings struct of each program lives in its room.
STRUCTS = {"node": ("connexa.node.settings", "NodeSettings"), "server": ("connexa.homeserver.settings", "ServerSettings")}
HEAD = """\
# Settings of the program `{program}`, with their defaults. Generated from the code by `make docs`.
# Belongs into config.toml, or into profiles/NAME.toml for one profile; a flag and CONNEXA_{upper}__… win over both.

"""


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    written = {}
    for program, (module, name) in STRUCTS.items():
        example = example_toml(getattr(import_module(module), name), program)
        written[TARGET / f"{program}.toml"] = HEAD.format(program=program, upper=program.upper()) + example
    return written


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
