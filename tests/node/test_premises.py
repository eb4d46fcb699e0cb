"""The files of a running node: the lock, the facts, and what a failed first run leaves (nothing)."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from connexa.errors import ConflictError, ConnexaError, RefusedError
from connexa.node.premises import Facts, Footprint, Premises
from connexa.process import disk_error
from connexa.settings import paths


@pytest.fixture
def premises(tmp_path: Path) -> Premises:
    return Premises(paths("default", {"CONNEXA_HOME": str(tmp_path / "home")}))


def facts(premises: Premises) -> Facts:
    return Facts(
        pid=os.getpid(),
        port=1234,
        url="http://127.0.0.1:1234/",
        profile="default",
        version="0",
        started=1.0,
        data=str(premises.where.data),
        token_file=str(premises.token),
        log=str(premises.log),
        custody="file",
        first_run=False,
    )


def test_nothing_runs_at_first(premises: Premises) -> None:
    assert not premises.running()
    assert premises.facts() is None
    assert not premises.where.data.exists()  # looking makes no file


def test_one_node_for_each_profile(premises: Premises) -> None:
    with premises.occupied():
        assert premises.running()
        assert premises.facts() is None  # it is not ready yet
        with pytest.raises(ConflictError, match="already running"), premises.occupied():
            pass
    assert not premises.running()


def test_facts_and_token_are_for_the_owner_and_go_with_the_node(premises: Premises) -> None:
    with premises.occupied():
        with premises.announced(facts(premises), "t0ken"):
            assert premises.facts() == facts(premises)
            assert premises.read_token() == "t0ken"
            for path in (premises.token, premises.where.runtime / "node.json"):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(premises.where.runtime.stat().st_mode) == 0o700
        assert not premises.token.exists()
        assert premises.facts() is None


def test_what_a_killed_node_leaves_misleads_nobody(premises: Premises) -> None:
    program = f"""
import os, sys
from connexa.node.premises import *
from connexa.settings import paths
premises = Premises(paths("default", {{"CONNEXA_HOME": {str(premises.where.data.parent.parent)!r}}}))
facts = Facts(pid=os.getpid(), port=1, url="", profile="default", version="0", started=1.0, data="", token_file="", log="", custody="file",
              first_run=False)
with premises.occupied(), premises.announced(facts, "t"):
    print("up", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        assert premises.running()
        assert (premises.facts() or facts(premises)).pid == other.pid
        other.kill()
        other.wait()
    assert premises.token.exists()  # left behind
    assert not premises.running()
    assert premises.facts() is None
    with premises.occupied():
        pass


def test_a_token_that_cannot_be_read_is_said(premises: Premises) -> None:
    with pytest.raises(RefusedError, match="token"):
        premises.read_token()


def test_a_failed_first_run_leaves_nothing(premises: Premises, tmp_path: Path) -> None:
    footprint = Footprint(premises.where)
    with premises.occupied():
        (premises.where.data / "node.db").write_bytes(b"x")
        (premises.where.data / "sub").mkdir()
        (premises.where.data / "sub" / "file").write_bytes(b"x")
    footprint.erase()
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_before_stays(premises: Premises) -> None:
    premises.where.data.mkdir(parents=True)
    (premises.where.data / "mine").write_bytes(b"x")
    footprint = Footprint(premises.where)
    with premises.occupied():
        (premises.where.data / "node.db").write_bytes(b"x")
    footprint.erase()
    assert [path.name for path in premises.where.data.iterdir()] == ["mine"]
    assert not premises.where.runtime.exists()


@pytest.mark.parametrize(
    ("number", "code", "exit_code"),
    [
        (errno.ENOSPC, "store.full", 1),
        (errno.EROFS, "store.read_only", 5),
        (errno.EACCES, "store.read_only", 5),
        (errno.EIO, "store.failed", 1),
    ],
)
def test_the_disk_speaks_our_words(number: int, code: str, exit_code: int) -> None:
    error: ConnexaError = disk_error(OSError(number, "whatever", "/home/somebody"), "the node's directory")
    assert (error.code, error.exit_code) == (code, exit_code)
    assert "somebody" not in f"{error}"
