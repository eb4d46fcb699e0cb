"""What waits for other homeservers: news of groups that must not be lost, until they have arrived (groups §5.4, §5.8).

A Welcome is kept once for all whom it adds and cut into their parts when these are sent: apart, the parts of one bundle would fill fifty
megabytes here. How much may wait, and for how many domains that nobody has ever reached, is bounded: members choose the domains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from connexa.homeserver.groups.headers import part_of_welcome
from connexa.homeserver.groups.refusals import HubRefused
from connexa.homeserver.groups.welcomes import WELCOME_LIFE
from connexa.homeserver.settings import LimitSettings
from connexa.homeserver.tables import Query, first
from connexa.store import Execute, Row
from connexa.wire import MAX_BATCH
from connexa.wire.v1.groups_pb2 import GroupAdd, GroupNews, GroupWelcome

__all__ = ["Sent", "check_news_room", "expire_news", "move_on", "next_news", "put_news", "put_welcomes", "waiting_domains"]

ROWS_AT_ONCE: Final = 64
MAX_UNKNOWN: Final = 256  # domains without a pin that news wait for
ALL_DOMAINS: Final = ""  # whose load is that of all

Sent = tuple[int, int]
"""A row, and the place of its Welcome in the news, if it has one."""


def put_news(execute: Execute, domain: str, news: GroupNews, now: float) -> None:
    """Store news in the operation that makes them; wake the courier after its commit."""
    _put(execute, domain, news, now)


def put_welcomes(execute: Execute, welcome: bytes, adds: Sequence[GroupAdd], seq: int, now: float) -> None:
    """Store a Welcome, which has an entry for each of these, for their homeservers."""
    stored: list[Row] = execute("INSERT INTO group_parcel (welcome) VALUES (?) RETURNING id", (welcome,)).fetchall()
    share = len(welcome) // len(adds) + 1
    for add in adds:
        given = GroupWelcome(alias=add.place.alias, ref=add.ref, extra=add.extra, seq=seq)
        _put(execute, add.place.domain, GroupNews(welcomes=[given]), now, parcel=stored[0][0], share=share)


def _put(execute: Execute, domain: str, news: GroupNews, now: float, *, parcel: int | None = None, share: int = 0) -> None:
    raw = news.SerializeToString()
    execute(
        "INSERT INTO group_news (domain, expires, size, parcel, news) VALUES (?, ?, ?, ?, ?)",
        (domain, int(now) + WELCOME_LIFE, len(raw) + share, parcel, raw),
    )


def check_news_room(query: Query, own: str, domains: Iterable[str], size: int, limits: LimitSettings) -> None:
    """Refuse news of so many bytes to these domains where too much waits already, or for too many domains that nobody has reached."""
    others = set(domains) - {own}
    bounds = {ALL_DOMAINS: limits.queue_bytes} | dict.fromkeys(others, limits.queue_domain_bytes)
    loads = {name: _load_of(query, name) for name in bounds}
    if any(loads[name] + size > most for name, most in bounds.items()):
        raise HubRefused("group.full", "Too much waits for the homeservers of this group.", retryable=True)
    new = [name for name in others if not loads[name] and first(query, "SELECT 1 FROM remote WHERE domain = ?", (name,)) is None]
    if new and _unknown(query, own) + len(new) > MAX_UNKNOWN:
        raise HubRefused("group.full", "Too many homeservers that this one has never reached are waited for.", retryable=True)


def waiting_domains(query: Query) -> list[str]:
    """For whom something waits."""
    return [row[0] for row in query("SELECT domain FROM group_news_load WHERE domain != ?", (ALL_DOMAINS,))]


def _load_of(query: Query, domain: str) -> int:
    row = first(query, "SELECT bytes FROM group_news_load WHERE domain = ?", (domain,))
    return int(row[0]) if row else 0


def _unknown(query: Query, own: str) -> int:
    sql = "SELECT count(*) FROM group_news_load WHERE domain NOT IN (?, ?) AND domain NOT IN (SELECT domain FROM remote)"
    row = first(query, sql, (ALL_DOMAINS, own))
    return int(row[0]) if row else 0


def next_news(query: Query, domain: str) -> tuple[GroupNews, list[Sent]]:
    """The oldest that wait for a domain, as many as fit into one call."""
    news, rows, parcels = GroupNews(), list[Sent](), dict[int, bytes]()
    sql = "SELECT id, parcel, news FROM group_news WHERE domain = ? ORDER BY id LIMIT ?"
    for row_id, parcel, raw in query(sql, (domain, ROWS_AT_ONCE)):
        one = GroupNews.FromString(raw)
        if parcel is not None:
            if parcel not in parcels:
                parcels = {parcel: next(iter(query("SELECT welcome FROM group_parcel WHERE id = ?", (parcel,))))[0]}
            one.welcomes[0].welcome = part_of_welcome(parcels[parcel], one.welcomes[0].ref)
        if rows and news.ByteSize() + one.ByteSize() > MAX_BATCH:
            break
        rows.append((row_id, len(news.welcomes)))
        news.MergeFrom(one)
    return news, rows


def move_on(execute: Execute, done: Sequence[int], waiting: Sequence[int]) -> None:
    """Forget what has arrived, and put what found no room behind the rest."""
    columns = "domain, expires, size, parcel, news"
    for row_id in waiting:
        execute(f"INSERT INTO group_news ({columns}) SELECT {columns} FROM group_news WHERE id = ?", (row_id,))  # noqa: S608 - constants
    for row_id in (*done, *waiting):
        execute("DELETE FROM group_news WHERE id = ?", (row_id,))


def expire_news(execute: Execute, now: float, limit: int) -> int:
    """Forget some of the news that nobody took in time."""
    sql = "DELETE FROM group_news WHERE id IN (SELECT id FROM group_news WHERE expires <= ? LIMIT ?) RETURNING id"
    return len(execute(sql, (int(now), limit)).fetchall())
