"""One epoch as one member holds it, and the one way into the next: the key schedule with a commit's secrets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connexa.crypto import Secret
from connexa.crypto.mls import SignatureSecret
from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.key_schedule import EpochSecrets, GroupContext, NewEpoch, derive_epoch, derive_joiner_secret
from connexa.mls.psk import PreSharedKeyID, psk_secret
from connexa.mls.public_state import PublicState
from connexa.mls.secret_tree import SecretTree
from connexa.mls.suite import Suite
from connexa.mls.tree_kem import PrivatePath
from connexa.mls.welcome import GroupInfo

__all__ = ["Entered", "Epoch", "PskLookup", "describe", "enter"]

PskLookup = Callable[[PreSharedKeyID], bytes]
"""The secret of a pre-shared key, or `MissingPSK`."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Epoch(Secret):
    """Everybody's part, and ours. Of all this only the secret tree changes before the epoch ends."""

    public: PublicState
    own: int  # our leaf
    signer: SignatureSecret
    path: PrivatePath
    secrets: EpochSecrets
    ratchets: SecretTree


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Entered(Secret):
    """The secrets at the door of an epoch, with what its Welcome needs."""

    epoch: NewEpoch
    joiner_secret: bytes
    psk_secret: bytes


def enter(
    suite: Suite, context: GroupContext, init_secret: bytes, commit_secret: bytes | None, psks: Sequence[PreSharedKeyID], lookup: PskLookup
) -> Entered:
    """The key schedule into the epoch with this context (§8); a commit without a path has no commit secret."""
    encoded = context.encode()
    mixed = psk_secret(suite, [(psk, lookup(psk)) for psk in psks])
    joiner = derive_joiner_secret(suite, init_secret, commit_secret or bytes(suite.nh), encoded)
    return Entered(derive_epoch(suite, joiner, mixed, encoded), joiner, mixed)


def describe(epoch: Epoch, *, external_pub: bool = True, tree: bool = True, extensions: Extensions = NO_EXTENSIONS) -> GroupInfo:
    """The epoch's GroupInfo with our signature (§12.4.3): with the tree, and with the key for external commits, if wanted."""
    public = epoch.public
    if external_pub:
        extensions = extensions.with_external_pub(public.suite.derive_key_pair(epoch.secrets.external_secret).public)
    if tree:
        extensions = extensions.with_ratchet_tree(public.tree.encode())
    return GroupInfo.sign(public.suite, public.context, extensions, public.confirmation_tag, epoch.own, epoch.signer)
