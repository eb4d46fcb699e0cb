"""Key custody: made once, found again, wrapped by a password if one was given."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from connexa.errors import ConnexaError
from connexa.store import KeyCustody, load_key

PASSWORD_WITHOUT_SALT = "custody = 'password'\nsalt = ''\nsealed = ''"


class MemoryKeyring(KeyringBackend):
    """A login keyring that lives as long as the test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    before, backend = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.mark.parametrize("name", ["plain", 'a"quote', "back\\slash", "line\nbreak"])
def test_the_keyring_keeps_it_whatever_the_directory_is_called(tmp_path: Path, memory_keyring: MemoryKeyring, name: str) -> None:
    key, custody = load_key(tmp_path / name, os.urandom, use_keyring=True)
    assert custody is KeyCustody.KEYRING
    assert list(memory_keyring.entries.values()) == [key.hex()]
    assert key.hex() not in (tmp_path / name / "store.key").read_text()
    assert load_key(tmp_path / name, os.urandom) == (key, KeyCustody.KEYRING)


def test_a_directory_that_was_moved_away_keeps_its_key(tmp_path: Path, memory_keyring: MemoryKeyring) -> None:
    key, _ = load_key(tmp_path / "data", os.urandom, use_keyring=True)
    (tmp_path / "data").rename(tmp_path / "old")
    load_key(tmp_path / "data", os.urandom, use_keyring=True)
    assert load_key(tmp_path / "old", os.urandom) == (key, KeyCustody.KEYRING)


def test_a_crash_leaves_no_half_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_descriptor: int) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", crash)
        with pytest.raises(OSError, match="gone"):
            load_key(tmp_path, os.urandom)
    assert list(tmp_path.iterdir()) == []
    key, _ = load_key(tmp_path, os.urandom)
    assert load_key(tmp_path, os.urandom) == (key, KeyCustody.FILE)


def test_the_key_file_is_on_the_disk_before_the_key_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []

    def fsync(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(os, "fsync", fsync)
    load_key(tmp_path, os.urandom)
    assert synced == [False, True]  # its bytes, then its name


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


@pytest.mark.parametrize(
    "text", ["", "custody = 'file'", "custody = 'file'\nkey = 'zz'", "custody = 'attic'", "\x00", PASSWORD_WITHOUT_SALT]
)
def test_a_damaged_key_file_is_said_and_never_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "store.key").write_text(text)
    with pytest.raises(ConnexaError) as refusal:
        load_key(tmp_path, os.urandom)
    assert refusal.value.code == "store.key_damaged"
    assert (tmp_path / "store.key").read_text() == text
