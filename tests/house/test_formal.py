"""The bounded model of the handshake: each property holds in it, and each guard taken away lets its attack in (formal/README.md)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parents[2] / "formal" / "check"

pytestmark = pytest.mark.skipif(shutil.which("maude") is None, reason="maude is not installed (apt-get install maude)")


def answers(*options: str, model: Path = CHECK) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(model), *options], capture_output=True, text=True, timeout=110, check=False)


def test_the_model_answers_as_expected() -> None:
    done = answers()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expected" not in done.stdout.replace("0 other answers than expected", "")


@pytest.mark.slow
def test_the_wider_model_answers_as_expected() -> None:
    done = answers("--wide")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("guard", "without", "question"),
    [
        ("(U == U2 and D == D2 and UK == UK2 and DS == DS2)", "true", "with exactly these keys and people"),
        ("not (seen(EK, klrb) in C)", "true", "shows one message twice"),
        ("kss(KE, R), bound(TR, C)), M, bound(TR, C))", "kss(KE, R), unbound), M, unbound)", "the honest run is possible"),
    ],
)
def test_a_model_with_a_guard_broken_is_noticed(tmp_path: Path, guard: str, without: str, question: str) -> None:
    model = (CHECK.parent / "handshake.maude").read_text()
    assert guard in model
    (tmp_path / "handshake.maude").write_text(model.replace(guard, without))
    shutil.copy(CHECK, tmp_path / "check")
    done = answers(model=tmp_path / "check")
    assert done.returncode == 1
    assert question in "".join(line for line in done.stdout.splitlines() if "<-- expected" in line)


def test_a_model_that_cannot_be_read_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "handshake.maude").write_text((CHECK.parent / "handshake.maude").read_text().replace("endm", ""))
    shutil.copy(CHECK, tmp_path / "check")
    assert answers(model=tmp_path / "check").returncode == 1
