"""A group in a member's hands: its state, what can be seen of it, and how a change of it gets into the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from connexa.crypto import Rng
from connexa.mls.epoch import Epoch, PskLookup, describe
from connexa.mls.errors import EpochError, MissingPSK, RemovedFromGroup, ValidationError
from connexa.mls.events import Member, ProposalStored
from connexa.mls.extensions import NO_EXTENSIONS, Extensions, ExternalSender, RequiredCapabilities
from connexa.mls.framing import MLSMessage
from connexa.mls.group_state import GroupState, join_parts, key_part, proposal_part
from connexa.mls.key_schedule import GroupContext, export
from connexa.mls.policy import AuthenticationService, Policy, Rules
from connexa.mls.proposal_list import Listed
from connexa.mls.proposals import ReInit
from connexa.mls.psk import ExternalPSK, PreSharedKeyID
from connexa.mls.public_state import PublicState
from connexa.mls.receiving import OwnUpdate
from connexa.mls.secret_tree import SecretTree, Step
from connexa.mls.store import Store
from connexa.mls.succession import Predecessor
from connexa.mls.suite import Suite

__all__ = ["HeldGroup", "psk_lookup"]


class HeldGroup:
    """What does not say anything to anybody."""

    __slots__ = ("_auth", "_gone", "_rng", "_rules", "_saved", "_state", "_store", "welcome_extensions", "welcome_signer")

    def __init__(self, state: GroupState, *, auth: AuthenticationService, store: Store, rules: Rules, rng: Rng, saved: bool = True) -> None:
        """Use `Group.create`, `join`, `external_join`, `open` or `load`."""
        self._state = state
        self._auth = auth
        self._store = store
        self._rules = rules
        self._rng = rng
        self._gone = False
        self._saved = saved  # not before an external join is merged
        self.welcome_extensions = Extensions()  # of the GroupInfo by which we joined; not stored
        self.welcome_signer: int | None = None  # the leaf of whoever has brought us in; not stored

    def dump(self) -> bytes:
        """The whole state, the same bytes for the same state; its secrets are in the clear."""
        self._check_joined()
        return join_parts(self._state.parts())

    # Look

    def __repr__(self) -> str:
        return "<Group gone>" if self._gone else f"<Group epoch {self.epoch}, leaf {self.own_leaf}>"

    @property
    def suite(self) -> Suite:
        return self._public.suite

    @property
    def context(self) -> GroupContext:
        """What all members of this epoch agree on."""
        return self._public.context

    @property
    def group_id(self) -> bytes:
        return self.context.group_id

    @property
    def epoch(self) -> int:
        return self.context.epoch

    @property
    def extensions(self) -> Extensions:
        """Of the group, everybody's."""
        return self.context.extensions

    @property
    def required_capabilities(self) -> RequiredCapabilities | None:
        return self.extensions.required_capabilities

    @property
    def external_senders(self) -> tuple[ExternalSender, ...]:
        return self.extensions.external_senders

    @property
    def own_leaf(self) -> int:
        """Our leaf index."""
        return self._current.own

    @property
    def active(self) -> bool:
        """Whether we can speak here: we are members, the group has not ended, our external join is merged."""
        return not self._gone and self._saved and self._state.reinit is None

    @property
    def reinit(self) -> ReInit | None:
        """The ReInit by which the group has ended (§11.2): what group follows it."""
        self._check_here()
        return self._state.reinit

    @property
    def pending(self) -> tuple[ProposalStored, ...]:
        """The proposals of this epoch in the order of their arrival."""
        self._check_here()
        return tuple(ProposalStored(one.ref or b"", one.sender, one.proposal) for one in self._state.proposals)

    @property
    def epoch_authenticator(self) -> bytes:
        """Equal for all who are in the same state (§8.7)."""
        return self._current.secrets.epoch_authenticator

    @property
    def confirmation_tag(self) -> bytes:
        """Of the commit that began this epoch (§8.1): all who are in it know it, and it is no secret."""
        return self._public.confirmation_tag

    def members(self) -> list[Member]:
        """All members, by leaf."""
        return [Member.at(index, leaf) for index, leaf in self._public.tree.members()]

    def member(self, leaf: int) -> Member | None:
        """The member at a leaf."""
        found = self._public.tree.leaf(leaf)
        return None if found is None else Member.at(leaf, found)

    def export(self, label: str, context: bytes, length: int) -> bytes:
        """MLS-Exporter (§8.5): a secret of this epoch for the application, the same for all members."""
        return export(self.suite, self._current.secrets.exporter_secret, label, context, length)

    def resumption_psk(self, epoch: int) -> bytes:
        """The resumption PSK of this epoch or of one of the last (`Rules.resumption_epochs`), else `EpochError` (V46)."""
        if epoch == self.epoch:
            return self._current.secrets.resumption_psk
        found = self._state.past.resumption.get(epoch)
        if found is None:
            raise EpochError(self.epoch, epoch)
        return found

    def group_info(self, *, external_pub: bool = True, tree: bool = True, extensions: Extensions = NO_EXTENSIONS) -> bytes:
        """What others need to join by an external commit or to propose from outside: a GroupInfo (MLSMessage) with our signature."""
        self._check_active()
        return MLSMessage(describe(self._current, external_pub=external_pub, tree=tree, extensions=extensions)).encode()

    def ratchet_tree(self) -> bytes:
        """The tree, for those whose Welcome or GroupInfo is without it."""
        return self._public.tree.encode()

    # Within

    @property
    def predecessor(self) -> Predecessor:
        """What somebody who joins the group that follows this one knows of it."""
        return Predecessor(self.context, self.reinit, frozenset(self._public.roster.clients))

    @property
    def _current(self) -> Epoch:
        self._check_here()
        return self._state.epoch

    @property
    def _public(self) -> PublicState:
        return self._current.public

    def _policy(self, now: int) -> Policy:
        return Policy(self._auth, self._rules, now)

    def _policy_of_others(self, now: int) -> Policy:
        return Policy(self._auth, self._rules, now, late=self._rules.late_adds)

    def _lookup(self, psks: Mapping[bytes, bytes] | None, resuming: HeldGroup | None) -> PskLookup:
        return psk_lookup(self._store, psks, self, resuming)

    def _check_here(self) -> None:
        if self._gone:
            raise RemovedFromGroup

    def _check_active(self) -> None:
        self._check_joined()
        if self._state.reinit is not None:
            raise ValidationError("V31", "This group has ended: another one follows it.")

    def _check_joined(self) -> None:
        self._check_here()
        if not self._saved:
            raise ValidationError("V32", "We have not joined this group yet: merge the commit that joins it.")

    def _save_all(self) -> Self:
        """Put this state in the place of whatever the store has of the group."""
        stored = self._store.load(self.group_id) or {}
        self._store.save(self.group_id, {**dict.fromkeys(stored), **self._state.parts()})
        return self

    def _settle(self, step: Step | None, expired: Sequence[str] = ()) -> None:
        if step is not None:
            self._current.ratchets.settle(step)
            self._store.save(self.group_id, _changed_keys(step) | dict.fromkeys(expired))

    def _keep_proposal(self, listed: Listed, update: OwnUpdate | None, step: Step | None) -> None:
        state = self._state
        place = state.proposals.add(listed)
        if update is not None and listed.ref is not None:
            state.updates[listed.ref] = update
        changed: dict[str, bytes | None] = {proposal_part(place): state.dump_proposal(listed)}
        if step is not None:
            state.epoch.ratchets.settle(step)
            changed |= _changed_keys(step)
        self._store.save(self.group_id, changed)


def psk_lookup(store: Store, psks: Mapping[bytes, bytes] | None, *groups: HeldGroup | None) -> PskLookup:
    """Where pre-shared keys come from: those at hand, the store, the epochs of groups that we are or were in (V29)."""

    def lookup(psk: PreSharedKeyID) -> bytes:
        name = psk.psk
        if isinstance(name, ExternalPSK):
            found = (psks or {}).get(name.psk_id) or store.psk(name.psk_id)
            if found is None:
                raise MissingPSK(name.psk_id)
            return found
        group = next((one for one in groups if one is not None and one.group_id == name.group_id), None)
        if group is None:
            raise MissingPSK(name.encode())
        try:
            return group.resumption_psk(name.epoch)
        except EpochError:
            raise MissingPSK(name.encode()) from None

    return lookup


def _changed_keys(step: Step) -> dict[str, bytes | None]:
    return {key_part(name): part for name, part in SecretTree.changed(step).items()}
