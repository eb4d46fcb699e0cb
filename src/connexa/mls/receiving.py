"""A member receives a commit (RFC 9420 §12.4.2): what everybody sees, then its secrets, then the tag that shows all came to one epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connexa.crypto import Secret
from connexa.crypto.mls import KemSecret, SignatureSecret
from connexa.mls.epoch import Epoch, PskLookup, enter
from connexa.mls.errors import UnknownProposal
from connexa.mls.following import Followed, follow
from connexa.mls.framing import VerifiedContent
from connexa.mls.policy import Policy
from connexa.mls.proposal_list import ProposalStore
from connexa.mls.proposals import Update
from connexa.mls.secret_tree import SecretTree
from connexa.mls.staged import StagedCommit
from connexa.mls.tree_kem import PrivatePath, decap

__all__ = ["OwnUpdate", "Received", "receive_commit"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OwnUpdate(Secret):
    """The keys of an Update that we proposed, in case somebody commits it."""

    encryption: KemSecret
    signer: SignatureSecret


Received = StagedCommit | Followed
"""The next epoch; or only what is public of it, because we are not in it."""


def receive_commit(
    epoch: Epoch,
    verified: VerifiedContent,
    proposals: ProposalStore,
    updates: Mapping[bytes, OwnUpdate],
    lookup: PskLookup,
    policy: Policy,
) -> Received:
    """The epoch that somebody's commit begins. Whatever is wrong with it, nothing has changed."""
    public, suite = epoch.public, epoch.public.suite
    followed = follow(public, verified, proposals, policy)
    if epoch.own in followed.effects.removes:
        return followed
    own_update = _own_update(epoch, followed, updates)
    path, commit_secret = _climb(epoch, followed, own_update)
    external = followed.effects.external_init
    init_secret = epoch.secrets.init_secret
    if external is not None:
        init_secret = suite.open_init_secret(suite.derive_key_pair(epoch.secrets.external_secret), external.kem_output)
    state = followed.state
    entered = enter(suite, state.context, init_secret, commit_secret, followed.effects.psks, lookup)
    secrets, confirmed = entered.epoch.secrets, state.context.confirmed_transcript_hash
    suite.verify_mac(secrets.confirmation_key, confirmed, state.confirmation_tag, rule="V38")
    ratchets = SecretTree(suite, state.tree.width, entered.epoch.encryption_secret, policy.rules.windows)
    signer = epoch.signer if own_update is None else own_update.signer
    begun = Epoch(state, epoch.own, signer, path, secrets, ratchets)
    base = epoch.secrets.epoch_authenticator
    return StagedCommit(b"", None, followed.committer, followed.items, followed.applied.added, base, 0, begun)


def _climb(epoch: Epoch, followed: Followed, own_update: OwnUpdate | None) -> tuple[PrivatePath, bytes | None]:
    """Our keys in the new tree, and the commit secret if the commit has a path."""
    tree = followed.state.tree
    path = epoch.path.pruned(tree) if own_update is None else epoch.path.updated(own_update.encryption, tree)
    if followed.path is None:
        return path, None
    added = frozenset(followed.applied.added)
    return decap(path, tree, followed.committer, followed.path, followed.provisional.encode(), added)


def _own_update(epoch: Epoch, followed: Followed, updates: Mapping[bytes, OwnUpdate]) -> OwnUpdate | None:
    """The keys of our own Update, if the commit makes it so."""
    ref = next((one.ref for one in followed.items if isinstance(one.proposal, Update) and one.sender.index == epoch.own), None)
    if ref is None:
        return None
    if ref not in updates:
        raise UnknownProposal(ref)
    return updates[ref]
