"""Where the 32-byte database key lives: the OS keyring, else a 0600 file beside the database; a password may wrap it.

The key file is a small TOML document that says which of the three it is, so that opening needs no guess.
"""

from __future__ import annotations

import enum
import os
import tempfile
import tomllib
from pathlib import Path

from connexa.crypto import PASSWORD_SALT_BYTES, InvalidTag, Rng, aead_open, aead_seal, equal, stretch_password
from connexa.errors import ConnexaError, IntegrityError, RefusedError

__all__ = ["KeyCustody", "load_key"]

KEY_FILE = "store.key"
WRAP_AD = b"Connexa/1 store key"
COMMITMENT = bytes(32)  # before the key: the AEAD alone would open under two passwords that somebody chose for it (pairwise P31)
KEYRING_SERVICE = "connexa"


class KeyCustody(enum.Enum):
    """Who keeps the database key."""

    KEYRING = "keyring"
    FILE = "file"
    PASSWORD = "password"
    SHARED = "shared"  # no key of ours: whoever may read the shared database reads it


def load_key(directory: Path, rng: Rng, *, password: str | None = None, use_keyring: bool = False) -> tuple[bytes, KeyCustody]:
    """Return the key of the database in `directory` and where it was; make one at the first call.

    A `password` given at the first call wraps the new key. Later calls need the same one: `store.password_needed` without it,
    `store.locked` with another.
    """
    path = directory / KEY_FILE
    if path.exists():
        return _read(path, password)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = rng(32)
    if password is not None:
        salt = rng(PASSWORD_SALT_BYTES)
        sealed = aead_seal(stretch_password(password, salt), salt[:12], COMMITMENT + key, WRAP_AD)
        _write(path, {"custody": KeyCustody.PASSWORD.value, "salt": salt.hex(), "sealed": sealed.hex()})
        return key, KeyCustody.PASSWORD
    name = rng(16).hex()  # not the path: whoever moves a directory away and starts anew there must not overwrite its key
    if use_keyring and _keyring_set(name, key):
        _write(path, {"custody": KeyCustody.KEYRING.value, "name": name})
        return key, KeyCustody.KEYRING
    _write(path, {"custody": KeyCustody.FILE.value, "key": key.hex()})
    return key, KeyCustody.FILE


def _read(path: Path, password: str | None) -> tuple[bytes, KeyCustody]:
    try:
        fields = tomllib.loads(path.read_text())
        custody = KeyCustody(fields["custody"])
        if custody is KeyCustody.FILE:
            return bytes.fromhex(fields["key"]), custody
        if custody is KeyCustody.KEYRING:
            return _keyring_get(fields["name"]), custody
        salt, sealed = bytes.fromhex(fields["salt"]), bytes.fromhex(fields["sealed"])
        if len(salt) != PASSWORD_SALT_BYTES:
            raise ValueError("a salt of another length")
    except PermissionError as error:
        raise RefusedError("store.read_only", "The key file cannot be read.", "Check its owner and permissions.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("store.key_damaged", "The key file is damaged.", "Restore it from a backup.") from error
    if password is None:
        raise RefusedError(
            "store.password_needed", "This database is locked with a password.", "Give it at the prompt or with --password-file."
        )
    try:
        return _unwrap(stretch_password(password, salt), salt, sealed), KeyCustody.PASSWORD
    except InvalidTag as error:
        raise RefusedError("store.locked", "That password does not open the database.", "Try again.") from error


def _unwrap(wrapping: bytes, salt: bytes, sealed: bytes) -> bytes:
    opened = aead_open(wrapping, salt[:12], sealed, WRAP_AD)
    if not equal(opened[:32], COMMITMENT):
        raise InvalidTag
    return opened[32:]


def _write(path: Path, fields: dict[str, str]) -> None:
    text = "".join(f'{name} = "{value}"\n' for name, value in fields.items())
    descriptor, written = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(written, path)  # whole or not at all, and never over a key that is there
    finally:
        os.unlink(written)
    parent = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(parent)  # the database must never outlive its key after a crash
    finally:
        os.close(parent)


def _keyring_set(name: str, key: bytes) -> bool:
    import keyring  # slow to import, and not needed where a file or a password keeps the key
    import keyring.errors

    if keyring.get_keyring().priority < 1:  # the library's null and failing backends
        return False
    try:
        keyring.set_password(KEYRING_SERVICE, name, key.hex())
    except keyring.errors.KeyringError:
        return False
    return True


def _keyring_get(name: str) -> bytes:
    import keyring
    import keyring.errors

    try:
        value = keyring.get_password(KEYRING_SERVICE, name)
    except keyring.errors.KeyringError as error:
        raise ConnexaError("store.keyring", "The keyring did not answer.", "Unlock your login keyring, then start again.") from error
    if value is None:
        raise RefusedError("store.locked", "The keyring no longer holds this database's key.", "Restore the keyring, or a backup.")
    return bytes.fromhex(value)
