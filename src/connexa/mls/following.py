"""Whatever a commit says in public (RFC 9420 §12.4.2): the list it makes, the tree and the context it leads to.

Members, newcomers and servers that only watch go through the same `follow`; what needs secrets (path secrets, the key schedule, the
confirmation tag) comes after it, in `epoch`. Nothing here changes the epoch that is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from connexa.mls.errors import ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.framing import AuthenticatedContent, Sender
from connexa.mls.key_schedule import GroupContext, confirmed_transcript_hash, interim_transcript_hash
from connexa.mls.leaf_rules import check_leaf, check_membership, check_successor
from connexa.mls.nodes import LeafNode, UpdatePath
from connexa.mls.policy import Policy
from connexa.mls.proposal_list import Applied, Effects, Listed, ProposalStore, apply_list, check_size, validate_list
from connexa.mls.proposals import Commit
from connexa.mls.public_state import PublicState
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.registry import LeafNodeSource, SenderType
from connexa.mls.roster import Roster

__all__ = ["Followed", "admit_path_leaf", "follow", "next_context", "next_state", "with_transcript"]

_LAST_EPOCH = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Followed:
    """A commit that holds as far as anybody can see."""

    committer: int  # in the new tree
    items: tuple[Listed, ...]
    effects: Effects
    applied: Applied
    path: UpdatePath | None
    provisional: GroupContext  # of the path secrets: all of the new epoch but the transcript (V37)
    state: PublicState  # of the new epoch


def follow(state: PublicState, authenticated: AuthenticatedContent, proposals: ProposalStore, policy: Policy) -> Followed:
    """Where a commit leads whose signature was verified; it is refused, or nothing that is public speaks against it."""
    commit, sender = authenticated.content.body, authenticated.content.sender
    if not isinstance(commit, Commit):
        raise ValidationError("V22", "This is no commit.")
    member = sender.type == SenderType.MEMBER
    items = resolve(commit, sender, proposals)
    effects = validate_list(state, items, sender.index if member else None, policy)
    applied = apply_list(effects, state.tree)
    committer, tree, roster = sender.index, applied.tree, effects.roster
    if commit.path is not None:
        if not member:
            committer = tree.add(commit.path.leaf_node)  # the newcomer takes the leftmost blank leaf
        roster = admit_path_leaf(state, committer, commit.path.leaf_node, effects, policy, member=member)
        tree.merge(committer, commit.path, frozenset(applied.added))
    elif effects.needs_path:
        raise ValidationError("V33", "A commit lacks the path that its proposals need.")
    provisional = next_context(state, tree.hash(), effects.extensions)
    context = with_transcript(state, provisional, authenticated)
    after = next_state(state, context, tree, roster, authenticated.confirmation_tag or b"")
    return Followed(committer, items, effects, applied, commit.path, provisional, after)


def resolve(commit: Commit, sender: Sender, proposals: ProposalStore) -> tuple[Listed, ...]:
    """The list of a commit, with what it only refers to; raises `UnknownProposal` (V39)."""
    return tuple(proposals.get(one) if isinstance(one, bytes) else Listed(one, sender) for one in commit.proposals)


def admit_path_leaf(state: PublicState, committer: int, leaf: LeafNode, effects: Effects, policy: Policy, *, member: bool) -> Roster:
    """The committer's new leaf among all others: V03 to V12, V35. Gives the roster with it."""
    check_leaf(state.suite, leaf, LeafNodeSource.COMMIT, state.context.group_id, committer, policy)
    roster = effects.roster.copy()
    old = state.member(committer) if member else _resynced(state, effects)
    if old is not None:
        check_successor(old, leaf, "V35", policy)
    if member:
        roster.remove(state.member(committer))
    roster.add(leaf)
    check_size(state, roster, policy)
    check_membership(leaf, roster, effects.extensions)
    return roster


def _resynced(state: PublicState, effects: Effects) -> LeafNode | None:
    """The old leaf that a newcomer replaces, if it does."""
    return state.member(effects.removes[0]) if effects.removes else None


def next_context(state: PublicState, tree_hash: bytes, extensions: Extensions) -> GroupContext:
    """The provisional context (§12.4.2): new epoch, tree and extensions, the old confirmed transcript hash."""
    if state.context.epoch == _LAST_EPOCH:
        raise ValidationError("V25", "This group has come to the last epoch that has a number.")
    return replace(state.context, epoch=state.context.epoch + 1, tree_hash=tree_hash, extensions=extensions)


def with_transcript(state: PublicState, provisional: GroupContext, commit: AuthenticatedContent) -> GroupContext:
    """The new epoch's context, once its commit is signed."""
    confirmed = confirmed_transcript_hash(state.suite, state.interim_transcript_hash, commit.confirmed_input)
    return replace(provisional, confirmed_transcript_hash=confirmed)


def next_state(state: PublicState, context: GroupContext, tree: RatchetTree, roster: Roster, tag: bytes) -> PublicState:
    """The new epoch in public, once its commit has its confirmation tag."""
    interim = interim_transcript_hash(state.suite, context.confirmed_transcript_hash, tag)
    return PublicState(state.suite, context, tree, roster, interim, tag)
