"""The proposals of an epoch, and what a list of them in a commit may be and does (RFC 9420 §12.1, §12.2, §12.4.2).

`validate_list` is the one rule object: the committer holds its own list to it before anybody sees it, every receiver holds the received one
to it before anything happens. `apply_list` then does what the list says, on a copy of the tree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from connexa.mls.errors import UnknownProposal, ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.framing import Sender
from connexa.mls.key_package import KeyPackage
from connexa.mls.leaf_rules import check_key_package, check_leaf, check_membership, check_successor
from connexa.mls.nodes import Credential, LeafNode
from connexa.mls.policy import Policy, ProposalFacts, Resync
from connexa.mls.proposals import (
    Add,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Unknown,
    Update,
)
from connexa.mls.psk import PreSharedKeyID, ResumptionPSK
from connexa.mls.public_state import PublicState
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.registry import LeafNodeSource, ResumptionUsage, SenderType
from connexa.mls.roster import Roster

__all__ = [
    "Applied",
    "Effects",
    "Listed",
    "ProposalStore",
    "apply_list",
    "check_extensions_for_all",
    "check_proposal",
    "check_size",
    "combine",
    "validate_list",
]

MAX_PENDING = 4096
"""Proposals that one epoch may collect: more than that is somebody's attempt to fill our disk."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A proposal in a commit: who made it (the committer, if it stands there by value), and its reference otherwise."""

    proposal: Proposal
    sender: Sender
    ref: bytes | None = None


class ProposalStore:
    """The proposals of the current epoch by their reference, in the order of arrival; they end with it (V39)."""

    __slots__ = ("_listed",)

    def __init__(self, listed: Iterable[Listed] = ()) -> None:
        self._listed = {one.ref: one for one in listed}

    def __iter__(self) -> Iterator[Listed]:
        return iter(self._listed.values())

    def __contains__(self, ref: bytes | None) -> bool:
        return ref in self._listed

    def __len__(self) -> int:
        return len(self._listed)

    def add(self, listed: Listed) -> int:
        """Keep one that was checked; gives its place. The same one twice is the same one."""
        if listed.ref in self._listed:
            return list(self._listed).index(listed.ref)
        if len(self._listed) >= MAX_PENDING:
            raise ValidationError("policy", "This epoch has collected more proposals than we keep.", "Commit some of them.")
        self._listed[listed.ref] = listed
        return len(self._listed) - 1

    def get(self, ref: bytes) -> Listed:
        """The proposal that a commit refers to, or `UnknownProposal`."""
        found = self._listed.get(ref)
        if found is None:
            raise UnknownProposal(ref)
        return found


@dataclass(frozen=True, slots=True)
class Effects:
    """What a valid list does, resolved."""

    updates: tuple[tuple[int, LeafNode], ...]
    removes: tuple[int, ...]
    adds: tuple[KeyPackage, ...]
    psks: tuple[PreSharedKeyID, ...]
    extensions: Extensions  # of the next GroupContext
    external_init: ExternalInit | None
    reinit: ReInit | None
    needs_path: bool
    roster: Roster  # of the members afterwards; an external committer is not in it yet


@dataclass(frozen=True, slots=True)
class Applied:
    """The tree that a list leads to, and where its newcomers stand."""

    tree: RatchetTree
    added: tuple[int, ...]  # leaf indices, in the order of `Effects.adds`


def check_proposal(state: PublicState, listed: Listed, policy: Policy) -> None:
    """One proposal by itself (§12.1): who may send it, and whether it can be done in this epoch."""
    proposal, sender = listed.proposal, listed.sender
    _check_sender(proposal, sender)
    target: LeafNode | None = None
    match proposal:
        case Add():
            target = proposal.key_package.leaf_node
            check_key_package(state.suite, proposal.key_package, policy)
        case Update():
            target = proposal.leaf_node
            _check_update(state, sender.index, proposal.leaf_node, policy)
        case Remove():
            target = state.tree.leaf(proposal.removed)
            if target is None:
                raise ValidationError("V27", "A Remove names no member.")
        case PreSharedKey():
            _check_psk(state, proposal.psk)
        case ReInit():
            if proposal.version < state.context.version:
                raise ValidationError("V31", "A ReInit goes back to an older version of MLS.")
        case Unknown():
            if proposal.type not in policy.rules.custom_proposals:
                raise ValidationError("V33", "A proposal is of a type that this application does not know.")
        case GroupContextExtensions() | ExternalInit():
            pass
    facts = ProposalFacts(proposal.type, _who(state, sender), target)
    if not policy.rules.permits(facts):
        raise ValidationError("policy", "This group's rules do not let its sender propose this.")


_MAY_PROPOSE: dict[SenderType, tuple[type, ...]] = {
    SenderType.MEMBER: (Add, Update, Remove, PreSharedKey, ReInit, GroupContextExtensions, Unknown),
    SenderType.EXTERNAL: (Add, Remove, PreSharedKey, ReInit, GroupContextExtensions),
    SenderType.NEW_MEMBER_PROPOSAL: (Add,),
    SenderType.NEW_MEMBER_COMMIT: (ExternalInit, Remove, PreSharedKey),
}


