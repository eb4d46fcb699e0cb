"""Where a homeserver's state is, and opening it: an encrypted database of its own, or one that several processes share."""

from __future__ import annotations

from connexa.crypto import Rng
from connexa.errors import RefusedError
from connexa.homeserver.premises import ServerPremises
from connexa.homeserver.schema import MIGRATIONS
from connexa.homeserver.settings import ServerSettings
from connexa.store import KeyCustody, Store, load_key, open_database
from connexa.store.shared import open_shared

__all__ = ["open_existing", "open_store"]


def open_store(
    store: str, premises: ServerPremises, rng: Rng, *, password: str | None, use_keyring: bool = False
) -> tuple[Store, KeyCustody]:
    """Open what `store` names (the setting), made if it is not there; and who keeps its key."""
    if store:
        return open_shared(store, MIGRATIONS), KeyCustody.SHARED
    key, custody = load_key(premises.data, rng, password=password, use_keyring=use_keyring)
    return open_database(premises.database, key, MIGRATIONS), custody


def open_existing(settings: ServerSettings, premises: ServerPremises, rng: Rng, *, password: str | None) -> tuple[Store, KeyCustody]:
    """The same of a homeserver that was founded; `server.not_initialised` where it was not."""
    missing = RefusedError("server.not_initialised", "This homeserver has no database yet.", f"Run: connexa server init {settings.domain}")
    if not settings.store and not premises.database.exists():
        raise missing
    store, custody = open_store(settings.store, premises, rng, password=password)
    if store.first("SELECT 1 FROM setting WHERE name = 'domain'") is None:
        store.close()
        raise missing
    return store, custody
