"""One account at work: its mailbox link, its delivery, and the changes that need the homeserver at once."""

from __future__ import annotations

from connexa.node.account import Account
from connexa.node.delivery import Delivery
from connexa.node.home import Home
from connexa.node.mailbox import Mailbox
from connexa.node.wakeups import Wakeups
from connexa.tasks import TaskGroup

__all__ = ["RunningAccount"]


class RunningAccount:
    """The tasks of an account; `run` holds them."""

    def __init__(self, home: Home, account: Account) -> None:
        self.account = account
        self.wakeups = Wakeups()
        self.delivery = Delivery(home, account, self.wakeups)
        self.mailbox = Mailbox(home, account, self.wakeups, self.delivery)

    async def run(self) -> None:
        """Work until cancelled."""
        async with TaskGroup() as tasks:
            tasks.create_task(self.mailbox.run())
            tasks.create_task(self.delivery.run())

    def wake(self, *people: int) -> None:
        """Something has changed in the store: look again at all that this account does."""
        self.delivery.go_on(people)
        self.wakeups.receipts.set()
        self.wakeups.own_copies.set()
