"""What administrators may see and do, as the admin API offers it, on top of the running homeserver."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from typing import Any

from connexa import __version__
from connexa.discovery import Remote
from connexa.errors import ConnexaError
from connexa.homeserver.accounts import RESET_DAYS
from connexa.homeserver.admin import AccountInfo, InviteInfo, StatusInfo
from connexa.homeserver.audit import Entry, page
from connexa.homeserver.canary import canary_of, renew_canary
from connexa.homeserver.federation import Trust, Waiting
from connexa.homeserver.homeserver import Homeserver
from connexa.homeserver.reload import Reloaded, Reread, reload
from connexa.homeserver.stats import StatsInfo, read_stats
from connexa.identity import Domain
from connexa.store import KeyCustody

__all__ = ["Office"]


class Office:
    """Implements `Administered`."""

    def __init__(
        self,
        house: Homeserver,
        trust: Trust,
        ports: Mapping[str, int],
        custody: KeyCustody,
        *,
        clock: Callable[[], float],
        reread: Reread,
    ) -> None:
        self._house = house
        self._trust = trust
        self._ports = dict(ports)
        self._custody = custody
        self._clock = clock
        self._started = clock()
        self._reread = reread

    def status(self) -> StatusInfo:
        """How the homeserver is."""
        house = self._house
        failure = house.writer.failure
        messages, size = house.database.read("SELECT coalesce(sum(messages), 0), coalesce(sum(bytes), 0) FROM mailbox_load")[0]
        return StatusInfo(
            domain=house.domain,
            version=__version__,
            pid=os.getpid(),
            started=self._started,
            healthy=failure is None,
            failure=failure.code if failure else "",
            ports=self._ports,
            key=house.domain_key.public.raw.hex(),
            users=int(house.database.read("SELECT count(*) FROM account WHERE deleted = 0")[0][0]),
            links={"mailbox": house.links.mailboxes},
            mailbox_messages=int(messages),
            mailbox_bytes=int(size),
            queued=sum(waiting.envelopes for waiting in house.queue.status()),
            database_bytes=house.database.size(),
            leaf_expires=house.leaf.not_after,
            custody=self._custody.value,
        )

    def users(self) -> list[AccountInfo]:
        """Every account."""
        return [
            AccountInfo(
                address=f"{found.localpart}@{self._house.domain}",
                created=found.created,
                admin=found.admin,
                devices=found.devices,
                waiting=found.waiting,
            )
            for found in self._house.list_users()
        ]

    async def stats(self) -> StatsInfo:
        """What the domain keeps, and for whom; reads much, beside everything else."""
        database, domain = self._house.database, self._house.domain
        return await asyncio.to_thread(database.aside, lambda query: read_stats(query, domain, database.size()))

    def audit(self, before: int, limit: int) -> list[Entry]:
        """What administrators did, the newest first."""
        return page(self._house.database.read, before, limit)

    def canary(self) -> Mapping[str, Any]:
        """The operators' newest statement."""
        return canary_of(self._house.database.read, self._house.domain_keys)

    async def renew_canary(self, statement: str, days: int, who: str) -> Mapping[str, Any]:
        """Sign and publish a new statement."""
        house, now = self._house, self._clock()
        return await house.administer(
            lambda execute: renew_canary(execute, house.domain_keys, statement, days, now), who, "canary.renewed", f"{days} days"
        )

    async def reload(self, who: str) -> Reloaded:
        """Read the settings anew."""
        reloaded = reload(self._house, self._reread)
        await self._house.administer(lambda execute: None, who, "settings.reloaded", " ".join(reloaded.changed))
        return reloaded

    async def delete_user(self, localpart: str, who: str) -> None:
        """Delete an account and end its links."""
        await self._house.delete_user(localpart, who=who)

    async def reset_user(self, localpart: str, who: str) -> InviteInfo:
        """Let a person who lost their key begin anew at their address."""
        secret = await self._house.reset_user(localpart, who=who)
        return InviteInfo(invite=secret, uses=1, expires=int(self._clock()) + RESET_DAYS * 86_400)

    async def create_invite(self, uses: int, days: int, admin: bool, who: str) -> InviteInfo:
        """Make an invite to register."""
        secret = await self._house.create_account_invite(uses, days, admin, who=who)
        return InviteInfo(invite=secret, uses=uses, expires=int(self._clock()) + days * 86_400)

    async def remotes(self) -> list[tuple[Remote, bool]]:
        """Pinned domains, and whether they may connect at once."""
        found = []
        for domain in self._house.remote_table.domains:
            try:
                remote = await self._house.pins.known(domain)
            except ConnexaError:  # its record does not hold
                continue
            if remote is not None:
                found.append((remote, domain in self._trust))
        return found

    def queues(self) -> list[Waiting]:
        """What waits for other domains."""
        return self._house.queue.status()

    async def refresh_remote(self, domain: Domain, who: str) -> Remote:
        """Look a domain up now, and let it in as it is found."""
        await self._house.administer(lambda execute: None, who, "domain.refreshed", domain)
        remote = await self._house.pins.refresh(domain)
        self._trust.learn(domain, remote.keys)
        self._house.heard_from(domain)
        return remote

    async def forget_remote(self, domain: Domain, who: str) -> None:
        """Drop a pin; open connections of that domain end with their next call."""
        await self._house.administer(lambda execute: None, who, "domain.forgotten", domain)
        await self._house.pins.forget(domain)
        self._trust.forget(domain)
