"""Mending of an account, at times of its own: what is missing is asked for, what stays unconfirmed goes again (product §1, U1, U17)."""

from __future__ import annotations

from connexa.node.account import Account
from connexa.node.asks import next_ask, send_asks
from connexa.node.delivery import Delivery
from connexa.node.home import Home
from connexa.node.resends import repeat_silent
from connexa.node.wakeups import Wakeups, wait_for
from connexa.store import Execute

__all__ = ["Mender", "mend"]

LONGEST_PAUSE = 300.0


class Mender:
    """The mending of one account; `run` is its task."""

    def __init__(self, home: Home, account: Account, wakeups: Wakeups, delivery: Delivery) -> None:
        self._home = home
        self._account = account
        self._wakeups = wakeups
        self._delivery = delivery

    async def run(self) -> None:
        """Mend for as long as the account runs: when something is due, and now and then."""
        while True:
            people = await self._home.change(lambda execute: mend(execute, self._home, self._account))
            if people:
                self._delivery.go_on(people)
            while (pause := self._until_next()) > 0:
                if not await wait_for(self._wakeups.mend, pause):
                    break

    def _until_next(self) -> float:
        now = self._home.clock()
        due = next_ask(self._home.database.read, self._account.id, now)
        return LONGEST_PAUSE if due is None else min(due - now, LONGEST_PAUSE)


def mend(execute: Execute, home: Home, account: Account) -> set[int]:
    """Do what is due now; returns the people to whom something goes out."""
    return send_asks(execute, home, account) | repeat_silent(execute, home, account)
