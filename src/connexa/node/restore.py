"""An account out of a backup: proved whole, loaded in one operation, then let in by the homeserver as a new device.

The person comes back, the device does not: its id and all its keys are new, no session and no prekey of the lost one exists any more, and
the list that the user key signs leaves it out. Contacts are told, and asked for what they sent since the backup.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connexa.backup import RecoveryKey
from connexa.content import DeviceName
from connexa.crypto import Ed25519Secret, Rng, X25519Secret
from connexa.errors import ConflictError, IntegrityError
from connexa.identity import (
    Address,
    DeviceCertificate,
    DeviceId,
    UserSecret,
    body_hash,
    check_successor,
    fingerprint_text,
    issue_device_certificate,
    match_certificates,
    next_device_list,
    read_device_list,
    verify_attestation,
    verify_device_certificate,
)
from connexa.node.account import Account, AccountState, load_account, own_device_list
from connexa.node.asks import ask_all
from connexa.node.backup_files import Volume, open_volumes, read_series
from connexa.node.backup_rows import Contents, count, load_contents, load_entries, place_read_marks
from connexa.node.enrolment import CERTIFICATE_LIFE
from connexa.node.home import Home, first, returned
from connexa.node.link_doors import register
from connexa.node.own_list import keep_own_list
from connexa.node.progress import Progress
from connexa.node.recovery import Recovery, keep_recovery, require_primary
from connexa.node.registers import decide
from connexa.node.schema import MIGRATIONS
from connexa.node.views import RestoredView
from connexa.store import Execute, open_database
from connexa.wire.v1.keys_pb2 import Signed
from connexa.wire.v1.link_pb2 import Registered

__all__ = ["restore", "try_restore"]


@dataclass(frozen=True, slots=True)
class _Backup:
    """A series that was read whole and holds."""

    volumes: list[Volume]
    contents: Contents

    @property
    def user(self) -> UserSecret:
        return self.volumes[-1].front.user

    @property
    def counter(self) -> int:
        return self.volumes[-1].front.head.counter

    def view(self, counts: tuple[int, int, int], newest: int = 0) -> RestoredView:
        contacts, conversations, messages = counts
        return RestoredView(
            account=self.contents.account.address,
            fingerprint=fingerprint_text(self.user.id),
            counter=self.counter,
            newest=max(newest, self.counter),
            files=len(self.volumes),
            contacts=contacts,
            conversations=conversations,
            messages=messages,
        )


def _prove(volumes: list[Volume], progress: Callable[[int], None]) -> _Backup:
    """Read all of a series, believing nothing of it before its end."""
    contents = read_series(volumes, progress, lambda _: None)
    Address.parse(contents.account.address)
    return _Backup(volumes, contents)


def _size(volumes: Sequence[Volume]) -> int:
    return sum(volume.file.size for volume in volumes)


async def try_restore(home: Home, place: Path, key: RecoveryKey) -> RestoredView:
    """Restore a backup into a store that is thrown away."""
    volumes = await asyncio.to_thread(open_volumes, place, key)
    progress = Progress(home, "", "verify", 2 * _size(volumes))
    now = home.clock()

    def work() -> RestoredView:
        backup = _prove(volumes, progress.add)
        with tempfile.TemporaryDirectory(prefix="connexa-trial-", dir=home.database.path.parent) as directory:
            trial = open_database(Path(directory) / "trial.db", home.rng(32), MIGRATIONS)
            try:
                number = trial.once(lambda execute: _load(execute, backup, key, home.rng, now, "", progress.add))
                return backup.view(count(trial.read, number))
            finally:
                trial.close()

    return await progress.over(work)


async def restore(home: Home, place: Path, key: RecoveryKey) -> tuple[int, RestoredView]:
    """Bring an account back; returns its number.

    Where the homeserver could not be reached everything is here already, and the same call goes on from there.
    """
    volumes = await asyncio.to_thread(open_volumes, place, key)
    progress = Progress(home, "", "restore", _size(volumes))
    backup = await progress.over(lambda: _prove(volumes, progress.add))
    number = await home.change(lambda execute: _load_once(execute, home, backup, key))
    newest = await _return(home, number, backup.counter)
    return number, backup.view(count(home.database.read, number), newest)


def _load_once(execute: Execute, home: Home, backup: _Backup, key: RecoveryKey) -> int:
    row = first(execute, "SELECT id, state, user FROM account WHERE address = ?", (backup.contents.account.address,))
    if row is None:
        return _load(execute, backup, key, home.rng, home.clock(), home.device_name, lambda _: None)
    if row[1] != AccountState.RESTORING or row[2] != backup.user.id:
        raise ConflictError("account.exists", "This node has that account already.", "Restore into another profile: --profile NAME")
    return int(row[0])


def _load(
    execute: Execute, backup: _Backup, key: RecoveryKey, rng: Rng, now: float, device_name: str, progress: Callable[[int], None]
) -> int:
    """Store the account with a new device, and everything that the backup holds; raising undoes all of it."""
    number = _store_account(execute, backup, rng, now, device_name)
    backup_key = backup.volumes[-1].front.backup_key
    keep_recovery(execute, number, Recovery(key, backup_key, now))  # whoever restores has shown the words
    execute("INSERT INTO backup (account, counter) VALUES (?, ?)", (number, backup.counter))
    places = load_contents(execute, number, backup.contents)
    read_series(backup.volumes, progress, lambda entries: load_entries(execute, number, places, entries))
    place_read_marks(execute, backup.contents, places)
    lost = backup.contents.account.device
    execute("UPDATE own_device SET listed = 0 WHERE account = ? AND device = ?", (number, lost))
    execute("INSERT INTO gone_device (account, user, device) VALUES (?, ?, ?)", (number, backup.user.id, lost))
    return number


def _store_account(execute: Execute, backup: _Backup, rng: Rng, now: float, device_name: str) -> int:
    account, user = backup.contents.account, backup.user
    device, dsk, dik = DeviceId(rng(32)), Ed25519Secret.generate(rng), X25519Secret.generate(rng)
    certificate = issue_device_certificate(DeviceCertificate(user.id, device, dsk.public, dik.public, int(now) + CERTIFICATE_LIFE), user)
    read_device_list(Signed.FromString(account.device_list), user.public)
    number = returned(
        execute,
        "INSERT INTO account (address, name, state, user, user_key, seed, device, dsk, dik, certificate, attestation, device_list,"
        " profile_key, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            account.address,
            account.name,
            AccountState.RESTORING.value,
            user.id,
            user.public.packet,
            user.seed,
            device,
            dsk.seed,
            dik.raw,
            certificate.SerializeToString(),
            account.attestation,
            account.device_list,
            account.profile_key,
            account.created,
        ),
    )
    execute(
        "INSERT INTO own_device (account, device, certificate, name, listed, added) VALUES (?, ?, ?, ?, 1, ?)",
        (number, device, certificate.SerializeToString(), device_name, now),
    )
    return int(number)


async def _return(home: Home, number: int, counter: int) -> int:
    """Come back to the homeserver with the next device list; returns the newest backup's counter that a list has named."""
    account = load_account(home.database.read, number)
    found = await _ask(home, account, None)
    newest = read_device_list(found.device_list, account.user)
    if account.device not in newest.device_ids():
        signed = _following(home, account, found, counter)
        found = await _ask(home, account, signed)
        if found.device_list.body != signed.body:
            raise IntegrityError("devices.fork", "The homeserver answers with another list of devices than the one that it was given.")
    await home.change(lambda execute: _activate(execute, home, account, found, newest.backup, is_old=counter < newest.backup))
    return newest.backup


