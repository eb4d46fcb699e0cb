"""Who the identity and discovery tests are about: Alice and Bob, two domains, and keys that nobody may have."""

from __future__ import annotations

from connexa.crypto import Ed25519Secret, X25519Secret, sha256
from connexa.identity import (
    Address,
    DeviceCertificate,
    DeviceId,
    Domain,
    DomainKey,
    Endpoints,
    PublishedKeys,
    ServerInfo,
    UserSecret,
    issue_device_certificate,
    issue_server_info,
)
from connexa.wire.v1.keys_pb2 import Signed

NOW = 1_800_000_000
DAY = 86_400
A = Domain("a.example")
B = Domain("b.example")
ALICE_ADDRESS = Address("alice", A)

# The points of small order and their second spellings (y of order 1, 2, 4, 8, and those not below p): under each of them
# one signature can fit many messages (identity §2).
P = 2**255 - 19
_ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
WEAK_KEYS = (
    *(value.to_bytes(32, "little") for value in (0, 1, P - 1, P, P + 1, 2**255 - 1, 1 + 2**255, P + 2**255)),
    bytes.fromhex(_ORDER_8),
    bytes.fromhex(_ORDER_8[:-2] + "85"),
)


def secret(name: str) -> Ed25519Secret:
    """A signing key that follows from a name."""
    return Ed25519Secret.from_seed(sha256(name.encode()))


def person(name: str) -> UserSecret:
    """A person's key that follows from a name."""
    return UserSecret(sha256(b"person", name.encode()), NOW - 3600)


def certificate(user: UserSecret, name: str, not_after: int = NOW + 365 * DAY) -> Signed:
    """A device of a person."""
    return issue_device_certificate(
        DeviceCertificate(
            user=user.id,
            device=DeviceId(sha256(b"device", name.encode())),
            dsk=secret(f"dsk {name}").public,
            dik=X25519Secret.from_bytes(sha256(b"dik", name.encode())).public,
            not_after=not_after,
        ),
        user,
    )


def server_info(domain: Domain, key: Ed25519Secret, following: Ed25519Secret | None = None, **changes: object) -> Signed:
    """What a domain publishes, issued an hour ago."""
    next_key = DomainKey(following.public, "2", NOW, next=True) if following else None
    fields: dict[str, object] = {
        "domain": domain,
        "keys": PublishedKeys(DomainKey(key.public), next_key),
        "endpoints": Endpoints.parse(domain, federation=f"mx.{domain}:9444"),
        "issued": NOW - 3600,
        "expires": NOW + 7 * DAY,
        "min_version": 1,
        "max_version": 1,
    }
    return issue_server_info(ServerInfo(**{**fields, **changes}), key)  # type: ignore[arg-type]
