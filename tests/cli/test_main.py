"""The command line itself: exit codes, JSON on both streams, typos, and secrets that must not be arguments (product §3)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from connexa.cli import main
from connexa.cli.main import VERBS, root
from connexa.cli.output import clean
from connexa.cli.reading import waiting_line


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONNEXA_HOME", str(tmp_path))
    return tmp_path


class Said:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main(words)
        captured = self._capsys.readouterr()
        return code, captured.out, captured.err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


def error(err: str) -> dict[str, Any]:
    found = json.loads(err)
    assert found["v"] == 1
    inside: dict[str, Any] = found["error"]
    assert set(inside) == {"code", "message", "hint", "retryable"}
    return inside


def test_version_answers_on_stdout(run: Said) -> None:
    code, out, err = run("version", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["v"] == 1
    assert run("--version")[0] == 0


@pytest.mark.parametrize(
    "words", [["--json", "status"], ["status", "--json"], ["send", "a@b.example", "hi", "--json"], ["contact", "--json", "list"]]
)
def test_without_a_node_the_exit_code_is_3(run: Said, words: list[str]) -> None:
    code, out, err = run(*words)
    assert (code, out) == (3, "")
    assert error(err)["code"] == "node.down"


@pytest.mark.parametrize(
    ("words", "near"),
    [(["sned"], "send"), (["contact", "lst"], "list"), (["contact", "requests", "acept"], "accept"), (["acount"], "account")],
)
def test_a_typo_names_the_nearest(run: Said, words: list[str], near: str) -> None:
    code, out, err = run(*words, "--json")
    assert (code, out) == (2, "")
    assert error(err)["code"] == "usage.wrong"
    assert f"`{near}`" in error(err)["message"]


@pytest.mark.parametrize("words", [["contact", "ls"], ["conv", "rm", "x", "--yes"], ["invite", "new"], ["messages", "info", "x"], ["stop"]])
def test_other_words_are_understood(run: Said, words: list[str]) -> None:
    assert run(*words)[0] == 3  # understood, and no node is there


@pytest.mark.parametrize(
    "words", [["send"], ["status", "--nonsense"], ["up", "--port", "70000"], ["send", "a@b.example", "x", "--wait", "never"]]
)
def test_a_wrong_call_ends_with_2(run: Said, words: list[str]) -> None:
    code, out, err = run(*words, "--json")
    assert (code, out) == (2, "")
    assert error(err)["code"] == "usage.wrong"


@pytest.mark.parametrize(
    "words", [["invite", "accept", "secret"], ["device", "approve", "secret"], ["account", "create", "a@b.example", "--invite", "secret"]]
)
def test_a_secret_is_no_argument(run: Said, words: list[str]) -> None:
    code, out, err = run(*words, "--json")
    assert (code, out) == (2, "")
    assert error(err)["code"] == "secret.in_arguments"
    assert "secret" not in error(err)["hint"]


def test_a_secret_comes_from_a_file(run: Said, home: Path) -> None:
    (home / "code").write_text("something\n")
    assert run("device", "approve", f"file:{home}/code")[0] == 3
    assert run("device", "approve", f"file:{home}/none")[0] == 2
    (home / "empty").write_text("\n")
    assert run("device", "approve", f"file:{home}/empty")[0] == 2


@pytest.mark.parametrize("words", [["conv", "delete", "x"], ["device", "revoke", "x"], ["contact", "remove", "x"], ["msg", "delete", "x"]])
def test_what_cannot_be_undone_is_asked(run: Said, words: list[str]) -> None:
    code, _, err = run(*words, "--json", "--no-input")
    assert code == 5
    assert error(err)["code"] == "confirm.needed"


def test_a_profile_has_places_of_its_own(run: Said, home: Path) -> None:
    found = json.loads(run("-p", "work", "config", "path", "--json")[1])
    assert found["data"] == str(home / "data" / "work")
    assert run("-p", "../../etc", "config", "path")[0] == 2


def test_a_flag_wins_over_the_environment_on_both_sides_of_the_verb(run: Said, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNEXA_PROFILE", "from-env")
    for words in (["-p", "flag", "config", "path"], ["config", "path", "-p", "flag"], ["config", "-p", "flag", "path"]):
        assert json.loads(run(*words, "--json")[1])["data"] == str(home / "data" / "flag")
    assert json.loads(run("config", "path", "--json")[1])["data"] == str(home / "data" / "from-env")


def test_a_password_is_not_asked_where_nobody_answers(run: Said) -> None:
    code, _, err = run("up", "--password", "--port", "0", "--json", "--no-input")
    assert (code, error(err)["code"]) == (2, "secret.missing")


def test_completion_knows_the_verbs(home: Path) -> None:
    env = {**os.environ, "_CONNEXA_COMPLETE": "bash_complete", "COMP_WORDS": "connexa st", "COMP_CWORD": "1"}
    program = "from connexa.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False)
    assert "plain,status" in done.stdout


def test_settings_tell_their_origin(run: Said, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNEXA_NODE__API__PORT", "1234")
    found = json.loads(run("config", "get", "api.port", "--json")[1])
    assert (found["value"], found["origin"]) == (1234, "environment")
    assert run("config", "get", "api.prt")[0] == 4


def test_every_verb_can_be_loaded_and_explained(run: Said) -> None:
    for verb in VERBS:
        code, out, _ = run(verb, "--help")
        assert code == 0
        assert "Usage: connexa" in out


def test_help_loads_no_verb() -> None:
    """The list of verbs is quick: it imports neither HTTP nor the node."""
    program = (
        "import sys; from connexa.cli import main; main(['--help']); sys.exit(any(m in sys.modules for m in ('httpx', 'litestar', 'apsw')))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def test_interrupted_ends_with_130(run: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(root, "invoke", interrupted)
    assert run("version")[0] == 130


def test_a_bug_says_its_place_and_not_its_text(run: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("dear diary")

    monkeypatch.setattr(root, "invoke", broken)
    code, out, err = run("version", "--json")
    assert (code, out) == (1, "")
    assert error(err)["code"] == "command.failed"
    assert "diary" not in err


def test_text_of_others_steers_no_terminal() -> None:
    assert clean("a\x1b[31mb\u202ec\nd\r") == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}c\nd\N{REPLACEMENT CHARACTER}"


def test_no_color_is_honoured_in_a_terminal(home: Path) -> None:
    """Under a pseudo-terminal an error is coloured, but for NO_COLOR."""
    program = "import pty, sys; sys.exit(pty.spawn([sys.executable, '-c', 'from connexa.cli import main; main([\"status\"])']) and 0)"

    def shown(**env: str) -> bytes:
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        done = subprocess.run(
            [sys.executable, "-c", program], env={**kept, **env}, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        return done.stdout

    assert b"\x1b[" in shown()
    assert b"\x1b[" not in shown(NO_COLOR="1")


def test_who_is_waited_for_is_said_in_one_line() -> None:
    waiting = {"device": "3f" * 32, "missing": 2, "unopened": 0, "asked": 0.0, "tries": 0}
    assert waiting_line("Bob", waiting) == "waiting for 2 messages of Bob's device 3f3f3f3f … not asked yet: it may be under way"
    asked = {**waiting, "missing": 0, "unopened": 1, "asked": time.time() - 7_200.0}
    assert waiting_line("B\x1bob", asked) == "waiting for 1 message of B\N{REPLACEMENT CHARACTER}ob's device 3f3f3f3f … asked 2 h ago"
