"""A homeserver's backup: one encrypted file, made beside the running homeserver, and the way back from it on an empty machine.

The file is the database, copied at one moment and encrypted under a key that is derived from the database's own; 24 words are that key, so
that making a backup needs nobody, and opening one needs the words. It holds the domain key. Blobs of media are not in it.

What has come back knows nothing of what happened since, so nothing may mean two things (`_come_back`, decision 0029).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connexa.backup import RecoveryKey
from connexa.crypto import Rng, hkdf
from connexa.errors import ConflictError, NotFoundError, RefusedError
from connexa.homeserver.audit import PROGRAM, note
from connexa.homeserver.domain_key import domain_of
from connexa.homeserver.federation import begin_anew
from connexa.homeserver.premises import PLACE, ServerPremises
from connexa.homeserver.schema import MIGRATIONS
from connexa.homeserver.sequence import leap
from connexa.homeserver.tables import first, put_setting
from connexa.identity import Domain
from connexa.process import disk_error
from connexa.settings import private_directory
from connexa.store import Execute, KeyCustody, load_key, open_as_it_is, open_database

__all__ = ["Restored", "Told", "Upgraded", "backup_key", "make_backup", "restore_backup", "upgrade"]

Told = Callable[[str, float], object]
"""Hears what is being done and the share of it that is done."""

_LABEL: Final = b"Connexa/1 server backup"
_SETTINGS: Final = "settings"


@dataclass(frozen=True, slots=True)
class Restored:
    """What has come back."""

    domain: Domain
    custody: KeyCustody
    settings_written: bool


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The schema before and now; the backup that was made in between, where there was anything to do."""

    before: int
    now: int
    backup: Path | None


def backup_key(store_key: bytes) -> RecoveryKey:
    """The key of all backups of the homeserver whose database has this key."""
    return RecoveryKey(hkdf(store_key, salt=b"", info=_LABEL, length=32))


def make_backup(premises: ServerPremises, store_key: bytes, place: Path, told: Told) -> Path:
    """Copy the database, which may be in use, to a new file, or to one with the time in its name in a directory; returns its path."""
    if not premises.database.exists():
        raise NotFoundError("server.not_initialised", "There is no database to back up.", "It is made by: connexa server init")
    path = place / time.strftime("homeserver-%Y%m%d-%H%M%S.backup", time.gmtime()) if place.is_dir() else place
    settings = _server_tables(premises.where.profile_file)
    database = open_as_it_is(premises.database, store_key)
    try:
        database.copy_to(
            path,
            backup_key(store_key).raw,
            lambda share: told("copying", share),
            lambda execute: put_setting(execute, _SETTINGS, settings.encode()),
        )
    except OSError as error:
        raise disk_error(error, "the place for the backup") from error
    finally:
        database.close()
    return path


def _server_tables(file: Path) -> str:
    """The homeserver's tables of a profile's file, without the node's."""
    lines, inside = [], False
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        if line.startswith("["):
            inside = line.startswith(("[server]", "[server."))
        if inside:
            lines.append(line)
    return "\n".join([*lines, ""])


def restore_backup(
    premises: ServerPremises,
    file: Path,
    words: RecoveryKey,
    *,
    password: str | None,
    use_keyring: bool,
    clock: Callable[[], float],
    rng: Rng,
    told: Told,
) -> Restored:
    """Bring a homeserver back into an empty profile: database, domain key, accounts, mailboxes, settings; what fails leaves nothing."""
    if premises.database.exists():
        raise ConflictError(
            "server.exists",
            "This profile has a homeserver.",
            "Take another profile, or move its data directory away (connexa config path).",
        )
    if not file.is_file():
        raise NotFoundError("backup.not_found", f"There is no file {file}.")
    with premises.occupied(), _or_nothing(premises):
        taken = premises.data / "restoring.db"  # the backup itself may lie where nothing can be written
        told("reading", 0.0)
        shutil.copyfile(file, taken)
        key, custody = load_key(premises.data, rng, password=password, use_keyring=use_keyring)
        _copy_into(premises, taken, words, key, told)
        database = open_database(premises.database, key, MIGRATIONS)
        try:
            settings, domain = database.once(lambda execute: _come_back(execute, rng, clock()))
        finally:
            database.close()
        return Restored(domain, custody, _write_settings(premises, settings))


