"""The house itself: generated code is fresh, locks name no host, rooms keep their order, no secret lies in the tree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

SECRET_NAMES = re.compile(r"(^|/)(id_[a-z0-9]+|.*\.(pem|key|token|db|db-wal|sqlite3?|p12|pfx))$")
SECRET_LINES = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\r?\n[A-Za-z0-9+/=]{16}")


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[str]:
    listed = run(root, "git", "ls-files", "-z")
    if listed.returncode:
        pytest.skip("this is not a git checkout")
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def test_the_generated_wire_code_is_what_the_proto_files_say(root: Path) -> None:
    checked = run(root, sys.executable, "scripts/generate_wire.py", "--check")
    assert checked.returncode == 0, checked.stdout


def test_the_web_app_was_built_from_its_sources(root: Path) -> None:
    checked = run(root, sys.executable, "scripts/web_build.py", "--check")
    assert checked.returncode == 0, checked.stdout


def test_the_lock_of_the_web_app_pins_by_hash_and_names_no_registry(root: Path) -> None:
    packages = json.loads((root / "web" / "package-lock.json").read_text())["packages"]
    installed = [entry for name, entry in packages.items() if name and not entry.get("inBundle")]  # a bundle is pinned as a whole
    assert len(installed) > 20
    assert all(entry["integrity"].startswith("sha512-") and "resolved" not in entry for entry in installed)


def test_every_room_imports_only_rooms_above_it(root: Path) -> None:
    checked = run(root, str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache")
    assert checked.returncode == 0, checked.stdout


def test_every_room_has_its_face(root: Path) -> None:
    """Without an `__init__.py` a folder is no package, and the import rule would not look inside."""
    folders = {module.parent for module in (root / "src" / "connexa").rglob("*.py")}
    assert [str(folder.relative_to(root)) for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_pins_by_hash_and_names_no_host(root: Path, name: str) -> None:
    text = (root / name).read_text()
    assert not re.search(r"[a-z]+://", text)
    pinned = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^]]*\])?==\S+.*(?:\n +.*)*", text, re.M)
    assert len(pinned) > 20
    assert all("--hash=sha256:" in entry for entry in pinned)
    assert len(pinned) == len(re.findall(r"^[^ #\n]", text, re.M))


def test_the_locks_hold_what_the_project_asks_for_and_agree(root: Path) -> None:
    def versions(name: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (root / name).read_text(), re.M))

    project = tomllib.loads((root / "pyproject.toml").read_text())
    asked = {re.split(r"[<>=\[]", line)[0] for line in project["project"]["dependencies"]}
    runtime, dev = versions("requirements.lock"), versions("requirements-dev.lock")
    assert asked | {"hatchling", "editables"} <= runtime.keys()
    assert runtime.items() <= dev.items()


def test_no_file_looks_like_a_secret(root: Path, tracked: list[str]) -> None:
    assert [name for name in tracked if SECRET_NAMES.search(name)] == []
    assert [name for name in tracked if SECRET_LINES.search((root / name).read_bytes())] == []


def test_no_file_names_this_checkout(root: Path, tracked: list[str]) -> None:
    if len(root.parts) < 3:
        pytest.skip("the checkout's path is too short to mean anything in a text")
    here = str(root).encode()
    assert [name for name in tracked if here in (root / name).read_bytes()] == []


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(root: Path, tmp_path: Path, tracked: list[str]) -> None:
    built = run(root, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    listed = run(root, sys.executable, "-m", "zipfile", "-l", str(wheel)).stdout
    names = {line.split()[0] for line in listed.splitlines()[1:]}
    inside = {name for name in names if ".dist-info/" not in name}
    assert {name.removeprefix("src/") for name in tracked if name.startswith("src/connexa/")} <= inside
    assert {name.partition("/")[0] for name in inside} == {"connexa"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
