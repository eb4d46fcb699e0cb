"""Recovery words and backups, as operations of the API."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery, JSONBody

from connexa.node.views import BackupFileView, BackupScheduleView, BackupView, RecoveryView, RestoredView

from .answers import Listing, WordsAnswer
from .bodies import CheckWords, CreateBackup, OfAccount, RestoreBackup, VerifyBackup
from .given import GivenNode

__all__ = ["HANDLERS"]


@get("/api/account/recovery")
async def recovery_state(node: GivenNode, account: FromQuery[str] = "") -> RecoveryView:
    """How it stands with the recovery words."""
    return node.recovery(account)


@post("/api/account/recovery/show", status_code=200)
async def show_recovery(node: GivenNode, data: JSONBody[OfAccount]) -> WordsAnswer:
    """The recovery words: whoever has them and a backup is this person."""
    return WordsAnswer(list(await node.show_recovery(data.account)))


@post("/api/account/recovery/rotate", status_code=200)
async def rotate_recovery(node: GivenNode, data: JSONBody[OfAccount]) -> WordsAnswer:
    """New recovery words, for every backup from now on."""
    return WordsAnswer(list(await node.show_recovery(data.account, rotate=True)))


@post("/api/account/recovery/verify", status_code=200)
async def verify_recovery(node: GivenNode, data: JSONBody[CheckWords]) -> RecoveryView:
    """Check that the words are written down: three of them at least."""
    return await node.verify_recovery(data.account, data.words)


@post("/api/backup/create", status_code=200)
async def create_backup(node: GivenNode, data: JSONBody[CreateBackup]) -> BackupView:
    """Make a backup; events `backup.progress` tell how far it is."""
    return await node.create_backup(data.account, data.place)


@get("/api/backup/files")
async def list_backups(node: GivenNode, account: FromQuery[str] = "", place: FromQuery[str] = "") -> Listing[BackupFileView]:
    """The backups of an account in the usual directory, or at a place."""
    return Listing(node.backup_files(account, place))


@get("/api/backup/schedule")
async def backup_schedule(node: GivenNode, account: FromQuery[str] = "") -> BackupScheduleView:
    """When backups are made by themselves, and how the last one went."""
    return node.backup_schedule(account)


@post("/api/backup/verify", status_code=200)
async def verify_backup(node: GivenNode, data: JSONBody[VerifyBackup]) -> RestoredView:
    """Restore a backup into a store that is thrown away, and count what it holds."""
    return await node.verify_backup(data.account, data.place, data.words)


@post("/api/backup/restore", status_code=200)
async def restore_backup(node: GivenNode, data: JSONBody[RestoreBackup]) -> RestoredView:
    """Bring an account back, with this node as its new device."""
    return await node.restore_backup(data.place, data.words)


HANDLERS = [
    recovery_state,
    show_recovery,
    rotate_recovery,
    verify_recovery,
    create_backup,
    list_backups,
    backup_schedule,
    verify_backup,
    restore_backup,
]
