"""What the command line reads of a homeserver that may run or not: what it publishes, from the database, changing nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connexa.crypto import system_random
from connexa.errors import NotFoundError, RefusedError
from connexa.homeserver.canary import canary_of
from connexa.homeserver.domain_key import DomainKeys, load_domain
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.schema import MIGRATIONS
from connexa.identity import Domain
from connexa.store import Store, load_key, open_database
from connexa.store.shared import open_shared

__all__ = ["AskPassword", "Published", "read_published"]

AskPassword = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Published:
    """What is published of a homeserver: its keys, and when its canary expires, if it has one."""

    keys: DomainKeys
    canary_end: int | None


def read_published(premises: ServerPremises, domain: Domain, ask: AskPassword | None, *, store: str = "") -> Published:
    """Open the database beside the running homeserver and read; `ask` is called where a password locks it."""
    database = open_shared(store, MIGRATIONS) if store else _embedded(premises, ask)
    try:
        keys = load_domain(database.read, domain)
        if keys is None:
            raise NotFoundError("server.not_initialised", "This homeserver has no domain key yet.", f"Run: connexa server init {domain}")
        return Published(keys, _canary_end(database, keys))
    finally:
        database.close()


def _embedded(premises: ServerPremises, ask: AskPassword | None) -> Store:
    if not premises.database.exists():
        raise NotFoundError(
            "server.not_initialised", "This profile has no homeserver yet.", "Make one with: connexa server init YOUR.DOMAIN"
        )
    try:
        key, _ = load_key(premises.data, system_random)
    except RefusedError as error:
        if error.code != "store.password_needed" or ask is None:
            raise
        key, _ = load_key(premises.data, system_random, password=ask(new=False))
    return open_database(premises.database, key, MIGRATIONS)


def _canary_end(database: Store, keys: DomainKeys) -> int | None:
    try:
        return int(canary_of(database.read, keys)["expires"])
    except NotFoundError:
        return None
