"""The warrant canary: a dated statement of the operators that they renew by hand, and that is stale where they do not.

The homeserver never renews it by itself: that it was renewed is what it says.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from connexa.crypto import Kind
from connexa.errors import NotFoundError, UsageError
from connexa.homeserver.domain_key import DomainKeys
from connexa.homeserver.tables import Query, first, put_setting
from connexa.identity import MAX_NOTICE, issue_notice, read_notice
from connexa.store import Execute

__all__ = ["canary_of", "published_canary", "renew_canary"]

MAX_DAYS: Final = 366
MAX_STATEMENT: Final = MAX_NOTICE // 8
_SETTING: Final = "canary"
_STATEMENT: Final = (
    "As of {day}, the operators of {domain} have received no secret order, have handed no key and no database to anybody, and know of no"
    " way into this homeserver that is not published."
)


def renew_canary(execute: Execute, keys: DomainKeys, statement: str, days: int, now: float) -> Mapping[str, Any]:
    """Sign and keep a statement (empty: the usual one) that is good for so many days; returns the document."""
    if not 1 <= days <= MAX_DAYS or len(statement) > MAX_STATEMENT:
        raise UsageError("canary.malformed", f"A canary is good for 1 to {MAX_DAYS} days and has up to {MAX_STATEMENT} characters.")
    day = time.strftime("%Y-%m-%d", time.gmtime(now))
    said = statement.strip() or _STATEMENT.format(day=day, domain=keys.domain)
    document = {"statement": said, "expires": int(now) + days * 86_400}
    raw = issue_notice(Kind.CANARY, document, domain=keys.domain, now=now, key=keys.current, key_id=keys.published.current.id)
    put_setting(execute, _SETTING, raw)
    return {"domain": keys.domain, "issued": int(now), **document}


def published_canary(query: Query) -> bytes:
    """The signed document as it is published; NotFoundError where there never was one."""
    row = first(query, "SELECT value FROM setting WHERE name = ?", (_SETTING,))
    if row is None:
        raise NotFoundError("canary.not_found", "There is no canary.", "The operator makes one with: connexa server canary renew")
    return bytes(row[0])


def canary_of(query: Query, keys: DomainKeys) -> Mapping[str, Any]:
    """The document that is published."""
    known = [key.key for key in (keys.published.current, keys.published.following) if key is not None]
    return read_notice(published_canary(query), Kind.CANARY, known, domain=keys.domain)