@contextmanager
def _or_nothing(premises: ServerPremises) -> Iterator[None]:
    """Take away what a restore has made where it fails."""
    before = set(premises.data.iterdir())
    try:
        yield
    except BaseException as error:
        for made in set(premises.data.iterdir()) - before:
            made.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise disk_error(error, PLACE) from error
        raise


def _copy_into(premises: ServerPremises, taken: Path, words: RecoveryKey, key: bytes, told: Told) -> None:
    try:
        database = open_as_it_is(taken, words.raw)
    except RefusedError as error:
        if error.code != "store.locked":
            raise
        raise RefusedError(
            "backup.locked", "These words do not open this backup, or it is none.", "Were they another homeserver's?"
        ) from None
    try:
        if domain_of(database.read) is None:
            raise RefusedError("backup.malformed", "That is no backup of a homeserver.")
        database.copy_to(premises.database, key, lambda share: told("copying", share))
    finally:
        database.close()
        for rest in ("", "-wal", "-shm"):
            taken.with_name(taken.name + rest).unlink(missing_ok=True)


def _come_back(execute: Execute, rng: Rng, now: float) -> tuple[str, Domain]:
    """See to it that nothing is used twice that was used after the backup: numbers of rows and of streams, keys that go out once."""
    row = first(execute, "SELECT value FROM setting WHERE name = ?", (_SETTINGS,))
    execute("DELETE FROM setting WHERE name = ?", (_SETTINGS,))
    leap(execute)
    for (domain,) in execute("SELECT domain FROM queue_stream").fetchall():
        begin_anew(execute, rng, Domain(domain))
    execute("DELETE FROM prekey WHERE type = 'otp'")
    execute("DELETE FROM key_package WHERE last_resort = 0")  # their aliases stay: some were handed out since, and joined with
    note(execute, now, PROGRAM, "server.restored")
    return (row[0].decode() if row else ""), _known(domain_of(execute))


def _known(domain: Domain | None) -> Domain:
    if domain is None:
        raise LookupError("a backup without a domain was not let in")
    return domain


def _write_settings(premises: ServerPremises, settings: str) -> bool:
    """Write the settings of the backup, where this profile has none of a homeserver."""
    file = premises.where.profile_file
    if _server_tables(file).strip() or not settings.strip():
        return False
    private_directory(file.parent)
    text = file.read_text(encoding="utf-8").rstrip() + "\n\n" if file.exists() else ""
    file.write_text(text + settings, encoding="utf-8")
    file.chmod(0o600)
    return True


def upgrade(premises: ServerPremises, store_key: bytes, clock: Callable[[], float], told: Told) -> Upgraded:
    """Bring the database of a stopped homeserver to this program's schema: a backup, the migrations, a reading of all of it."""
    with premises.occupied():
        database = open_as_it_is(premises.database, store_key)
        try:
            before = database.version
        finally:
            database.close()
        backup = None
        if before < len(MIGRATIONS):
            backup = make_backup(premises, store_key, premises.data, told)
        told("checking", 0.0)
        database = open_database(premises.database, store_key, MIGRATIONS)
        try:
            if faults := database.faults():
                raise RefusedError("store.corrupt", f"The database is damaged in {len(faults)} places.", "Restore it from a backup.")
            if backup is not None:
                database.once(lambda execute: note(execute, clock(), PROGRAM, "server.upgraded", f"schema {before} to {len(MIGRATIONS)}"))
            return Upgraded(before, database.version, backup)
        finally:
            database.close()
