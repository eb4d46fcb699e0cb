"""What goes to the person's other devices on an open mailbox link: copies on a clock of their own, history and repair at once.

Two tasks seal, one sends. Envelopes are numbered when they are sealed, and sent in that order: identical bytes again after a reconnect.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from connexa.errors import ConnexaError
from connexa.node.account import Account, sender_certificate
from connexa.node.digests import compare, until_comparison
from connexa.node.history import answer_history, ask_for_history, history_owed, until_silent
from connexa.node.home import Home
from connexa.node.link import MailboxLink
from connexa.node.link_frames import CommittedUpTo
from connexa.node.own_copies import (
    copies_waiting,
    has_other_devices,
    lacks_keys,
    messages_waiting,
    seal_own_copies,
    seal_own_messages,
    settle_own,
    unsent_own,
)
from connexa.node.retry import fraction
from connexa.node.upkeep import Upkeep
from connexa.node.wakeups import Wakeups, wait_for
from connexa.store import Execute
from connexa.tasks import TaskGroup
from connexa.wire.v1.keys_pb2 import Signed

__all__ = ["OwnMail"]

KEYS_EVERY = 5.0  # while a device that was just linked has not uploaded its keys
TROUBLE_WAIT = 5.0
OWN_BATCH = 32
SHARE = 0.5  # of the rate that the homeserver allows: what is left is for what the person does
SLOWEST = 1.0  # envelopes a second


class OwnMail:
    """The tasks of one link; `run` holds them."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups, link: MailboxLink, upkeep: Upkeep) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self._link = link
        self._upkeep = upkeep
        self._keys = asyncio.Lock()  # the keys of own devices are fetched by one task at a time

    async def run(self) -> None:
        """Tell the own devices whatever they have to know, for as long as the link stands."""
        last = self._link.ready.last
        await self._home.change(lambda execute: settle_own(execute, self._account, CommittedUpTo(last, ())))
        async with TaskGroup() as tasks:
            tasks.create_task(self._send(last))
            tasks.create_task(self._copies())
            tasks.create_task(self._messages())

    async def _send(self, sent: int) -> None:
        while True:
            while batch := unsent_own(self._home.database.read, self._account.id, sent, OWN_BATCH):
                self._link.send(batch)
                sent = batch[-1][0]
                await self._link.drain()
            await wait_for(self._wakeups.own_sealed)

    async def _copies(self) -> None:
        """Seal the gathered copies after a random wait, which hides what caused them (P38)."""
        query, account = self._home.database.read, self._account
        while True:
            if copies_waiting(query, account.id) or lacks_keys(query, account.id, self._home.clock()):
                while await self._seal(seal_own_copies):
                    pass
            await wait_for(self._wakeups.own_copies, KEYS_EVERY if lacks_keys(query, account.id, self._home.clock()) else None)
            await asyncio.sleep(_exponential(fraction(self._home.rng), self._home.settings.privacy.copies_mean))

    async def _messages(self) -> None:
        """Seal what leaves at once; of the history a slice at a time, so that what people say now goes between them."""
        query, account = self._home.database.read, self._account
        while True:
            await self._home.change(lambda execute: ask_for_history(execute, self._home, account))
            await self._home.change(lambda execute: compare(execute, self._home, account))
            failed = False
            while not failed and messages_waiting(query, account.id):
                failed = not await self._seal(seal_own_messages)
            while not failed and history_owed(query, account.id):
                failed = not await self._seal(answer_history)
                await asyncio.sleep(1.0 / max(SLOWEST, self._link.ready.limits.send_per_second * SHARE))
            await wait_for(self._wakeups.own_messages, TROUBLE_WAIT if failed else self._until_next())

    def _until_next(self) -> float | None:
        waits = (until_silent(self._home, self._account.id), until_comparison(self._home, self._account.id))
        return min((seconds for seconds in waits if seconds is not None), default=None)

    async def _seal(self, seal: Callable[[Execute, Home, Account, Signed], int]) -> bool:
        """Seal as much as one operation takes; False if nothing was sealed."""
        account, now = self._account, self._home.clock()
        sender = sender_certificate(self._home.database.read, account.id, now)
        if sender is None or not has_other_devices(self._home.database.read, account.id):
            return False
        try:
            async with self._keys:
                await self._upkeep.own_sessions()
        except ConnexaError:  # what is gathered stays so; the next round tries again
            if self._link.ended is not None:
                raise
            return False
        sealed = await self._home.change(lambda execute: seal(execute, self._home, account, sender))
        self._wakeups.own_sealed.set()
        return bool(sealed)


def _exponential(uniform: float, mean: float) -> float:
    """A wait of the exponential distribution, cut at four means."""
    return min(-math.log(1.0 - uniform), 4.0) * mean
