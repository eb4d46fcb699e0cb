"""What is committed as built is what the sources build, byte for byte."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

DIST = Path("src/connexa/web/dist")
NOTE = "BUILD.json"  # of the sources; compared by tests/house


def node_version() -> tuple[int, ...]:
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except FileNotFoundError:
        return (0,)
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != NOTE}


@pytest.mark.slow
def test_a_build_of_the_sources_is_what_is_committed(root: Path, tmp_path: Path) -> None:
    if node_version() < (20, 19) or not (root / "web" / "node_modules" / "vite").exists():
        pytest.skip("needs Node.js 20.19 and the tools of the web app (make web)")
    env = {**os.environ, "CONNEXA_WEB_OUT": str(tmp_path / "dist")}
    command = ["npx", "--no-install", "vite", "build", "--logLevel", "error"]
    built = subprocess.run(command, cwd=root / "web", env=env, capture_output=True, text=True, timeout=240, check=False)
    assert built.returncode == 0, built.stderr
    assert files(tmp_path / "dist") == files(root / DIST)
