"""Groups' delivery service: key packages, Welcomes and aliases of our own devices; the hub that orders a group's log, and its fallbacks.

`service` composes it. Our people: `key_packages`, `aliases`, `welcomes`. As a hub: `requests` (shape), `hub` (what is asked), `commits`
(bundles), `rejects` (one in another's place), `assisted`, `ledger` (rows), `headers` (what MLS shows to everybody), `refusals`. Between
homeservers: `waiting` (rows) and `courier` (out), `news` (in), `failover`.
"""

from __future__ import annotations

from .schema import GROUP_TABLES

__all__ = ["GROUP_TABLES"]
