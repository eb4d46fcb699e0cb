"""What a member proposes (RFC 9420 §12.1): a commit of anybody takes it up, or nobody's and it ends with its epoch."""

from __future__ import annotations

from typing import Literal

from connexa.mls.extensions import Extensions
from connexa.mls.external import read_key_package
from connexa.mls.held_group import HeldGroup
from connexa.mls.key_package import KeyPackage
from connexa.mls.leaf_change import LeafChange, next_template
from connexa.mls.nodes import LeafNode
from connexa.mls.proposal_list import Listed, check_proposal
from connexa.mls.proposals import Add, GroupContextExtensions, PreSharedKey, Proposal, ReInit, Remove, Unknown, Update
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK
from connexa.mls.receiving import OwnUpdate
from connexa.mls.speaking import protect, sign

__all__ = ["ProposingGroup", "Wire"]

Wire = Literal["private", "public"]


class ProposingGroup(HeldGroup):
    """Each method gives the MLSMessage to send, and keeps the proposal here, too."""

    __slots__ = ()

    def propose_add(self, key_package: bytes | KeyPackage, *, now: int, wire: Wire = "private", aad: bytes = b"") -> bytes:
        """That the owner of a key package (MLSMessage, or read) joins."""
        return self._propose(Add(read_key_package(key_package)), now, wire, aad)

    def propose_remove(self, leaf: int, *, now: int, wire: Wire = "private", aad: bytes = b"") -> bytes:
        """That a member goes; of ourselves: that we leave, once somebody else commits it."""
        return self._propose(Remove(leaf), now, wire, aad)

    def propose_update(self, *, now: int, change: LeafChange | None = None, wire: Wire = "private", aad: bytes = b"") -> bytes:
        """Fresh keys for our leaf, and what else of it changes."""
        template, key = next_template(self._current, change), self.suite.generate_key_pair(self._rng)
        leaf = LeafNode.sign(
            self.suite,
            template.signer,
            key.public,
            template.leaf.credential,
            template.leaf.capabilities,
            extensions=template.leaf.extensions,
            group_id=self.group_id,
            leaf_index=self.own_leaf,
        )
        return self._propose(Update(leaf), now, wire, aad, OwnUpdate(key, template.signer))

    def propose_psk(self, psk: bytes | ResumptionPSK, *, now: int, wire: Wire = "private", aad: bytes = b"") -> bytes:
        """That a pre-shared key goes into the next epoch: an external one by its id, or the resumption PSK of an epoch."""
        return self._propose(PreSharedKey(self._psk_id(psk)), now, wire, aad)

    def propose_group_context_extensions(self, extensions: Extensions, *, now: int, wire: Wire = "private", aad: bytes = b"") -> bytes:
        """That these extensions replace all those of the group."""
        return self._propose(GroupContextExtensions(extensions), now, wire, aad)

    def propose_reinit(self, reinit: ReInit, *, now: int, wire: Wire = "private", aad: bytes = b"") -> bytes:
        """That the group ends and another one follows it."""
        return self._propose(reinit, now, wire, aad)

    def propose_custom(self, proposal: Unknown, *, now: int, wire: Wire = "private", aad: bytes = b"") -> bytes:
        """A proposal of an application's own type (`Rules.custom_proposals`)."""
        return self._propose(proposal, now, wire, aad)

    def _propose(self, proposal: Proposal, now: int, wire: Wire, aad: bytes, update: OwnUpdate | None = None) -> bytes:
        self._check_active()
        verified = sign(self._current, proposal, private=wire == "private", aad=aad)
        listed = Listed(proposal, verified.content.sender, verified.ref(self.suite))
        check_proposal(self._public, listed, self._policy(now))
        message, step = protect(self._current, verified, pad=self._rules.pad, rng=self._rng, generation=self._state.reserved)
        self._keep_proposal(listed, update, step)
        return message

    def _psk_id(self, psk: bytes | ResumptionPSK) -> PreSharedKeyID:
        return PreSharedKeyID(ExternalPSK(psk) if isinstance(psk, bytes) else psk, self._rng(self.suite.nh))
