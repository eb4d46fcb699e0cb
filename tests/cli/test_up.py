"""The node's life through the command line, with real processes: up, up again, status, down, and every first run that fails."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

Run = Callable[..., "Ended"]


class Ended:
    """A call that ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        assert found["v"] == 1
        return found

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.err)["error"]
        return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    offline = {"CONNEXA_NODE__DISCOVERY__DNS": "false", "CONNEXA_NODE__DISCOVERY__WELL_KNOWN": "false"}
    env = {**os.environ, **offline, "CONNEXA_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2] / "src")}

    def call(*words: str, stdin: str = "", json_too: bool = True) -> Ended:
        command = [sys.executable, "-m", "connexa.cli", *(["--json"] if json_too else []), *words]
        return Ended(subprocess.run(command, env=env, input=stdin, capture_output=True, text=True, timeout=60, check=False))

    yield call
    call("down")


def files(home: Path) -> list[Path]:
    return sorted(home.parent.rglob("*"))


def test_the_life_of_a_node(run: Run, home: Path) -> None:
    up = run("up", "--port", "0", "--key-file")
    assert up.code == 0, up.err
    assert up.data["event"] == "up"
    assert up.data["first_run"] is True
    assert (home / "data" / "default" / "node.db").stat().st_mode & 0o077 == 0
    again = run("up", "--port", "0", json_too=False)
    assert again.code == 0
    assert again.out == f"already running, pid {up.data['pid']}, {up.data['url']}\n"
    status = run("status")
    assert (status.code, status.data["facts"]["pid"]) == (0, up.data["pid"])
    assert run("account", "list").data["items"] == []
    assert run("send", "bob@b.example", "hi").code in (4, 5)  # no account yet
    assert run("contact", "requests", "list").code in (4, 5)
    down = run("down")
    assert (down.code, down.data["pid"]) == (0, up.data["pid"])
    assert run("status").code == 3
    assert run("down").code == 3
    second = run("up", "--port", "0")
    assert second.data["first_run"] is False
    log = run("logs").data["lines"]
    assert sum("node.up" in line for line in log) == 2


def test_sigterm_ends_it_in_order(run: Run) -> None:
    pid = run("up", "--port", "0", "--key-file").data["pid"]
    os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + 10
    while run("status").code != 3:
        assert time.monotonic() < limit
    assert any("node.down" in line for line in run("logs").data["lines"])


def test_a_killed_node_starts_again(run: Run) -> None:
    first = run("up", "--port", "0", "--key-file").data
    os.kill(first["pid"], signal.SIGKILL)
    limit = time.monotonic() + 10
    while run("status").code != 3:
        assert time.monotonic() < limit
    second = run("up", "--port", "0")
    assert second.code == 0, second.err
    assert second.data["pid"] != first["pid"]


def test_a_port_in_use_is_one_line_and_leaves_nothing(run: Run, home: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        before = files(home)
        for words in (("up",), ("up", "--foreground")):
            failed = run(*words, "--key-file", "--port", str(held.getsockname()[1]))
            assert (failed.code, failed.error["code"], failed.out) == (6, "port.in_use", "")
            assert failed.err.count("\n") == 1
        assert files(home) == before


def test_a_password_locks_the_database(run: Run, tmp_path: Path) -> None:
    (tmp_path / "right").write_text("correct horse\n")
    (tmp_path / "wrong").write_text("battery staple\n")
    assert run("up", "--port", "0", "--password-file", str(tmp_path / "right")).data["custody"] == "password"
    run("down")
    missing = run("up", "--port", "0")
    assert (missing.code, missing.error["code"]) == (5, "store.password_needed")
    wrong = run("up", "--port", "0", "--password-file", str(tmp_path / "wrong"))
    assert (wrong.code, wrong.error["code"]) == (5, "store.locked")
    assert run("up", "--port", "0", "--password-file", "-", stdin="correct horse\n").code == 0


def test_a_directory_of_somebody_else_is_refused(run: Run, home: Path) -> None:
    home.mkdir()
    (home / "data").write_text("in the way")
    failed = run("up", "--port", "0", "--key-file")
    assert failed.code != 0
    assert failed.err.count("\n") == 1
    assert files(home) == [home, home / "data"]


def test_the_disk_is_full_at_the_first_run(home: Path) -> None:
    """A file may not grow beyond a few blocks, as on a full disk."""
    program = (
        "import resource, signal, sys, connexa.node.program; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384));"
        "from connexa.cli import main; sys.exit(main(['--json', 'up', '--foreground', '--port', '0', '--key-file']))"
    )
    env = {**os.environ, "CONNEXA_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    failed = Ended(subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60, check=False))
    assert failed.code == 1
    assert failed.error["code"] == "store.full"
    assert not home.exists()


def test_the_api_of_a_real_node_keeps_its_door(run: Run) -> None:
    up = run("up", "--port", "0", "--key-file").data
    token = Path(up["token_file"]).read_text()
    own = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=up["url"]) as web:
        assert web.get("/").status_code == 200
        assert web.get("/api/status").status_code == 401
        assert web.get("/api/status", headers=own).status_code == 200
        assert web.get("/api/status", headers={**own, "host": "evil.example"}).status_code == 400
        assert web.get("/api/status", headers={**own, "origin": "http://evil.example"}).status_code == 403
        assert web.post("/api/messages/send", headers={**own, "content-type": "text/plain"}, content="{}").status_code == 415
        assert web.post("/api/messages/send", headers=own, json={"to": "a@b.example", "text": "x" * 300_000}).status_code == 413
        key = run("open", "--print").data["url"].partition("#k=")[2]
        login = web.post("/api/account/login", json={"key": key})
        browser = {"authorization": f"Bearer {login.json()['token']}"}
        assert web.get("/api/status", headers=browser).status_code == 200  # with the cookie from the jar
        web.cookies.clear()
        assert web.get("/api/status", headers=browser).status_code == 401
        assert web.post("/api/account/login", json={"key": key}).status_code == 401
    assert token not in "".join(run("logs").data["lines"])
