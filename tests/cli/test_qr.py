"""QR codes: what is drawn is the code that was asked for, and nothing else is taken for a picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import segno

from connexa.cli.qr import qr_lines, write_qr
from connexa.errors import UsageError

TEXT = "CX1:ABCDEFGHIJKLMNOP"


def test_drawn_lines_are_the_modules_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    halves = {" ": (0, 0), "▄": (0, 1), "▀": (1, 0), "█": (1, 1)}
    lines = qr_lines(TEXT)
    drawn = [[halves[character][half] for character in line] for line in lines for half in (0, 1)]
    code = [[int(bool(module)) for module in row] for row in segno.make_qr(TEXT, error="m").matrix_iter(border=4)]
    assert drawn[: len(code)] == code
    assert all(not any(row) for row in drawn[len(code) :])


def test_a_terminal_gets_dark_on_light_whatever_its_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert all(line.startswith("\x1b[30m\x1b[107m") and line.endswith("\x1b[0m") for line in qr_lines(TEXT))


def test_a_file_is_a_picture_or_a_refusal(tmp_path: Path) -> None:
    write_qr(tmp_path / "code.svg", TEXT)
    write_qr(tmp_path / "code.PNG", TEXT)
    assert b"<svg" in (tmp_path / "code.svg").read_bytes()
    assert (tmp_path / "code.PNG").read_bytes().startswith(b"\x89PNG")
    for bad in (tmp_path / "code.txt", tmp_path / "absent" / "code.svg"):
        with pytest.raises(UsageError) as refused:
            write_qr(bad, TEXT)
        assert refused.value.code == "qr.bad_file"
        assert not bad.exists()
