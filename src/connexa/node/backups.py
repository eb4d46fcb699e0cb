"""Backups of an account: whole ones and increments, made when they are due or asked for, and tried by restoring them to nowhere.

One directory holds a base and its increments; an increment takes the new entries of the log, those that have changed, and everything
else as it stands. What a backup has to take is noted in the store, so that a backup that fails is simply made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connexa.backup import Head, RecoveryKey, Sealer
from connexa.errors import ConnexaError, NotFoundError
from connexa.node.account import Account, AccountState, all_accounts, load_account
from connexa.node.backup_files import NewFile, file_name, list_files, opens, remove_series
from connexa.node.backup_rows import changed_entries, describe, entry_record, new_entries
from connexa.node.home import Home, first, returned, rows
from connexa.node.progress import Progress
from connexa.node.recovery import Recovery, begin_recovery, recovery_of, require_primary
from connexa.node.restore import try_restore
from connexa.node.views import BackupFileView, BackupScheduleView, BackupView, RestoredView
from connexa.process import disk_error
from connexa.store import Execute

__all__ = ["Backups"]

FIRST_WAIT = 60.0  # before the first look whether a backup is due
RETRY = 3_600.0  # after one that failed


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one backup has to take."""

    recovery: Recovery
    head: Head
    after: int
    up_to: int

    @property
    def is_base(self) -> bool:
        return self.head.place == 0