def _check_sender(proposal: Proposal, sender: Sender) -> None:
    if not isinstance(proposal, _MAY_PROPOSE[sender.type]):
        rule = "V32" if isinstance(proposal, ExternalInit) or sender.type == SenderType.NEW_MEMBER_COMMIT else "V40"
        raise ValidationError(rule, "This kind of sender cannot propose this.")


def _check_update(state: PublicState, index: int, leaf: LeafNode, policy: Policy) -> None:
    old = state.tree.leaf(index)
    if old is None:
        raise ValidationError("V39", "An Update comes from nobody.")
    check_leaf(state.suite, leaf, LeafNodeSource.UPDATE, state.context.group_id, index, policy)
    check_successor(old, leaf, "V07", policy)


def _check_psk(state: PublicState, psk: PreSharedKeyID) -> None:
    if len(psk.nonce) != state.suite.nh:
        raise ValidationError("V29", "The nonce of a pre-shared key has the wrong length.")
    if isinstance(psk.psk, ResumptionPSK) and psk.psk.usage != ResumptionUsage.APPLICATION:
        raise ValidationError("V29", "A resumption key is proposed for a use that only a new group has.")


def check_external_senders(extensions: Extensions, policy: Policy) -> None:
    """The authentication service knows everybody who may propose from outside (V12)."""
    for sender in extensions.external_senders:
        if not policy.auth.validate(sender.credential, sender.signature_key, now=policy.now):
            raise ValidationError("V12", "The authentication service does not accept an external sender.")


def _who(state: PublicState, sender: Sender) -> LeafNode | Credential | None:
    match sender.type:
        case SenderType.MEMBER:
            return state.tree.leaf(sender.index)
        case SenderType.EXTERNAL:
            return state.context.extensions.external_senders[sender.index].credential
        case _:
            return None


def validate_list(
    state: PublicState, items: Sequence[Listed], committer: int | None, policy: Policy, *, usage: ResumptionUsage | None = None
) -> Effects:
    """What the list does to this epoch, or why it may not; no committer means an external commit.

    Proposals by reference were checked one by one when they came; those by value are checked here. `usage` is set in the first commit of a
    group that follows another one: there alone a resumption key may have that use.
    """
    for one in items:
        if one.ref is None:
            _check_by_value(state, one, policy, usage)
    return combine(state, items, committer, policy)


def combine(state: PublicState, items: Sequence[Listed], committer: int | None, policy: Policy) -> Effects:
    """What proposals do together, each of which was checked by itself."""
    if committer is None:
        _check_external(state, items, policy)
    else:
        _check_regular(items, committer)
    _check_once(items)
    return _resolve(state, items, policy)


def _check_by_value(state: PublicState, one: Listed, policy: Policy, usage: ResumptionUsage | None) -> None:
    psk = one.proposal.psk.psk if isinstance(one.proposal, PreSharedKey) else None
    if not (usage is not None and isinstance(psk, ResumptionPSK) and psk.usage == usage):
        check_proposal(state, one, policy)


def _check_regular(items: Sequence[Listed], committer: int) -> None:
    """§12.2, the list of a member."""
    for one in items:
        match one.proposal:
            case Update() if one.sender.index == committer:
                raise ValidationError("V26", "A committer updates itself by its path, not by an Update.")
            case Remove(removed=removed) if removed == committer:
                raise ValidationError("V26", "A committer cannot remove itself.")
            case ExternalInit():
                raise ValidationError("V32", "An ExternalInit stands in a member's commit.")
            case ReInit() if len(items) > 1:
                raise ValidationError("V31", "A ReInit stands beside other proposals.")


def _check_external(state: PublicState, items: Sequence[Listed], policy: Policy) -> None:
    """§12.4.3.2, the list of somebody who joins by it."""
    kinds = Counter(type(one.proposal) for one in items)
    if any(one.ref is not None for one in items):
        raise ValidationError("V32", "An external commit refers to proposals.")
    if kinds[ExternalInit] != 1 or kinds[Remove] > 1 or kinds.keys() - {ExternalInit, Remove, PreSharedKey}:
        raise ValidationError("V32", "An external commit holds what it may not.")
    if not kinds[Remove] or policy.rules.resync is Resync.ALLOW:
        return
    psks = (one.proposal.psk.psk for one in items if isinstance(one.proposal, PreSharedKey))
    vouched = any(isinstance(psk, ResumptionPSK) and psk.group_id == state.context.group_id for psk in psks)
    if policy.rules.resync is Resync.REFUSE or not vouched:
        raise ValidationError("policy", "This group's rules do not let a device replace its old leaf in this way.")


