"""What a member's next leaf says of it: the same as now, or with another credential, key or capabilities."""

from __future__ import annotations

from dataclasses import dataclass

from connexa.crypto import Secret
from connexa.crypto.mls import SignatureSecret
from connexa.mls.epoch import Epoch
from connexa.mls.extensions import Extensions
from connexa.mls.nodes import Capabilities, Credential
from connexa.mls.tree_kem import LeafTemplate

__all__ = ["LeafChange", "SignedTemplate", "next_template"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class LeafChange(Secret):
    """What changes of our leaf in an Update or a commit; what is none stays. Its encryption key is new in any case."""

    credential: Credential | None = None
    signer: SignatureSecret | None = None
    capabilities: Capabilities | None = None
    extensions: Extensions | None = None


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SignedTemplate(Secret):
    """What a leaf will say, and the key that it will be signed with and show."""

    leaf: LeafTemplate
    signer: SignatureSecret


def next_template(epoch: Epoch, change: LeafChange | None) -> SignedTemplate:
    """Our leaf as it is, with what changes."""
    leaf = epoch.public.member(epoch.own)
    if change is None:
        return SignedTemplate(LeafTemplate.of(leaf), epoch.signer)
    template = LeafTemplate(
        change.credential or leaf.credential,
        change.capabilities or leaf.capabilities,
        leaf.extensions if change.extensions is None else change.extensions,
    )
    return SignedTemplate(template, change.signer or epoch.signer)
