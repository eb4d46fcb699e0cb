"""A commit that was made or received and holds, with the epoch that it begins once it is merged."""

from __future__ import annotations

from dataclasses import dataclass, field

from connexa.crypto import Secret
from connexa.mls.epoch import Epoch, describe
from connexa.mls.framing import MLSMessage
from connexa.mls.key_schedule import export
from connexa.mls.proposal_list import Listed
from connexa.mls.proposals import ReInit, Remove, Update

__all__ = ["StagedCommit"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class StagedCommit(Secret):
    """Nothing has changed yet: `Group.merge` begins the new epoch, `Group.discard` gives the commit up.

    Ours are kept with `Group.dump_staged` while the answer of whoever orders the commits is out: a lost answer is no lost commit.
    """

    commit: bytes  # MLSMessage to send; empty for one that was received
    welcome: bytes | None  # MLSMessage for all whom it adds
    sender: int  # the committer's leaf in the new epoch
    proposals: tuple[Listed, ...]  # what it does, in its order, and who proposed it
    added: tuple[int, ...]  # leaves in the new epoch
    base: bytes  # the authenticator of the epoch that it ends
    next_generation: int  # of our handshake ratchet, behind the one that this commit uses
    next: Epoch = field(repr=False)

    @property
    def epoch(self) -> int:
        """The epoch that it begins."""
        return self.next.public.context.epoch

    @property
    def reinit(self) -> ReInit | None:
        """The ReInit by which it ends the group."""
        return next((one.proposal for one in self.proposals if isinstance(one.proposal, ReInit)), None)

    @property
    def removed(self) -> tuple[int, ...]:
        """The leaves of the old epoch that it empties."""
        return tuple(one.proposal.removed for one in self.proposals if isinstance(one.proposal, Remove))

    @property
    def updated(self) -> tuple[int, ...]:
        """The leaves that it renews by an Update; the committer's own is renewed by a path."""
        return tuple(one.sender.index for one in self.proposals if isinstance(one.proposal, Update))

    @property
    def epoch_authenticator(self) -> bytes:
        """Of the epoch that it begins."""
        return self.next.secrets.epoch_authenticator

    @property
    def group_info(self) -> bytes:
        """The new epoch's GroupInfo (MLSMessage) with tree and external key, for those who will join from outside."""
        return MLSMessage(describe(self.next)).encode()

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """MLS-Exporter of the epoch that it begins."""
        return export(self.next.public.suite, self.next.secrets.exporter_secret, label, context, length)
