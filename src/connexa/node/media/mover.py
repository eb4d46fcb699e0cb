"""The tasks that move files of one account: up, one message after the other; down, what the owner wants; and out, what nothing needs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from connexa.errors import ConnexaError
from connexa.node.account import Account
from connexa.node.home import Home
from connexa.node.media.fetcher import Fetcher
from connexa.node.media.files import MessageFile, set_failure, wanted_files
from connexa.node.media.folder import MediaFolder
from connexa.node.media.sends import Send, fail, next_send
from connexa.node.media.uploader import GivenUpError, OnSaid, Uploader
from connexa.node.people import Person
from connexa.node.retry import Backoff
from connexa.node.wakeups import Wakeups, wait_for
from connexa.store import Execute
from connexa.tasks import TaskGroup

__all__ = ["MediaMover", "media_folder"]

_log = logging.getLogger("connexa.node.media")

TRY_AGAIN_SECONDS: Final = 60.0


def media_folder(home: Home) -> MediaFolder:
    """The folder of sealed files beside a node's store."""
    return MediaFolder(home.database.path.parent / "media")


class MediaMover:
    """Runs as long as its account."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups, on_said: OnSaid, on_left: Callable[[Person | None], None]) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self._on_left = on_left
        self._folder = media_folder(home)
        self._uploader = Uploader(home, account, self._folder, on_said)
        self.fetcher = Fetcher(home, account, self._folder)

    async def run(self) -> None:
        """Move what there is to move until cancelled."""
        async with TaskGroup() as tasks:
            tasks.create_task(self._try_again(self._wakeups.uploads, self._upload_all))
            tasks.create_task(self._try_again(self._wakeups.downloads, self._fetch_all))

    async def _try_again(self, wake: asyncio.Event, work: Callable[[], Awaitable[bool]]) -> None:
        """Work at each wake-up; while something waits for better times, also every now and then."""
        backoff = Backoff(self._home.rng, start=1.0, most=TRY_AGAIN_SECONDS)
        waits = await work()
        while True:
            if not waits:
                backoff.reset()
            await wait_for(wake, backoff.next() + 1.0 if waits else None)
            waits = await work()

    async def _upload_all(self) -> bool:
        """Send every message that can go; True where one has to wait."""
        waiting: set[int] = set()
        while (send := next_send(self._home.database.read, self._account.id, frozenset(waiting))) is not None:
            if not await self._upload(send):
                waiting.add(send.id)
        try:
            await self._uploader.end_given_up()
        except ConnexaError as error:
            _log.info("media.end failed code=%s", error.code)
            return True
        return bool(waiting)

    async def _upload(self, send: Send) -> bool:
        try:
            self._on_left(await self._uploader.send(send))
        except GivenUpError:
            pass
        except ConnexaError as error:
            if error.code == "pass.missing":
                self._wakeups.upkeep.set()  # it fetches as many as are asked for, and wakes us
            if error.retryable:
                _log.info("upload.waits code=%s", error.code)
                return False
            code = error.code
            await self._home.change(lambda execute: fail(execute, self._home, self._account, send, code))
        return True

    async def _fetch_all(self) -> bool:
        """Fetch every file that is wanted; True where one has to wait."""
        waits = False
        for file in wanted_files(self._home.database.read, self._account):
            try:
                await self.fetcher.whole(file)
            except ConnexaError as error:
                _log.info("fetch.stopped code=%s", error.code)
                waits |= error.retryable
                code, final = error.code, not error.retryable
                await self._home.change(lambda execute, of=file, why=code, over=final: self._fail(execute, of, why, over))  # type: ignore[misc]
        return waits

    def _fail(self, execute: Execute, file: MessageFile, code: str, final: bool) -> None:
        if not set_failure(execute, self._account.id, file, code, final=final):
            return
        at = self._home.clock()
        self._home.events.record(
            execute, str(self._account.address), "attachment.failed", at, id=file.message.hex(), file=file.place, code=code
        )
