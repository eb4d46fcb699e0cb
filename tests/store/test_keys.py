"""Key custody: made once, found again, wrapped by a password if one was given."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from connexa.errors import ConnexaError
from connexa.store import KeyCustody, load_key


def test_made_once_and_found_again(tmp_path: Path) -> None:
    key, custody = load_key(tmp_path, os.urandom)
    assert custody is KeyCustody.FILE and len(key) == 32
    assert load_key(tmp_path, os.urandom) == (key, KeyCustody.FILE)
    assert (tmp_path / "store.key").stat().st_mode & 0o777 == 0o600


def test_a_password_wraps_it(tmp_path: Path) -> None:
    key, custody = load_key(tmp_path, os.urandom, password="correct horse")
    assert custody is KeyCustody.PASSWORD
    assert key.hex() not in (tmp_path / "store.key").read_text()
    assert load_key(tmp_path, os.urandom, password="correct horse") == (key, KeyCustody.PASSWORD)


@pytest.mark.parametrize(("password", "code"), [(None, "store.password_needed"), ("wrong", "store.locked")])
def test_without_the_password_it_stays_shut(tmp_path: Path, password: str | None, code: str) -> None:
    load_key(tmp_path, os.urandom, password="correct horse")
    before = (tmp_path / "store.key").read_bytes()
    with pytest.raises(ConnexaError) as refusal:
        load_key(tmp_path, os.urandom, password=password)
    assert (refusal.value.code, refusal.value.exit_code) == (code, 5)
    assert (tmp_path / "store.key").read_bytes() == before


@pytest.mark.parametrize("text", ["", "custody = 'file'", "custody = 'file'\nkey = 'zz'", "custody = 'attic'", "\x00"])
def test_a_damaged_key_file_is_said_and_never_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.key").write_text(text)
    with pytest.raises(ConnexaError) as refusal:
        load_key(tmp_path, os.urandom)
    assert refusal.value.code == "store.key_damaged"
    assert (tmp_path / "store.key").read_text() == text
