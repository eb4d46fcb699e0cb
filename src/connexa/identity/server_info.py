"""Server info: a domain's keys, endpoints, pass keys and limits, signed by its current domain key (identity §3).

Found in the open it vouches for itself only (`read_server_info`); what it is worth is decided by the pin (`pins`).
Pinned, it is checked against the pinned keys (`verify_server_info`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from connexa.crypto import Ed25519Public, Ed25519Secret, Kind
from connexa.errors import IntegrityError
from connexa.identity.address import Domain
from connexa.identity.endpoint import Endpoints
from connexa.identity.statement import CLOCK_SKEW, open_statement, seal_statement
from connexa.wire import MAX_STATEMENT, parse
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import PassKey, Policy, Signed

MAX_KEYS = 2
MAX_PASS_KEYS = 4
MAX_INFO_LIFE = 30 * 86_400

_KEY_ID = re.compile(r"[a-z0-9-]{1,16}")


@dataclass(frozen=True, slots=True)
class DomainKey:
    """A domain key as it is published: the current one, or the one that comes next."""

    key: Ed25519Public
    id: str = "1"
    not_before: int = 0
    next: bool = False

    def __post_init__(self) -> None:
        if not _KEY_ID.fullmatch(self.id):
            raise invalid_info("A key's id is malformed.")


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """What every channel says of a domain: one current key and perhaps the next."""

    current: DomainKey
    following: DomainKey | None = None

    def __contains__(self, raw: bytes) -> bool:
        return raw in (key.key.raw for key in (self.current, self.following) if key)

    @classmethod
    def of(cls, keys: Iterable[DomainKey]) -> PublishedKeys:
        """Take one current key and at most one that comes next; anything else is refused."""
        keys = tuple(keys)
        current, following = [k for k in keys if not k.next], [k for k in keys if k.next]
        if len(current) != 1 or len(following) > 1:
            raise invalid_info("It must publish one current key and at most one that comes next.")
        return cls(current[0], following[0] if following else None)


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a domain publishes about itself."""

    domain: Domain
    keys: PublishedKeys
    endpoints: Endpoints
    issued: int
    expires: int
    min_version: int
    max_version: int
    pass_keys: tuple[PassKey, ...] = ()
    media_keys: tuple[PassKey, ...] = ()
    policy: Policy = field(default_factory=Policy)


def issue_server_info(info: ServerInfo, domain_key: Ed25519Secret) -> Signed:
    """Sign with the current domain key."""
    if domain_key.public != info.keys.current.key:
        raise invalid_info("It is signed by the current key alone.")
    published = [key for key in (info.keys.current, info.keys.following) if key]
    message = keys_pb2.ServerInfo(
        domain=info.domain,
        keys=[keys_pb2.DomainKey(id=k.id, key=k.key.raw, not_before=k.not_before, next=k.next) for k in published],
        federation=str(info.endpoints.federation),
        link=str(info.endpoints.link),
        https=str(info.endpoints.https),
        pass_keys=info.pass_keys,
        media_keys=info.media_keys,
        policy=info.policy,
        issued=info.issued,
        expires=info.expires,
        min_version=info.min_version,
        max_version=info.max_version,
    )
    return seal_statement(Kind.SERVER_INFO, message, domain_key)


def verify_server_info(signed: Signed, keys: Iterable[Ed25519Public], *, domain: Domain, now: float) -> ServerInfo:
    """Check a server info against the pinned keys of its domain."""
    return _checked(open_statement(Kind.SERVER_INFO, signed, keys, keys_pb2.ServerInfo), domain, now)


def read_server_info(signed: Signed, *, domain: Domain, now: float) -> ServerInfo:
    """Check a server info against the current key that it names itself: evidence for a pin, no more."""
    info = _checked(parse(keys_pb2.ServerInfo, signed.body, MAX_STATEMENT), domain, now)
    info.keys.current.key.verify(Kind.SERVER_INFO, signed.body, signed.signature)
    return info


def _checked(message: keys_pb2.ServerInfo, domain: Domain, now: float) -> ServerInfo:
    if message.domain != domain:
        raise invalid_info("It is about another domain.")
    if message.expires < now:
        raise IntegrityError("info.expired", "The server info of a domain has expired.")
    if message.issued > now + CLOCK_SKEW or message.expires > message.issued + MAX_INFO_LIFE:
        raise invalid_info("It is dated ahead, or valid for too long.")
    if len(message.keys) > MAX_KEYS or max(len(message.pass_keys), len(message.media_keys)) > MAX_PASS_KEYS:
        raise invalid_info("It names too many keys.")
    if any(len(p.key) != 32 for p in (*message.pass_keys, *message.media_keys)) or not 0 < message.min_version <= message.max_version:
        raise invalid_info("It is malformed.")
    keys = (DomainKey(Ed25519Public.from_bytes(k.key), k.id, k.not_before, k.next) for k in message.keys)
    return ServerInfo(
        domain=domain,
        keys=PublishedKeys.of(keys),
        endpoints=Endpoints.parse(domain, federation=message.federation, link=message.link, https=message.https),
        issued=message.issued,
        expires=message.expires,
        min_version=message.min_version,
        max_version=message.max_version,
        pass_keys=tuple(message.pass_keys),
        media_keys=tuple(message.media_keys),
        policy=message.policy,
    )


def invalid_info(why: str) -> IntegrityError:
    """The refusal of what a domain publishes about itself."""
    return IntegrityError("domain.invalid", f"What a domain publishes about itself is not valid. {why}")
