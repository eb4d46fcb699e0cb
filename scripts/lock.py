"""Pin every dependency with hashes: `requirements.lock` to run Connexa, `requirements-dev.lock` to work on it.

One lock serves Python 3.11 to 3.13 and every platform (universal markers), names no registry, and keeps what is pinned
already unless a package is named to be upgraded: `python scripts/lock.py --upgrade-package cryptography`, or `--upgrade`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"requirements.lock": "build", "requirements-dev.lock": "dev"}
OPTIONS = [
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
    "--quiet",
]


def lock(name: str, group: str, extra: list[str]) -> int:
    """Resolve the project with one dependency group into the lock file `name`; the number of packages pinned."""
    command = [find_uv_bin(), "pip", "compile", "pyproject.toml", "--group", group, "--output-file", name, *OPTIONS, *extra]
    if name != "requirements.lock":
        command += ["--constraint", "requirements.lock"]  # both locks agree on what they share
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    text = (ROOT / name).read_text()
    if re.search(r"https?://", text):
        raise SystemExit(f"{name} names a registry host")
    return len(re.findall(r"^[a-z0-9]", text, re.M))


def main() -> None:
    for name, group in LOCKS.items():
        print(f"{name}: {lock(name, group, sys.argv[1:])} packages")


if __name__ == "__main__":
    main()