async def _ask(home: Home, account: Account, signed: Signed | None) -> Registered:
    """Ask what the homeserver has, or give it the next list."""
    user = require_primary(account)
    remote = await home.domains.book().require(account.address.domain)
    channel = await home.dialer.dial(account.address.domain, str(remote.link), remote.keys)
    found = await register(
        channel,
        domain=account.address.domain,
        localpart=account.address.localpart,
        user=user,
        certificate=account.certificate if signed else None,
        device_list=signed,
    )
    verify_attestation(found.attestation, remote.keys, address=account.address, user=account.user_id)
    return found


def _following(home: Home, account: Account, found: Registered, counter: int) -> Signed:
    """The list behind the newest one: this device first, the lost one left out."""
    known, newest = own_device_list(home.database.read, account), read_device_list(found.device_list, account.user)
    if known is not None and (newest.version < known[1].version or (newest.version == known[1].version and newest != known[1])):
        raise IntegrityError("devices.rollback", "The homeserver shows an old list of this person's own devices.")
    if known is not None and newest.version == known[1].version + 1:
        check_successor(known[0].body, newest)
    match_certificates(newest, found.certificates, account.user, home.clock())
    lost = {row[0] for row in home.database.read("SELECT device FROM own_device WHERE account = ? AND listed = 0", (account.id,))}
    left_out = {listed.certificate for listed in newest.devices if listed.device in lost}
    others = [certificate for certificate in found.certificates if body_hash(certificate) not in left_out]
    return next_device_list(found.device_list, require_primary(account), [account.certificate, *others], home.clock(), backup=counter)


def _activate(execute: Execute, home: Home, account: Account, found: Registered, newest: int, *, is_old: bool) -> None:
    for certificate in found.certificates:
        device = verify_device_certificate(certificate, account.user, home.clock()).device
        execute(
            "INSERT INTO own_device (account, device, certificate, listed, added) VALUES (?, ?, ?, 1, ?)"
            " ON CONFLICT (account, device) DO UPDATE SET certificate = excluded.certificate",
            (account.id, device, certificate.SerializeToString(), home.clock()),
        )
    execute(
        "UPDATE account SET state = ?, attestation = ? WHERE id = ?",
        (AccountState.ACTIVE.value, found.attestation.SerializeToString(), account.id),
    )
    # Backups from here on count behind every one that is known, or the next restore would take one of those for newer.
    execute("UPDATE backup SET counter = max(counter, ?) WHERE account = ?", (newest, account.id))
    keep_own_list(execute, home, account, found.device_list)
    if home.settings.device_name:
        decide(execute, home, account, DeviceName(account.device, home.settings.device_name))  # the other own devices learn it
    ask_all(execute, home, account)
    now, address = home.clock(), str(account.address)
    home.events.record(execute, address, "account.new", now, user=account.user_id.hex())
    if is_old:
        home.events.record(execute, address, "trust.warning", now, code="backup.old")
