"""The key schedule (RFC 9420 §8): from the last epoch's secret and a commit's to all secrets of the next epoch.

    init_secret ─ Extract ◄─ commit_secret
                    │ "joiner", GroupContext
               joiner_secret ─ Extract ◄─ psk_secret
                                 │── "welcome" ─► welcome_secret
                                 │ "epoch", GroupContext
                            epoch_secret ─► encryption, and all of `EpochSecrets`

`derive_epoch` is the one way into an epoch, for committers, members and joiners alike. What is used once (joiner, welcome, encryption
secret) is not kept in `EpochSecrets`; nobody holds the epoch secret itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.crypto import Secret
from connexa.mls.codec import V, rv, u16, u64
from connexa.mls.extensions import Extensions
from connexa.mls.registry import MLS10
from connexa.mls.suite import Suite

__all__ = [
    "EpochSecrets",
    "GroupContext",
    "NewEpoch",
    "confirmation_tag",
    "confirmed_transcript_hash",
    "derive_epoch",
    "derive_joiner_secret",
    "derive_welcome_secret",
    "export",
    "interim_transcript_hash",
]


@dataclass(frozen=True, slots=True)
class GroupContext:
    """What all members of an epoch agree on (§8.1)."""

    cipher_suite: int
    group_id: bytes
    epoch: int
    tree_hash: bytes
    confirmed_transcript_hash: bytes
    extensions: Extensions
    version: int = MLS10
    _raw: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Every message of an epoch signs it, so it is encoded once.
        object.__setattr__(self, "_raw", self._encoded())

    def encode(self) -> bytes:
        return self._raw

    def _encoded(self) -> bytes:
        head = self.version.to_bytes(2, "big") + self.cipher_suite.to_bytes(2, "big") + V(self.group_id) + self.epoch.to_bytes(8, "big")
        return head + V(self.tree_hash) + V(self.confirmed_transcript_hash) + self.extensions.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[GroupContext, int]:
        version, pos = u16(buf, pos)
        suite, pos = u16(buf, pos)
        group_id, pos = rv(buf, pos)
        epoch, pos = u64(buf, pos)
        tree_hash, pos = rv(buf, pos)
        confirmed, pos = rv(buf, pos)
        extensions, pos = Extensions.read(buf, pos)
        return cls(suite, group_id, epoch, tree_hash, confirmed, extensions, version), pos


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class EpochSecrets(Secret):
    """What a member holds through an epoch, besides its secret tree."""

    sender_data_secret: bytes
    exporter_secret: bytes
    external_secret: bytes
    confirmation_key: bytes
    membership_key: bytes
    resumption_psk: bytes
    epoch_authenticator: bytes
    init_secret: bytes


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class NewEpoch(Secret):
    """An epoch's secrets at its begin, with those that are used once: for the Welcome, and as the root of the secret tree."""

    secrets: EpochSecrets
    welcome_secret: bytes
    encryption_secret: bytes


def derive_joiner_secret(suite: Suite, init_secret: bytes, commit_secret: bytes, context: bytes) -> bytes:
    """What a Welcome tells to new members; `context` is the new epoch's encoded GroupContext."""
    return suite.expand_with_label(suite.extract(init_secret, commit_secret), "joiner", context, suite.nh)


def derive_welcome_secret(suite: Suite, joiner_secret: bytes, psk_secret: bytes) -> bytes:
    """What opens the GroupInfo of a Welcome, before the GroupContext is known."""
    return suite.derive_secret(suite.extract(joiner_secret, psk_secret), "welcome")


def derive_epoch(suite: Suite, joiner_secret: bytes, psk_secret: bytes, context: bytes) -> NewEpoch:
    """All secrets of the epoch that has this encoded GroupContext (§8, table 4)."""
    intermediate = suite.extract(joiner_secret, psk_secret)
    epoch_secret = suite.expand_with_label(intermediate, "epoch", context, suite.nh)

    def derive(label: str) -> bytes:
        return suite.derive_secret(epoch_secret, label)

    secrets = EpochSecrets(
        sender_data_secret=derive("sender data"),
        exporter_secret=derive("exporter"),
        external_secret=derive("external"),
        confirmation_key=derive("confirm"),
        membership_key=derive("membership"),
        resumption_psk=derive("resumption"),
        epoch_authenticator=derive("authentication"),
        init_secret=derive("init"),
    )
    return NewEpoch(secrets, suite.derive_secret(intermediate, "welcome"), derive("encryption"))


def export(suite: Suite, exporter_secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """MLS-Exporter (§8.5): a secret for the application, bound to the epoch, a label and a context."""
    return suite.expand_with_label(suite.derive_secret(exporter_secret, label), "exported", suite.hash(context), length)


def confirmed_transcript_hash(suite: Suite, interim_before: bytes, confirmed_input: bytes) -> bytes:
    """§8.2; the input is a commit's wire format, content and signature (`AuthenticatedContent.confirmed_input`)."""
    return suite.hash(interim_before + confirmed_input)


def interim_transcript_hash(suite: Suite, confirmed: bytes, tag: bytes) -> bytes:
    """§8.2: with the commit's confirmation tag."""
    return suite.hash(confirmed + V(tag))


def confirmation_tag(suite: Suite, confirmation_key: bytes, confirmed: bytes) -> bytes:
    """§6.1: that the committer came to the same epoch."""
    return suite.mac(confirmation_key, confirmed)
