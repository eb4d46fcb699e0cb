"""Making a commit (RFC 9420 §12.4.1), with its Welcome. The epoch that it ends stays as it is.

Members and those who join from outside (§12.4.3.2) build alike; `Committer` says in what they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connexa.crypto import Rng, Secret
from connexa.crypto.mls import SignatureSecret
from connexa.mls.epoch import Entered, Epoch, PskLookup, describe, enter
from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.following import admit_path_leaf, next_context, next_state, with_transcript
from connexa.mls.framing import FramedContent, MLSMessage, Sender, VerifiedContent, sign_content
from connexa.mls.key_schedule import confirmation_tag
from connexa.mls.leaf_change import SignedTemplate
from connexa.mls.policy import Policy
from connexa.mls.proposal_list import Applied, Effects, Listed, apply_list, validate_list
from connexa.mls.proposals import Add, Commit, ProposalRef
from connexa.mls.public_state import PublicState
from connexa.mls.registry import ResumptionUsage, SenderType, WireFormat
from connexa.mls.roster import Roster
from connexa.mls.secret_tree import SecretTree
from connexa.mls.staged import StagedCommit
from connexa.mls.tree_kem import NewPath, PrivatePath, encap
from connexa.mls.welcome import NewMember, seal_welcome

__all__ = ["Committer", "Order", "build_commit"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Order(Secret):
    """How a commit is to be made, besides what it does."""

    template: SignedTemplate  # of our new leaf, if the commit has a path
    force_path: bool = False
    tree_in_welcome: bool = True
    welcome_extensions: Extensions = NO_EXTENSIONS
    private: bool = True
    aad: bytes = b""
    usage: ResumptionUsage | None = None  # set in the first commit of a group that follows another one


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Committer(Secret):
    """Who commits: a member with an epoch's secrets, or somebody who joins with an init secret of their own."""

    public: PublicState
    sender: Sender
    signer: SignatureSecret  # of the commit itself: a member's old key, a newcomer's only one
    init_secret: bytes
    path: PrivatePath | None  # of a member; a newcomer's begins with the commit
    base: bytes
    protect: Callable[[VerifiedContent], tuple[bytes, int]]  # the MLSMessage, and the next free generation

    @property
    def member(self) -> bool:
        return self.sender.type == SenderType.MEMBER


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class _Drawn(Secret):
    """The new tree, before anything is signed."""

    own: int
    applied: Applied
    effects: Effects
    roster: Roster
    path: NewPath | None


def build_commit(
    committer: Committer, items: tuple[Listed, ...], order: Order, lookup: PskLookup, policy: Policy, rng: Rng
) -> StagedCommit:
    """The commit of these proposals, held to the rules that its receivers will hold it to."""
    public, suite = committer.public, committer.public.suite
    drawn = _draw(committer, items, order, policy, rng)
    tree = drawn.applied.tree if drawn.path is None else drawn.path.tree
    verified = _sign(committer, items, order, drawn)
    context = with_transcript(public, next_context(public, tree.hash(), drawn.effects.extensions), verified)
    commit_secret = None if drawn.path is None else drawn.path.commit_secret
    entered = enter(suite, context, committer.init_secret, commit_secret, drawn.effects.psks, lookup)
    tag = confirmation_tag(suite, entered.epoch.secrets.confirmation_key, context.confirmed_transcript_hash)
    epoch = _epoch(committer, order, drawn, next_state(public, context, tree, drawn.roster, tag), entered, policy)
    message, next_generation = committer.protect(verified.confirm(tag))
    welcome = _welcome(epoch, entered, drawn, order, rng)
    return StagedCommit(message, welcome, drawn.own, items, drawn.applied.added, committer.base, next_generation, epoch)


def _draw(committer: Committer, items: tuple[Listed, ...], order: Order, policy: Policy, rng: Rng) -> _Drawn:
    public, member = committer.public, committer.member
    effects = validate_list(public, items, committer.sender.index if member else None, policy, usage=order.usage)
    applied = apply_list(effects, public.tree)
    few_adds = len(items) <= policy.rules.pathless_adds and all(isinstance(one.proposal, Add) for one in items)
    if few_adds and not (order.force_path or effects.needs_path):
        return _Drawn(committer.sender.index, applied, effects, effects.roster, None)
    own = committer.sender.index if member else applied.tree.make_room()

    def context(tree_hash: bytes) -> bytes:
        return next_context(public, tree_hash, effects.extensions).encode()

    template = order.template
    path = encap(
        applied.tree,
        own,
        template.leaf,
        template.signer,
        group_id=public.context.group_id,
        context=context,
        rng=rng,
        added=frozenset(applied.added),
    )
    roster = admit_path_leaf(public, own, path.update_path.leaf_node, effects, policy, member=member)
    return _Drawn(own, applied, effects, roster, path)


def _sign(committer: Committer, items: tuple[Listed, ...], order: Order, drawn: _Drawn) -> VerifiedContent:
    context = committer.public.context
    path = None if drawn.path is None else drawn.path.update_path
    commit = Commit(tuple(one.proposal if one.ref is None else ProposalRef(one.ref) for one in items), path)
    content = FramedContent.make(context.group_id, context.epoch, committer.sender, commit, order.aad)
    wire_format = WireFormat.PRIVATE_MESSAGE if order.private else WireFormat.PUBLIC_MESSAGE
    return sign_content(committer.public.suite, wire_format, content, committer.signer, context.encode())


def _epoch(committer: Committer, order: Order, drawn: _Drawn, after: PublicState, entered: Entered, policy: Policy) -> Epoch:
    if drawn.path is not None:
        signer, path = order.template.signer, drawn.path.private
    elif committer.path is not None:
        signer, path = committer.signer, committer.path.pruned(after.tree)
    else:
        raise ValueError("somebody who joins by a commit has a path")
    ratchets = SecretTree(after.suite, after.tree.width, entered.epoch.encryption_secret, policy.rules.windows)
    return Epoch(after, drawn.own, signer, path, entered.epoch.secrets, ratchets)


def _welcome(epoch: Epoch, entered: Entered, drawn: _Drawn, order: Order, rng: Rng) -> bytes | None:
    """One Welcome for all whom the commit adds (§12.4.3.1)."""
    adds, suite = drawn.effects.adds, epoch.public.suite
    if not adds:
        return None
    info = describe(epoch, external_pub=False, tree=order.tree_in_welcome, extensions=order.welcome_extensions)
    members = [
        NewMember(package.ref(suite), package.init_key, None if drawn.path is None else drawn.path.secret_for(leaf))
        for leaf, package in zip(drawn.applied.added, adds, strict=True)
    ]
    welcome = seal_welcome(suite, info, entered.joiner_secret, entered.psk_secret, drawn.effects.psks, members, rng)
    return MLSMessage(welcome).encode()
