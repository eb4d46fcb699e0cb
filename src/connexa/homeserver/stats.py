"""What a domain keeps, in bytes, in all and for each account: for administrators who look where their disk goes.

Reads whole tables: to be run beside the homeserver's work (`Database.aside`). Of messages it knows sizes alone.
"""

from __future__ import annotations

import msgspec

from connexa.homeserver.tables import Query, first
from connexa.identity import Domain

__all__ = ["AccountStats", "StatsInfo", "read_stats"]

_ACCOUNTS = """
SELECT a.localpart, count(d.device), max(coalesce(d.last_seen, 0)),
       sum(coalesce(l.messages, 0)), sum(coalesce(l.bytes, 0)), sum(coalesce(k.bytes, 0)), sum(coalesce(w.bytes, 0))
FROM account a
LEFT JOIN device d ON d.user = a.user
LEFT JOIN mailbox_load l ON l.device = d.device
LEFT JOIN (SELECT device, sum(bytes) AS bytes FROM (
    SELECT device, length(prekey) AS bytes FROM prekey UNION ALL SELECT device, length(offered) FROM key_package) kept GROUP BY device
) k ON k.device = d.device
LEFT JOIN (SELECT device, sum(size) AS bytes FROM welcome GROUP BY device) w ON w.device = d.device
WHERE a.deleted = 0 GROUP BY a.user ORDER BY a.localpart
"""


class AccountStats(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept for one account."""

    address: str
    devices: int
    last_seen: int  # day of the last login of any device, unix seconds
    messages: int
    mailbox_bytes: int
    key_bytes: int
    welcome_bytes: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.mailbox_bytes + self.key_bytes + self.welcome_bytes


class StatsInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in all, and for each account, those with most first."""

    accounts: tuple[AccountStats, ...]
    mailbox_bytes: int
    queue_bytes: int
    group_bytes: int
    database_bytes: int
    v: int = 1


def read_stats(query: Query, domain: Domain, database_bytes: int) -> StatsInfo:
    """Read it all; `database_bytes` is what the whole database takes."""
    accounts = [
        AccountStats(
            address=f"{localpart}@{domain}",
            devices=devices,
            last_seen=seen - seen % 86_400,
            messages=messages,
            mailbox_bytes=mailbox,
            key_bytes=keys,
            welcome_bytes=welcomes,
        )
        for localpart, devices, seen, messages, mailbox, keys, welcomes in query(_ACCOUNTS, ())
    ]
    return StatsInfo(
        accounts=tuple(sorted(accounts, key=lambda account: -account.bytes)),
        mailbox_bytes=_number(query, "SELECT coalesce(sum(bytes), 0) FROM mailbox_load"),
        queue_bytes=_number(query, "SELECT coalesce(sum(bytes), 0) FROM queue_load WHERE domain = ''"),
        group_bytes=_number(query, "SELECT coalesce(sum(bytes), 0) FROM group_load WHERE mls = x''"),
        database_bytes=database_bytes,
    )


def _number(query: Query, sql: str) -> int:
    row = first(query, sql)
    return int(row[0]) if row else 0
