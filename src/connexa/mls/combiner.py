"""A classical and a post-quantum group in step, for rooms too large to pay post-quantum sizes with each commit (draft-ietf-mls-combiner).

Messages go through the classical group. Each *full* commit is one of the post-quantum group and one of the classical group that takes
in a key which the new post-quantum epoch exports; whoever breaks classical key agreement alone learns nothing after it. *Partial*
commits between them are classical alone. Members are the same at the same leaves in both, and change by full commits only.

The draft's numbers are not assigned, so the names here are ours. Experimental, like the post-quantum suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connexa.crypto import Secret
from connexa.mls.codec import V
from connexa.mls.errors import ValidationError
from connexa.mls.events import Event, Removed, Staged
from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.group import Group
from connexa.mls.nodes import LeafNode
from connexa.mls.proposals import ExternalInit, PreSharedKey
from connexa.mls.psk import ExternalPSK
from connexa.mls.staged import StagedCommit

__all__ = ["COMBINER", "CombinedCommit", "CombinedGroup", "combined_extensions", "finish", "welcome_psks"]

COMBINER = 0xF0C0
"""Extension type of both GroupContexts, of our private range: which two groups belong together. Members list it in their capabilities."""

_LABEL = "connexa combiner"


def combined_extensions(classical_id: bytes, post_quantum_id: bytes, extensions: Extensions = NO_EXTENSIONS) -> Extensions:
    """The extensions with which both groups are created."""
    return extensions.put(COMBINER, V(classical_id) + V(post_quantum_id))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CombinedCommit(Secret):
    """A full commit: both halves are sent, and merged, together."""

    post_quantum: StagedCommit
    classical: StagedCommit


class CombinedGroup:
    """Both groups of one room, each stored as any group is."""

    __slots__ = ("classical", "post_quantum")

    def __init__(self, classical: Group, post_quantum: Group) -> None:
        """Two groups created with `combined_extensions`, or joined by the two Welcomes of one full commit."""
        named = V(classical.group_id) + V(post_quantum.group_id)
        if not classical.extensions.get(COMBINER) == post_quantum.extensions.get(COMBINER) == named:
            raise ValidationError("combiner", "These two groups do not belong together.")
        _check_same(*(((one.leaf, one.leaf_node) for one in group.members()) for group in (classical, post_quantum)))
        self.classical = classical
        self.post_quantum = post_quantum

    def full_commit(self, *, now: int, add: Sequence[tuple[bytes, bytes]] = (), remove: Sequence[int] = ()) -> CombinedCommit:
        """Fresh secrets in both groups; `add` are pairs of a client's key packages, classical and post-quantum, `remove` are leaves."""
        first = self.post_quantum.commit(add=[pair[1] for pair in add], remove=remove, force_path=True, by_ref=(), now=now)
        psks = _psk_of(first)
        second = self.classical.commit(
            add=[pair[0] for pair in add], remove=remove, psk=list(psks), psks=psks, force_path=True, by_ref=(), now=now
        )
        return CombinedCommit(first, second)

    def partial_commit(self, *, now: int) -> StagedCommit:
        """Fresh classical secrets alone."""
        return self.classical.commit(update=True, by_ref=(), now=now)

    def process_full(self, post_quantum: bytes, classical: bytes, *, now: int) -> CombinedCommit | Removed:
        """Both halves of somebody's full commit, for `merge`; one that removes us ends both groups here."""
        first = self.post_quantum.process(post_quantum, now=now)
        if isinstance(first, Removed):
            self.classical.forget()
            return first
        staged = _staged(first)
        second = _staged(self.classical.process(classical, now=now, psks=_psk_of(staged)))
        _check_halves(staged, second)
        return CombinedCommit(staged, second)

    def process(self, message: bytes, *, now: int) -> Event:
        """What somebody sent to the classical group alone: an application message, or a partial commit, for `merge`."""
        event = self.classical.process(message, now=now)
        if isinstance(event, Staged) and not _is_partial(event.commit):
            raise ValidationError("combiner", "Members change by full commits only.")
        return event

    def merge(self, commit: CombinedCommit | StagedCommit, *, now: int) -> None:
        """Begin the next epoch of both groups, or of the classical one. If a crash comes between the two, `finish` helps."""
        if isinstance(commit, StagedCommit):
            self.classical.merge(commit, now=now)
            return
        self.post_quantum.merge(commit.post_quantum, now=now)
        self.classical.merge(commit.classical, now=now)


def welcome_psks(post_quantum: Group) -> dict[bytes, bytes]:
    """With what somebody who joined the post-quantum group by a full commit joins the classical one (`Group.join(psks=…)`)."""
    named = post_quantum.extensions.get(COMBINER) or b""
    return _psk(post_quantum.group_id, post_quantum.epoch, post_quantum.export(_LABEL, named, post_quantum.suite.nh))


def finish(classical: Group, post_quantum: Group, message: bytes, *, now: int) -> None:
    """The classical half of a full commit of somebody else, whose other half was merged before a crash."""
    classical.merge(_staged(classical.process(message, now=now, psks=welcome_psks(post_quantum))), now=now)


def _psk_of(staged: StagedCommit) -> dict[bytes, bytes]:
    public = staged.next.public
    named = public.context.extensions.get(COMBINER) or b""
    return _psk(public.context.group_id, staged.epoch, staged.export(_LABEL, named, public.suite.nh))


def _psk(group_id: bytes, epoch: int, secret: bytes) -> dict[bytes, bytes]:
    """The exported key under its name: the post-quantum epoch that it comes from."""
    return {_LABEL.encode() + V(group_id) + epoch.to_bytes(8, "big"): secret}


def _staged(event: Event) -> StagedCommit:
    if not isinstance(event, Staged):
        raise ValidationError("combiner", "A full commit has something else than a commit in it.")
    return event.commit


def _check_halves(post_quantum: StagedCommit, classical: StagedCommit) -> None:
    """The classical half takes in the key of the other half, and both lead to the same members."""
    names = {one.proposal.psk.psk for one in classical.proposals if isinstance(one.proposal, PreSharedKey)}
    if not names >= {ExternalPSK(name) for name in _psk_of(post_quantum)}:
        raise ValidationError("combiner", "The classical half of a full commit lacks the key of the other half.")
    _check_same(classical.next.public.tree.members(), post_quantum.next.public.tree.members())


def _check_same(classical: Iterable[tuple[int, LeafNode]], post_quantum: Iterable[tuple[int, LeafNode]]) -> None:
    ours, theirs = ([(index, leaf.credential) for index, leaf in members] for members in (classical, post_quantum))
    if ours != theirs:
        raise ValidationError("combiner", "The two groups of a room have different members.")


def _is_partial(commit: StagedCommit) -> bool:
    return not (commit.added or commit.removed or any(isinstance(one.proposal, ExternalInit) for one in commit.proposals))
