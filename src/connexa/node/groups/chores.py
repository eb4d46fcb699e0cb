"""What groups need of the own homeserver, on an open mailbox link: aliases, key packages, Welcomes; and key packages of own devices."""

from __future__ import annotations

from connexa.content import MemberCard
from connexa.identity import DeviceId
from connexa.node.account import Account, own_device_list
from connexa.node.groups.joining import take_welcome
from connexa.node.groups.pool import forget_old_key_packages, make_due_key_packages, mark_offered, next_offer, pool_is_foreign
from connexa.node.home import Home, rows
from connexa.node.key_packages import (
    ALIASES_AT_ONCE,
    Claimed,
    fetch_welcomes,
    key_package_status,
    own_key_packages,
    put_aliases,
    put_key_packages,
    welcomes_done,
)
from connexa.node.link import MailboxLink
from connexa.store import Execute

__all__ = ["GroupChores", "card_of"]


def card_of(claimed: Claimed) -> MemberCard:
    """What a key package that was claimed brings into a group."""
    proof = claimed.proof
    return MemberCard(proof.user, claimed.signed_certificate, claimed.key_package, claimed.signed_proof)


class GroupChores:
    """The chores of one account on one mailbox link; each looks at the store for what is due."""

    def __init__(self, home: Home, account: Account, link: MailboxLink) -> None:
        self._home = home
        self._account = account
        self._link = link

    async def aliases(self, *, renew: bool) -> None:
        """Let the homeserver know by which names hubs know this device; `renew`: those too that it knows."""
        sql = "SELECT id, alias FROM mls_group WHERE account = ? AND state NOT IN ('waiting', 'left', 'removed') AND alias_put <= ?"
        waiting = rows(self._home.database.read, sql, (self._account.id, int(renew)))
        for begin in range(0, len(waiting), ALIASES_AT_ONCE):
            batch = waiting[begin : begin + ALIASES_AT_ONCE]
            await put_aliases(self._link, [alias for _, alias in batch])
            await self._home.change(lambda execute, done=batch: _mark_put(execute, done))  # type: ignore[misc]
        await self._drop_aliases()

    async def _drop_aliases(self) -> None:
        others = "SELECT 1 FROM mls_group o WHERE o.account = g.account AND o.alias = g.alias AND o.state NOT IN ('left', 'removed')"
        sql = (
            "SELECT id, alias FROM mls_group g WHERE account = ? AND state IN ('left', 'removed') AND alias_put = 1"  # noqa: S608 - constants
            f" AND NOT EXISTS ({others}) LIMIT ?"
        )
        over = rows(self._home.database.read, sql, (self._account.id, ALIASES_AT_ONCE))
        if over:
            await put_aliases(self._link, [], [alias for _, alias in over])
            await self._home.change(lambda execute: _mark_dropped(execute, over))

    async def key_packages(self) -> None:
        """Fill the pool."""
        home, account = self._home, self._account
        status = await key_package_status(self._link)
        anew = pool_is_foreign(home.database.read, account, status)
        await home.change(lambda execute: make_due_key_packages(execute, home, account, status))
        while (offer := await home.change(lambda execute: next_offer(execute, account))) is not None:
            offer[0].anew, anew = anew, False
            await put_key_packages(self._link, offer[0])
            await home.change(lambda execute, refs=offer[1]: mark_offered(execute, account, refs))  # type: ignore[misc]
        await home.change(lambda execute: forget_old_key_packages(execute, home.clock()))

    async def welcomes(self) -> bool:
        """Join what this device was added to; the homeserver may forget a Welcome only then. True if there was one."""
        home, account = self._home, self._account
        joined, more = False, True
        while more:
            kept, more = await fetch_welcomes(self._link)
            for one in kept:
                joined = await home.change(lambda execute, welcome=one: take_welcome(execute, home, account, welcome)) or joined  # type: ignore[misc]
            if kept:
                await welcomes_done(self._link, [one.id for one in kept])
        return joined

    async def own_cards(self, devices: list[DeviceId]) -> list[MemberCard]:
        """Key packages of own devices that are to come into a group."""
        own = own_device_list(self._home.database.read, self._account)
        if own is None:
            return []
        claimed = await own_key_packages(self._link, devices, self._account.user, own[1], self._home.clock())
        return [card_of(one) for one in claimed]


def _mark_put(execute: Execute, groups: list[tuple[int, bytes]]) -> None:
    for number, alias in groups:
        execute("UPDATE mls_group SET alias_put = 1 WHERE id = ? AND alias = ?", (number, alias))


def _mark_dropped(execute: Execute, groups: list[tuple[int, bytes]]) -> None:
    for number, _ in groups:
        execute("UPDATE mls_group SET alias_put = 0 WHERE id = ?", (number,))