class Backups:
    """The backups of all accounts of a node, one at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._turn = asyncio.Lock()

    def directory(self) -> Path:
        """Where backups go by themselves: never into the profile, with which they would be lost."""
        if self._home.settings.backup.directory:
            return Path(self._home.settings.backup.directory).expanduser()
        profile = self._home.database.path.parent
        return profile.with_name(f"{profile.name}.backups")

    async def run(self) -> None:
        """Make the backups that are due, until cancelled."""
        every = self._home.settings.backup.every
        wait = FIRST_WAIT
        while every:
            await asyncio.sleep(min(wait, every))
            await self.make_due()
            wait = RETRY

    async def make_due(self) -> None:
        """Make every backup that is due now; one that fails is noted and shows in the status."""
        for number, _, state in list(all_accounts(self._home.database.read)):
            if state is AccountState.ACTIVE and self._is_due(number):
                try:
                    await self.create(load_account(self._home.database.read, number))
                except ConnexaError as error:
                    await self._note_failure(number, error.code)

    def _is_due(self, number: int) -> bool:
        query, settings, now = self._home.database.read, self._home.settings.backup, self._home.clock()
        recovery = recovery_of(query, number)
        row = first(query, "SELECT made, failed FROM backup WHERE account = ?", (number,)) or (0.0, 0.0)
        return recovery is not None and bool(recovery.confirmed) and now >= row[0] + settings.every and now >= row[1] + RETRY

    async def _note_failure(self, number: int, code: str) -> None:
        account, now = load_account(self._home.database.read, number), self._home.clock()

        def note(execute: Execute) -> None:
            execute("UPDATE backup SET failed = ?, failure = ? WHERE account = ?", (now, code, number))
            self._home.events.record(execute, str(account.address), "backup.failed", now, code=code)

        await self._home.change(note)

    # Making one

    async def create(self, account: Account, target: Path | None = None) -> BackupView:
        """Make a backup: the next of the series in the usual directory, or a whole one of its own at `target`."""
        async with self._turn:
            try:
                return await self._create(account, target)
            except OSError as error:  # whatever a directory on a disk that is full, gone or somebody else's answers
                raise disk_error(error, "the directory of backups") from error

    async def _create(self, account: Account, target: Path | None) -> BackupView:
        plan = await self._home.change(lambda execute: self._plan(execute, account, whole=target is not None))
        file = await asyncio.to_thread(NewFile, self._path(plan, target))
        try:
            digest = await self._write(account, plan, file)
            await asyncio.to_thread(file.commit)
        finally:
            file.discard()
        await self._home.change(lambda execute: self._made(execute, account, plan, None if target else digest))
        if target is None:
            await self._forget_replaced(account)
        now = self._home.clock()
        return BackupView(path=str(file.path), counter=plan.head.counter, whole=plan.is_base, bytes=file.size, made=now)

    def _plan(self, execute: Execute, account: Account, *, whole: bool) -> _Plan:
        recovery = begin_recovery(execute, self._home, account)
        up_to = returned(execute, "SELECT coalesce(max(cursor), 0) FROM message WHERE account = ?", (account.id,))
        sql = (
            "INSERT INTO backup (account, counter, watched) VALUES (?, 1, ?) ON CONFLICT (account) DO UPDATE SET counter = counter + 1,"
            " watched = excluded.watched RETURNING counter, series, place, previous, up_to"
        )
        counter, series, place, previous, after = rows(execute, sql, (account.id, up_to))[0]
        execute("UPDATE backup_changed SET taken = 1 WHERE account = ?", (account.id,))
        newest, following = (self.directory() / file_name(series, at) for at in (place, place + 1))
        # A file that is there before its turn was made and not noted, for the node was killed in between: a new base takes its place.
        is_over = place >= self._home.settings.backup.increments or not newest.exists() or following.exists()
        if whole or not series or is_over:
            return _Plan(recovery, Head(self._home.rng(16), counter, 0, bytes(32), self._home.rng(32)), 0, up_to)
        return _Plan(recovery, Head(series, counter, place + 1, previous, self._home.rng(32)), after, up_to)

    def _path(self, plan: _Plan, target: Path | None) -> Path:
        name = file_name(plan.head.series, plan.head.place)
        if target is None:
            return self.directory() / name
        return target / name if target.is_dir() else target

    async def _write(self, account: Account, plan: _Plan, file: NewFile) -> bytes:
        sealer = Sealer(plan.head, require_primary(account), plan.recovery.key, plan.recovery.backup_key)
        await asyncio.to_thread(file.write, sealer.front)
        progress = Progress(self._home, str(account.address), "create", plan.up_to - plan.after)
        for page in self._pages(account.id, plan):
            await asyncio.to_thread(_append, file, sealer, page)
            progress.add(len(page))
            await progress.show()
        for piece in sealer.finish():
            await asyncio.to_thread(file.write, piece)
        return sealer.digest

    def _pages(self, account: int, plan: _Plan) -> Iterator[list[bytes]]:
        """Records in batches. What changes between two of them is newer than it must be, and noted for the next backup."""
        query = self._home.database.read
        yield list(describe(query, account))
        cursor = 0
        while not plan.is_base and (page := changed_entries(query, account, cursor, plan.after)):
            cursor = page[-1][0]
            yield [entry_record(row) for row in page]
        cursor = plan.after
        while page := new_entries(query, account, cursor, plan.up_to):
            cursor = page[-1][0]
            yield [entry_record(row) for row in page]

    def _made(self, execute: Execute, account: Account, plan: _Plan, digest: bytes | None) -> None:
        """Note a backup; one of the usual directory (`digest`) is what the next increment follows."""
        head, now = plan.head, self._home.clock()
        execute("UPDATE backup SET newest = max(newest, ?) WHERE account = ?", (head.counter, account.id))
        if digest is None:
            return
        if plan.is_base:
            execute("INSERT INTO backup_series (account, series, counter) VALUES (?, ?, ?)", (account.id, head.series, head.counter))
        execute("DELETE FROM backup_changed WHERE account = ? AND taken = 1", (account.id,))  # not what has changed since
        execute(
            "UPDATE backup SET series = ?, place = ?, previous = ?, up_to = ?, made = ?, failed = 0, failure = '' WHERE account = ?",
            (head.series, head.place, digest, plan.up_to, now, account.id),
        )
        self._home.events.record(execute, str(account.address), "backup.made", now, counter=head.counter)

    async def _forget_replaced(self, account: Account) -> None:
        """Delete series beyond those that are kept; the files first, so that none is left without its note."""
        sql = "SELECT series FROM backup_series WHERE account = ? ORDER BY counter DESC LIMIT -1 OFFSET ?"
        for (series,) in self._home.database.read(sql, (account.id, self._home.settings.backup.kept)):
            await asyncio.to_thread(remove_series, self.directory(), series)
            await self._home.change(lambda execute, gone=series: execute("DELETE FROM backup_series WHERE series = ?", (gone,)))  # type: ignore[misc]

    # Looking at them

    def files(self, account: Account, place: Path | None = None) -> list[BackupFileView]:
        """The backups at a place that this account's words open."""
        recovery = recovery_of(self._home.database.read, account.id)
        place = place or self.directory()
        if recovery is None or not place.exists():
            return []
        return [
            BackupFileView(
                path=str(file.path),
                counter=file.head.counter,
                series=file.head.series.hex(),
                whole=file.head.place == 0,
                bytes=file.size,
                made=file.modified,
            )
            for file in list_files(place)
            if opens(file, recovery.key)
        ]

    def schedule(self, account: Account) -> BackupScheduleView:
        """When backups are made by themselves, and how the last one went."""
        query, settings = self._home.database.read, self._home.settings.backup
        row = first(query, "SELECT counter, made, failed, failure FROM backup WHERE account = ?", (account.id,)) or (0, 0.0, 0.0, "")
        recovery = recovery_of(query, account.id)
        counter, made, failed, failure = row
        return BackupScheduleView(
            account=str(account.address),
            directory=str(self.directory()),
            every=settings.every,
            kept=settings.kept,
            active=bool(settings.every and recovery is not None and recovery.confirmed),
            counter=counter,
            made=made,
            failed=failed,
            failure=failure,
        )

    async def verify(self, account: Account, place: Path | None = None, key: RecoveryKey | None = None) -> RestoredView:
        """Restore a backup into a store that is thrown away, and count what came."""
        recovery = recovery_of(self._home.database.read, account.id)
        key = key or (recovery.key if recovery else None)
        if key is None:
            raise NotFoundError("backup.not_found", "This account has made no backup yet.", "Make one: connexa backup create")
        async with self._turn:
            return await try_restore(self._home, place or self.directory(), key)


def _append(file: NewFile, sealer: Sealer, records: list[bytes]) -> None:
    file.write(b"".join(sealer.add(record) for record in records))
