"""What `Group.process` and `Group.commit` tell: one small class for each thing that can happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connexa.mls.framing import Sender
from connexa.mls.nodes import Credential, LeafNode
from connexa.mls.proposal_list import Listed
from connexa.mls.proposals import Proposal, ReInit

if TYPE_CHECKING:
    from connexa.mls.staged import StagedCommit

__all__ = ["Application", "Event", "Member", "ProposalStored", "ReInitStaged", "Removed", "Staged"]


@dataclass(frozen=True, slots=True)
class Member:
    """One member as everybody in the group sees it."""

    leaf: int  # the leaf index
    credential: Credential
    signature_key: bytes
    leaf_node: LeafNode = field(repr=False)

    @classmethod
    def at(cls, leaf: int, node: LeafNode) -> Member:
        """The member at a leaf."""
        return cls(leaf, node.credential, node.signature_key, node)


@dataclass(frozen=True, slots=True)
class Application:
    """An application message: from whom, what, the authenticated data that travelled in the clear, and of which epoch.

    The `sender` is a leaf of *that* epoch, where somebody else may stand by now; its `signature_key` says who it was.
    """

    sender: int
    data: bytes = field(repr=False)
    aad: bytes
    epoch: int
    signature_key: bytes = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ProposalStored:
    """A proposal that the next commit of anybody may refer to by `ref`."""

    ref: bytes
    sender: Sender
    proposal: Proposal = field(repr=False)


@dataclass(frozen=True, slots=True)
class Staged:
    """A commit that holds: nothing has changed until `Group.merge(commit)`."""

    commit: StagedCommit


@dataclass(frozen=True, slots=True)
class ReInitStaged(Staged):
    """A commit that ends this group in favour of another one: once merged, the group sends nothing more (§11.2)."""

    reinit: ReInit


@dataclass(frozen=True, slots=True)
class Removed:
    """A commit that removes us: the group's state is deleted, nothing more can be read or sent."""

    sender: int | None  # the leaf of the committer; none for a resync of our own client
    proposals: tuple[Listed, ...] = field(repr=False)


Event = Application | ProposalStored | Staged | ReInitStaged | Removed
