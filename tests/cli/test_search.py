"""The demo's search finds a message in every shape in which a program may have left it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from connexa.cli.demo.search import search_files

TEXT = "Then we arrive on the fourth."


@pytest.mark.parametrize(
    "left",
    [
        TEXT.encode(),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be")[1:] + b"\0",
        TEXT.encode().hex().encode(),
        *(base64.b64encode(b"x" * before + TEXT.encode() + b"after") for before in range(3)),
    ],
)
def test_every_shape_is_found(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"\0" * 1000 + left + b"\0" * 1000)
    (tmp_path / "empty").touch()
    found = search_files([tmp_path], [TEXT])
    assert found.hits == [str(tmp_path / "deep" / "log")]
    assert found.files == 2


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(TEXT.encode()[:-1])
    assert search_files([tmp_path], [TEXT]).hits == []
