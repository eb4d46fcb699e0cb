"""One account at work: its mailbox link, its delivery, and the changes that need the homeserver at once."""

from __future__ import annotations

import asyncio
import logging

from connexa.node.account import Account
from connexa.node.delivery import Delivery
from connexa.node.endings import cause_of
from connexa.node.groups.pump import GroupPump
from connexa.node.home import Home
from connexa.node.mailbox import Mailbox
from connexa.node.media.mover import MediaMover
from connexa.node.mender import Mender
from connexa.node.people import Person
from connexa.node.wakeups import Wakeups
from connexa.store import Execute
from connexa.tasks import TaskGroup

__all__ = ["RunningAccount"]

_log = logging.getLogger("connexa.node.running")

STORE_PAUSE = 5.0  # before the next try where the disk takes no writes


class RunningAccount:
    """The tasks of an account; `run` holds them."""

    def __init__(self, home: Home, account: Account) -> None:
        self.account = account
        self.wakeups = Wakeups()
        self._home = home
        self._make()

    def _make(self) -> None:
        self.delivery = Delivery(self._home, self.account, self.wakeups)
        self.groups = GroupPump(self._home, self.account, self.wakeups, self.delivery)
        self.mailbox = Mailbox(self._home, self.account, self.wakeups, self.delivery, self.groups)
        self.mender = Mender(self._home, self.account, self.wakeups, self.delivery)
        self.media = MediaMover(self._home, self.account, self.wakeups, self._said, self._left)

    def _said(self, execute: Execute, person: Person | None) -> None:
        if person is not None:
            self.delivery.seal_at_once(execute, person)

    def _left(self, person: Person | None) -> None:
        """A message has come to the log by itself: to a person, or to a group."""
        if person is None:
            self.groups.go_on()
            return
        self.delivery.submitter.wake()
        self.delivery.go_on([person.id])

    async def run(self) -> None:
        """Work until cancelled, or until this device is revoked; a disk that takes no writes for a while ends nothing."""
        while True:
            try:
                async with TaskGroup() as tasks:
                    tasks.create_task(self.mailbox.run())
                    tasks.create_task(self.delivery.run())
                    tasks.create_task(self.groups.run())
                    tasks.create_task(self.mender.run())
                    tasks.create_task(self.media.run())
            except BaseExceptionGroup as ended:
                cause = cause_of(ended)
                if cause is not None and cause.code == "account.revoked":
                    return
                if cause is None or not cause.retryable or not cause.code.startswith("store."):
                    raise
                _log.error("store.unwritable code=%s", cause.code)
                self._make()
                self.mailbox.failure = cause.code
                await asyncio.sleep(STORE_PAUSE)

    def wake(self, *people: int) -> None:
        """Something has changed in the store: look again at all that this account does."""
        self.delivery.go_on(people)
        self.wakeups.receipts.set()
        self.wakeups.group_receipts.set()
        self.wakeups.own_copies.set()
        self.wakeups.own_messages.set()
        self.groups.go_on()
