"""What an application decides about its groups: whom a credential names (the authentication service of RFC 9420 §5.3.1), and its rules.

The rules of the RFC are not here: `proposal_list`, `commit_rules` and `joining` hold them for everybody. Here is what the RFC leaves open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from connexa.crypto.mls import CertificateLeaf, check_chain, read_leaf
from connexa.crypto.x509 import InvalidCertificate
from connexa.mls.nodes import Credential, LeafNode
from connexa.mls.registry import CredentialType
from connexa.mls.secret_tree import Windows
from connexa.mls.tree_validation import VerifiedLeaves

__all__ = [
    "DEFAULT_RULES",
    "AuthenticationService",
    "BasicAuthentication",
    "Resync",
    "Rules",
    "X509Authentication",
    "padded_length",
]

_DAY = 86_400


class AuthenticationService(Protocol):
    """Says whom a credential names; asked at Add, Update, Commit, for external senders, and for every leaf on join (V12)."""

    def validate(self, credential: Credential, signature_key: bytes, *, now: int) -> bool:
        """Whether the credential binds this signature key to somebody; `now` in Unix seconds."""

    def client(self, credential: Credential, signature_key: bytes) -> bytes:
        """One value for each client, whatever its credential and keys: a group holds each client once (V28)."""

    def successor(self, old: LeafNode, new: LeafNode) -> bool:
        """Whether an Update, a Commit or a resync may put `new` where the same client had `old`."""


class BasicAuthentication:
    """Basic credentials, each the name of one client; `accept(identity, signature_key)` is the application's own look-up."""

    def __init__(self, accept: Callable[[bytes, bytes], bool]) -> None:
        self._accept = accept

    def validate(self, credential: Credential, signature_key: bytes, *, now: int) -> bool:
        """Whether the application knows this identity by this key."""
        return credential.credential_type == CredentialType.BASIC and self._accept(credential.identity, signature_key)

    def client(self, credential: Credential, signature_key: bytes) -> bytes:
        """The identity."""
        return credential.identity

    def successor(self, old: LeafNode, new: LeafNode) -> bool:
        """A leaf of the same identity."""
        return old.credential == new.credential


class X509Authentication:
    """X.509 credentials, each a chain to one of the roots (DER); `name` says which client a certificate is, by default its subject."""

    def __init__(self, roots: Sequence[bytes], name: Callable[[CertificateLeaf], bytes] = lambda leaf: leaf.subject.encode()) -> None:
        self._roots = tuple(roots)
        self._name = name

    def validate(self, credential: Credential, signature_key: bytes, *, now: int) -> bool:
        """Whether the chain holds now and its certificate is for this key."""
        if credential.credential_type != CredentialType.X509:
            return False
        try:
            return check_chain(credential.certificates, self._roots, now=now).public == signature_key
        except InvalidCertificate:
            return False

    def client(self, credential: Credential, signature_key: bytes) -> bytes:
        """The name of the certificate."""
        return self._name(read_leaf(credential.certificates))

    def successor(self, old: LeafNode, new: LeafNode) -> bool:
        """A certificate of the same name."""
        return self.client(old.credential, old.signature_key) == self.client(new.credential, new.signature_key)


class Resync(Enum):
    """Who may replace an own old leaf by an external commit (§12.4.3.2): it takes that leaf's identity, not its keys."""

    ALLOW = "allow"
    WITH_PSK = "with-psk"  # and a resumption PSK of this group, which a thief of the signature key alone does not have
    REFUSE = "refuse"


def padded_length(length: int) -> int:
    """The length of a padded content: multiples of 64 up to 1 KiB, then steps of at most an eighth (Padmé's idea)."""
    step = 64 if length <= 1024 else 1 << max(6, length.bit_length() - 4)
    return -(-length // step) * step


@dataclass(frozen=True, slots=True)
class Rules:
    """One application's rules; all members of a group should have the same `custom_proposals`, `resync` and `permits`."""

    max_members: int = 2000
    past_epochs: int = 3  # whose late application messages are still read
    past_epoch_seconds: int = 2 * _DAY
    resumption_epochs: int = 8  # whose resumption PSKs are kept
    pathless_adds: int = 9  # so many adds and nothing else make a commit without a path
    tolerate_expired_members: bool = True  # who never updated has the lifetime of its old key package (V11)
    late_adds: int = 0  # seconds: what others say reaches us so much later, and the key packages in it may have ended since (V11)
    resync: Resync = Resync.ALLOW
    windows: Windows = field(default_factory=Windows)  # how far messages may be out of order
    pad: Callable[[int], int] = padded_length
    custom_proposals: Mapping[int, bool] = field(default_factory=dict)  # type -> whether a commit of it needs a path (V33)
    permits: Callable[[ProposalFacts], bool] = lambda facts: True  # who may add, remove, change extensions


DEFAULT_RULES = Rules()


@dataclass(frozen=True, slots=True)
class ProposalFacts:
    """What `Rules.permits` decides on, at creating and at receiving alike."""

    proposal_type: int
    sender: LeafNode | Credential | None  # a member's leaf, an external sender's credential, or none: a newcomer speaks
    target: LeafNode | None  # the leaf that an Add, Update or Remove is about


@dataclass(frozen=True, slots=True)
class Policy:
    """Who decides, and when: what every check of one operation is made with."""

    auth: AuthenticationService
    rules: Rules
    now: int  # Unix seconds
    verified: VerifiedLeaves | None = None  # leaf signatures that were checked before
    late: int = 0  # seconds since what is judged may have been said; nothing for what we say ourselves
