"""What everybody sees of an epoch: context, tree, transcript; all that a server needs to follow a group, and nothing secret."""

from __future__ import annotations

from dataclasses import dataclass

from connexa.mls.errors import ValidationError
from connexa.mls.key_schedule import GroupContext
from connexa.mls.nodes import LeafNode
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.roster import Roster
from connexa.mls.suite import Suite

__all__ = ["PublicState"]


@dataclass(frozen=True, slots=True)
class PublicState:
    """One epoch as all members have it. It is never changed: a commit leads to another one."""

    suite: Suite
    context: GroupContext
    tree: RatchetTree
    roster: Roster
    interim_transcript_hash: bytes
    confirmation_tag: bytes

    def member(self, leaf: int) -> LeafNode:
        """The leaf of a member, or `ValidationError` for a blank or none (V27)."""
        found = self.tree.leaf(leaf)
        if found is None:
            raise ValidationError("V27", "There is no such member.")
        return found

    def signature_key(self, leaf: int) -> bytes:
        """The key of whoever speaks from a leaf, or `ValidationError` for nobody (V23)."""
        found = self.tree.leaf(leaf)
        if found is None:
            raise ValidationError("V23", "A message names a sender who is no member.")
        return found.signature_key
