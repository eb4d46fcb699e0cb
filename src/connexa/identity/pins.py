"""Pins and the evidence for them: which key a domain is held to, and what each channel shows (identity §3, first-message §8).

Channels fail separately: TXT, well-known and, for a node, its homeserver's pinned answer. What evidence does to a pin is decided in
`pin_decision`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connexa.crypto import Ed25519Public
from connexa.identity.address import Domain
from connexa.identity.endpoint import Endpoint, Endpoints
from connexa.identity.rotation import DomainRotation
from connexa.identity.server_info import PublishedKeys, ServerInfo
from connexa.wire.v1.keys_pb2 import Signed


class Channel(StrEnum):
    """Where a key was seen."""

    FILE = "file"
    INVITE = "invite"
    TXT = "txt"
    WELL_KNOWN = "well-known"
    HOMESERVER = "homeserver"


class Failure(StrEnum):
    """Why a channel shows no key; the classes are never mixed (identity §3)."""

    ABSENT = "absent"
    TEMPORARY = "temporary"
    INVALID = "invalid"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class SignedInfo:
    """A server info as it was signed, and as it reads."""

    signed: Signed
    info: ServerInfo


@dataclass(frozen=True, slots=True)
class Found:
    """A channel shows these keys."""

    channel: Channel
    keys: PublishedKeys
    secure: bool = False  # TXT under DNSSEC
    info: SignedInfo | None = None
    rotations: tuple[DomainRotation, ...] = ()
    federation: Endpoint | None = None  # TXT's `e`
    endpoints: Endpoints | None = None  # of a line of the discovery file, or an invite


@dataclass(frozen=True, slots=True)
class Missing:
    """A channel shows nothing."""

    channel: Channel
    failure: Failure
    why: str = ""


Evidence = Found | Missing


class PinState(StrEnum):
    """How far a domain is trusted."""

    PINNED = "pinned"
    PROVISIONAL = "provisional"  # incoming requests only, and it attests nobody (I81)
    QUARANTINED = "quarantined"  # its key changed without a statement: the administrator decides


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """A key, and until when it is good (None: until it is rotated)."""

    key: Ed25519Public
    not_after: int | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """What is kept of a domain. `keys` are in order, the newest last; endpoints follow the order of identity §3."""

    domain: Domain
    state: PinState
    keys: tuple[PinnedKey, ...]
    endpoints: Endpoints
    since: int
    checked: int
    secure: bool = False
    info: Signed | None = None
    info_issued: int = 0

    @property
    def newest(self) -> Ed25519Public:
        """The key that a rotation must start from."""
        return self.keys[-1].key

    def trusted(self, now: float) -> tuple[Ed25519Public, ...]:
        """The keys that are good now, newest first: two while a rotation overlaps (I13, I16)."""
        return tuple(k.key for k in reversed(self.keys) if k.not_after is None or now <= k.not_after)


class Outcome(StrEnum):
    """What a decision comes to."""

    PINNED = "pinned"
    PROVISIONAL = "provisional"
    QUARANTINED = "quarantined"
    CONFLICT = "conflict"
    TEMPORARY = "temporary"
    INVALID = "invalid"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class PinEvent(StrEnum):
    """What an administrator (or the owner of a node) must be shown."""

    PINNED = "domain.pinned"
    PROVISIONAL = "domain.provisional"
    ROTATED = "domain.rotated"
    QUARANTINED = "domain.quarantined"
    RELEASED = "domain.released"
    REPLACED = "domain.replaced"  # by the discovery file or the administrator
    CONFLICT = "domain.conflict"
    INVALID = "domain.invalid"
    DOWNGRADED = "domain.dnssec_lost"


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome, the pin to keep from now on (None: none), and the events."""

    outcome: Outcome
    pin: Pin | None
    events: tuple[PinEvent, ...] = ()
