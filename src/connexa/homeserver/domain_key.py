"""The domain key: made once, kept in the encrypted database, handed over by a rotation (identity §3).

The domain of a database never changes; the key may, by `announce_next` and, after its publication, `rotate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from connexa.crypto import Ed25519Secret, Rng
from connexa.errors import ConflictError, RefusedError
from connexa.homeserver.tables import Query, first, put_setting
from connexa.identity import Domain, DomainKey, PublishedKeys, issue_domain_rotation
from connexa.store import Execute

__all__ = ["DomainKeys", "announce_next", "create_domain", "domain_of", "load_domain", "rotate"]

SETTING: Final = "domain"
MAX_ROTATIONS: Final = 8  # statements kept for those who missed some


class _Key(msgspec.Struct, frozen=True):
    id: str
    seed: bytes
    not_before: int


class _Record(msgspec.Struct, frozen=True):
    domain: str
    current: _Key
    following: _Key | None = None
    rotations: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class DomainKeys:
    """What a homeserver signs with, what it publishes of it, and its `SignedRotation`s, the newest last."""

    domain: Domain
    current: Ed25519Secret
    published: PublishedKeys
    rotations: tuple[bytes, ...]


def load_domain(query: Query, domain: Domain) -> DomainKeys | None:
    """Read the keys; `server.other_domain` where this database serves another domain."""
    record = _load(query)
    if record is None:
        return None
    if record.domain != domain:
        raise ConflictError(
            "server.other_domain",
            f"This database belongs to {record.domain}.",
            "A homeserver's domain never changes; use another data directory for another domain.",
        )
    return _keys(record)


def domain_of(query: Query) -> Domain | None:
    """Which domain a database belongs to."""
    record = _load(query)
    return Domain(record.domain) if record is not None else None


def create_domain(execute: Execute, domain: Domain, rng: Rng, now: float) -> DomainKeys:
    """Make the first key; keys that are there already stay."""
    if (known := load_domain(execute, domain)) is not None:
        return known
    return _keep(execute, _Record(domain, _Key("1", rng(32), int(now))))


def announce_next(execute: Execute, rng: Rng, now: float) -> DomainKeys:
    """Make the key that comes next, to be published beside the current one before it is used."""
    record = _existing(execute)
    if record.following is not None:
        raise ConflictError("domain.key_announced", "The next domain key is announced already.")
    following = _Key(str(int(record.current.id) + 1), rng(32), int(now))
    return _keep(execute, msgspec.structs.replace(record, following=following))


def rotate(execute: Execute, now: float) -> DomainKeys:
    """Hand over to the announced key, with a statement that both keys sign."""
    record = _existing(execute)
    if record.following is None:
        raise RefusedError("domain.key_not_announced", "No next domain key is announced.", "Announce it first, and publish its record.")
    old, new = Ed25519Secret.from_seed(record.current.seed), Ed25519Secret.from_seed(record.following.seed)
    statement = issue_domain_rotation(Domain(record.domain), old, new, not_before=int(now)).SerializeToString()
    rotations = (*record.rotations, statement)[-MAX_ROTATIONS:]
    return _keep(execute, _Record(record.domain, record.following, None, rotations))


def _load(query: Query) -> _Record | None:
    row = first(query, "SELECT value FROM setting WHERE name = ?", (SETTING,))
    return msgspec.msgpack.decode(row[0], type=_Record) if row else None


def _existing(query: Query) -> _Record:
    record = _load(query)
    if record is None:
        raise RefusedError("server.not_initialised", "This homeserver has no domain key yet.", "Run `connexa server init DOMAIN`.")
    return record


def _keep(execute: Execute, record: _Record) -> DomainKeys:
    put_setting(execute, SETTING, msgspec.msgpack.encode(record))
    return _keys(record)


def _keys(record: _Record) -> DomainKeys:
    current, following = Ed25519Secret.from_seed(record.current.seed), record.following
    return DomainKeys(
        domain=Domain(record.domain),
        current=current,
        published=PublishedKeys(
            DomainKey(current.public, record.current.id, record.current.not_before),
            DomainKey(Ed25519Secret.from_seed(following.seed).public, following.id, following.not_before, next=True) if following else None,
        ),
        rotations=record.rotations,
    )