def _check_once(items: Sequence[Listed]) -> None:
    """What a list holds once at most (§12.2)."""
    touched: set[int] = set()
    psks: set[bytes] = set()
    extensions = 0
    for one in items:
        match one.proposal:
            case Update() | Remove():
                leaf = one.sender.index if isinstance(one.proposal, Update) else one.proposal.removed
                if leaf in touched:
                    raise ValidationError("V27", "Two proposals of a commit are about one member.")
                touched.add(leaf)
            case PreSharedKey(psk=psk):
                key = psk.psk.encode()
                if key in psks:
                    raise ValidationError("V29", "A commit names one pre-shared key twice.")
                psks.add(key)
            case GroupContextExtensions():
                extensions += 1
    if extensions > 1:
        raise ValidationError("V30", "A commit changes the group's extensions twice.")


def _resolve(state: PublicState, items: Sequence[Listed], policy: Policy) -> Effects:
    roster = state.roster.copy()
    removes = tuple(one.proposal.removed for one in items if isinstance(one.proposal, Remove))
    updates = tuple((one.sender.index, one.proposal.leaf_node) for one in items if isinstance(one.proposal, Update))
    adds = tuple(one.proposal.key_package for one in items if isinstance(one.proposal, Add))
    for leaf in (*removes, *(leaf for leaf, _ in updates)):
        roster.remove(state.member(leaf))
    for _, leaf_node in updates:
        roster.add(leaf_node)
    for one in items:
        if not roster.all_support_proposal(one.proposal.type):
            raise ValidationError("V41", "Not everybody who processes a commit supports a proposal in it.")
    for package in adds:
        roster.add(package.leaf_node)
    brought = [*(leaf_node for _, leaf_node in updates), *(package.leaf_node for package in adds)]
    _check_parents(state.tree, brought)
    check_size(state, roster, policy)
    changed = next((one.proposal.extensions for one in items if isinstance(one.proposal, GroupContextExtensions)), None)
    extensions = state.context.extensions if changed is None else changed
    for leaf_node in brought:
        check_membership(leaf_node, roster, extensions)
    if changed is not None:
        check_extensions_for_all(roster, changed, "V30", policy)
    return Effects(
        updates=updates,
        removes=removes,
        adds=adds,
        psks=tuple(one.proposal.psk for one in items if isinstance(one.proposal, PreSharedKey)),
        extensions=extensions,
        external_init=next((one.proposal for one in items if isinstance(one.proposal, ExternalInit)), None),
        reinit=next((one.proposal for one in items if isinstance(one.proposal, ReInit)), None),
        needs_path=_needs_path(items, policy),
        roster=roster,
    )


def _check_parents(tree: RatchetTree, leaves: Sequence[LeafNode]) -> None:
    """No leaf brings the key of a parent (V16): newcomers would refuse the tree. The roster knows the other leaves' keys."""
    keys = {leaf.encryption_key for leaf in leaves}
    if keys and any(node is not None and node.encryption_key in keys for node in tree.nodes[1::2]):
        raise ValidationError("V16", "A leaf brings the key of a parent.")


def check_size(state: PublicState, roster: Roster, policy: Policy) -> None:
    """No commit makes a group larger than the rules allow; one that is too large already can still go on, and shrink."""
    if roster.size > max(policy.rules.max_members, state.roster.size):
        raise ValidationError("policy", "The group would have more members than its rules allow.")


def check_extensions_for_all(roster: Roster, extensions: Extensions, rule: str, policy: Policy) -> None:
    """A group's extensions suit everybody in it (§12.1.7): V12, V30; `rule` is the one that unmet requirements break."""
    check_external_senders(extensions, policy)
    if not all(roster.all_support_extension(kind) for kind in extensions.types()):
        raise ValidationError("V30", "Not everybody supports the group's extensions.")
    required = extensions.required_capabilities
    if required is None:
        return
    if not (
        all(roster.all_support_extension(kind) for kind in required.extensions)
        and all(roster.all_support_proposal(kind) for kind in required.proposals)
        and all(roster.all_support_credential(kind) for kind in required.credentials)
    ):
        raise ValidationError(rule, "Not everybody has what the group requires.")


_PATHLESS = (Add, PreSharedKey, ReInit)


def _needs_path(items: Sequence[Listed], policy: Policy) -> bool:
    """Whether fresh secrets have to come with the list (§12.4, §17.4; V33)."""
    custom = policy.rules.custom_proposals
    return not items or any(
        custom[one.proposal.type] if isinstance(one.proposal, Unknown) else not isinstance(one.proposal, _PATHLESS) for one in items
    )


def apply_list(effects: Effects, tree: RatchetTree) -> Applied:
    """The tree after the list (§12.4.2): Updates, Removes, then Adds in the order of the list."""
    tree = tree.copy()
    for leaf, leaf_node in effects.updates:
        tree.update(leaf, leaf_node)
    for leaf in effects.removes:
        tree.remove(leaf)
    added = tuple(tree.add(package.leaf_node) for package in effects.adds)
    return Applied(tree, added)
