"""A group as one member holds it (RFC 9420): look, propose, commit, send, receive.

Every operation is either refused and has changed nothing, or its new state is in the store when it returns. Commits are staged:
`commit` and `process` hand out a `StagedCommit` and change nothing, `merge` begins its epoch. If the store fails, the object is void:
open the group again.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Literal

from connexa.crypto import Rng, system_random
from connexa.errors import NotFoundError
from connexa.mls import joining
from connexa.mls.commit_builder import Committer, Order, build_commit
from connexa.mls.epoch import Epoch, PskLookup, describe
from connexa.mls.errors import EpochError, MissingPSK, RemovedFromGroup, StaleCommit, ValidationError
from connexa.mls.events import Application, Event, Member, ProposalStored, ReInitStaged, Removed, Staged
from connexa.mls.extensions import NO_EXTENSIONS, Extensions, ExternalSender, RequiredCapabilities
from connexa.mls.external import read_key_package
from connexa.mls.framing import MLSMessage, PrivateMessage, PublicMessage, Sender, VerifiedContent
from connexa.mls.group_state import GroupState, dump_staged, join_parts, key_part, load_staged, proposal_part, split_parts
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.key_schedule import GroupContext, export
from connexa.mls.leaf_change import LeafChange, next_template
from connexa.mls.nodes import LeafNode
from connexa.mls.policy import DEFAULT_RULES, AuthenticationService, Policy, Rules
from connexa.mls.proposal_list import Listed, check_proposal
from connexa.mls.proposals import (
    Add,
    Commit,
    GroupContextExtensions,
    PreSharedKey,
    Proposal,
    ReInit,
    Remove,
    Unknown,
    Update,
)
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK
from connexa.mls.public_state import PublicState
from connexa.mls.receiving import OwnUpdate, receive_commit
from connexa.mls.registry import ContentType, ResumptionUsage, SenderType
from connexa.mls.secret_tree import SecretTree, Step
from connexa.mls.selection import choose
from connexa.mls.speaking import hear, protect, sign
from connexa.mls.staged import StagedCommit
from connexa.mls.store import Store
from connexa.mls.succession import Predecessor
from connexa.mls.suite import Suite

__all__ = ["ALL_PENDING", "Group"]


class _AllPending:
    """Says that a commit takes up every proposal of the epoch that it can."""


ALL_PENDING = _AllPending()

Wire = Literal["private", "public"]


class Group:
    """One group. Not for several threads at a time."""

    __slots__ = ("_auth", "_gone", "_reserved", "_rng", "_rules", "_saved", "_state", "_store", "welcome_extensions")

    def __init__(self, state: GroupState, *, auth: AuthenticationService, store: Store, rules: Rules, rng: Rng, saved: bool = True) -> None:
        """Use `create`, `join`, `external_join`, `open` or `load`."""
        self._state = state
        self._auth = auth
        self._store = store
        self._rules = rules
        self._rng = rng
        self._gone = False
        self._saved = saved  # not before an external join is merged
        self._reserved = 0  # generations of our handshake ratchet that staged commits use
        self.welcome_extensions = Extensions()  # of the GroupInfo by which we joined; not stored

    # Begin

    @classmethod
    def create(
        cls,
        group_id: bytes,
        suite: Suite,
        bundle: KeyPackageBundle,
        *,
        auth: AuthenticationService,
        store: Store,
        now: int,
        extensions: Extensions = NO_EXTENSIONS,
        rules: Rules = DEFAULT_RULES,
        rng: Rng = system_random,
    ) -> Group:
        """A group of one, in epoch 0, with the leaf of an own key package (§11)."""
        epoch = joining.begin(group_id, suite, bundle, extensions, Policy(auth, rules, now), rng)
        return cls(GroupState(epoch), auth=auth, store=store, rules=rules, rng=rng)._save_all()

    @classmethod
    def join(
        cls,
        welcome: bytes,
        bundle: KeyPackageBundle,
        *,
        auth: AuthenticationService,
        store: Store,
        now: int,
        ratchet_tree: bytes | None = None,
        psks: Mapping[bytes, bytes] | None = None,
        resuming: Group | None = None,
        joined: Container[bytes] = (),
        rules: Rules = DEFAULT_RULES,
        rng: Rng = system_random,
    ) -> Group:
        """The group that a Welcome (MLSMessage) leads into (§12.4.3.1), all of its tree checked.

        `psks` are external keys beside the store's, by id. `resuming` is the old group if this one follows it by a ReInit or a Branch.
        `joined` are the ids of groups that this client is in already (V19).
        """
        old = None if resuming is None else resuming.predecessor
        arrived = joining.join(welcome, bundle, ratchet_tree, psk_lookup(store, psks, resuming), old, joined, Policy(auth, rules, now))
        group = cls(GroupState(arrived.epoch), auth=auth, store=store, rules=rules, rng=rng)
        group.welcome_extensions = arrived.extensions
        return group._save_all()

    @classmethod
    def external_join(
        cls,
        group_info: bytes,
        bundle: KeyPackageBundle,
        *,
        auth: AuthenticationService,
        store: Store,
        now: int,
        ratchet_tree: bytes | None = None,
        resync_leaf: int | None = None,
        psks: Sequence[bytes] = (),
        resuming: Group | None = None,
        aad: bytes = b"",
        rules: Rules = DEFAULT_RULES,
        rng: Rng = system_random,
    ) -> tuple[Group, StagedCommit]:
        """Join by an own commit (§12.4.3.2), which is a PublicMessage; `group_info` (MLSMessage) has to come from somebody trusted.

        The group can be used, and is stored, once the commit was merged. `resync_leaf` is the own old leaf to replace. `psks` are ids of
        external keys in the store; `resuming` is our last state of the same group, whose resumption PSK then vouches for us.
        """
        wanted: list[ExternalPSK | ResumptionPSK] = [ExternalPSK(psk_id) for psk_id in psks]
        wanted += [] if resuming is None else [ResumptionPSK(ResumptionUsage.APPLICATION, resuming.group_id, resuming.epoch)]
        lookup, policy = psk_lookup(store, None, resuming), Policy(auth, rules, now)
        staged = joining.external_join(group_info, bundle, ratchet_tree, resync_leaf, wanted, lookup, aad, policy, rng)
        return cls(GroupState(staged.next), auth=auth, store=store, rules=rules, rng=rng, saved=False), staged

    @classmethod
    def open(
        cls, group_id: bytes, *, auth: AuthenticationService, store: Store, rules: Rules = DEFAULT_RULES, rng: Rng = system_random
    ) -> Group:
        """The group that the store holds."""
        parts = store.load(group_id)
        if parts is None:
            raise NotFoundError("mls.group_unknown", "There is no such group here.")
        return cls(GroupState.load(parts, auth, rules.windows), auth=auth, store=store, rules=rules, rng=rng)

    @classmethod
    def load(
        cls, dump: bytes, *, auth: AuthenticationService, store: Store, rules: Rules = DEFAULT_RULES, rng: Rng = system_random
    ) -> Group:
        """The group of a dump. The store is left as it is: it may be newer."""
        return cls(GroupState.load(split_parts(dump), auth, rules.windows), auth=auth, store=store, rules=rules, rng=rng)

    def dump(self) -> bytes:
        """The whole state, the same bytes for the same state; its secrets are in the clear."""
        self._check_here()
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

    # Propose: each gives the MLSMessage to send, and keeps the proposal here, too

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
        message, step = protect(self._current, verified, pad=self._rules.pad, rng=self._rng, generation=self._reserved)
        self._keep_proposal(listed, update, step)
        return message

    def _psk_id(self, psk: bytes | ResumptionPSK) -> PreSharedKeyID:
        return PreSharedKeyID(ExternalPSK(psk) if isinstance(psk, bytes) else psk, self._rng(self.suite.nh))

    # Commit

    def commit(
        self,
        *,
        now: int,
        add: Sequence[bytes | KeyPackage] = (),
        remove: Sequence[int] = (),
        psk: Sequence[bytes | ResumptionPSK] = (),
        extensions: Extensions | None = None,
        reinit: ReInit | None = None,
        custom: Sequence[Unknown] = (),
        update: bool | LeafChange = False,
        by_ref: Sequence[bytes] | _AllPending = ALL_PENDING,
        force_path: bool = False,
        tree: Literal["welcome", "external"] = "welcome",
        welcome_extensions: Extensions = NO_EXTENSIONS,
        wire: Wire = "private",
        aad: bytes = b"",
        psks: Mapping[bytes, bytes] | None = None,
        resuming: Group | None = None,
    ) -> StagedCommit:
        """A commit of all this and of pending proposals; nothing changes here until `merge`.

        `by_ref` are references of pending proposals; by default all that hold together with the rest. A commit that updates, or needs fresh
        secrets for another reason, renews our leaf. `tree="external"` leaves the tree out of the Welcome: give it to the new members
        otherwise. `psks` are external keys beside the store's, by id; `resuming` is another group whose resumption PSK is used.
        """
        self._check_active()
        sender = Sender(SenderType.MEMBER, self.own_leaf)
        proposals: list[Proposal] = [Remove(leaf) for leaf in remove]
        proposals += [Add(read_key_package(package)) for package in add]
        proposals += [PreSharedKey(self._psk_id(one)) for one in psk]
        proposals += [] if extensions is None else [GroupContextExtensions(extensions)]
        proposals += [] if reinit is None else [reinit]
        by_value = [Listed(proposal, sender) for proposal in (*proposals, *custom)]
        order = Order(
            template=next_template(self._current, update if isinstance(update, LeafChange) else None),
            force_path=force_path or bool(update),
            tree_in_welcome=tree == "welcome",
            welcome_extensions=welcome_extensions,
            private=wire == "private",
            aad=aad,
            usage=self._usage(psk),
        )
        staged = self._build(self._list(by_value, by_ref, now), order, self._lookup(psks, resuming), now)
        self._reserved = max(self._reserved, staged.next_generation)
        return staged

    def _build(self, items: tuple[Listed, ...], order: Order, lookup: PskLookup, now: int) -> StagedCommit:
        epoch = self._current

        def seal(verified: VerifiedContent) -> tuple[bytes, int]:
            message, step = protect(epoch, verified, pad=self._rules.pad, rng=self._rng, generation=self._reserved)
            return message, 0 if step is None else step.key.generation + 1

        sender, secrets = Sender(SenderType.MEMBER, epoch.own), epoch.secrets
        committer = Committer(epoch.public, sender, epoch.signer, secrets.init_secret, epoch.path, secrets.epoch_authenticator, seal)
        return build_commit(committer, items, order, lookup, self._policy(now), self._rng)

    def _usage(self, psk: Sequence[bytes | ResumptionPSK]) -> ResumptionUsage | None:
        """What the resumption key of an old group is for, in the first commit of the one that follows it."""
        usages = (one.usage for one in psk if isinstance(one, ResumptionPSK) and one.usage != ResumptionUsage.APPLICATION)
        return next(usages, None) if self.epoch == 0 else None

    def _list(self, by_value: list[Listed], by_ref: Sequence[bytes] | _AllPending, now: int) -> tuple[Listed, ...]:
        if not isinstance(by_ref, _AllPending):
            return (*map(self._state.proposals.get, by_ref), *by_value)
        return choose(self._public, by_value, tuple(self._state.proposals), self.own_leaf, self._policy(now))

    def merge(self, staged: StagedCommit, *, now: int) -> None:
        """Begin the epoch of a staged commit; `StaleCommit` if another one has ended its epoch."""
        self._check_here()
        if not self._saved:
            return self._merge_first(staged)
        if staged.base != self.epoch_authenticator or not self.active:
            raise StaleCommit(self.epoch, staged.epoch - 1)
        before, kept = self._state.parts().keys(), self._state.past.parts().keys()
        self._state, self._reserved = self._state.after(staged, self._rules, now), 0
        after = self._state.parts()
        changed: dict[str, bytes | None] = dict.fromkeys(before - after.keys())
        self._store.save(self.group_id, changed | {name: part for name, part in after.items() if name not in kept})
        return None

    def _merge_first(self, staged: StagedCommit) -> None:
        """Our own commit has made us a member."""
        if staged.next is not self._state.epoch:
            raise StaleCommit(self.epoch, staged.epoch - 1)
        self._saved = True
        self._save_all()

    def discard(self, staged: StagedCommit) -> None:
        """Give a staged commit up. Its secrets go with the object; the message keys it used are not used again."""

    def dump_staged(self, staged: StagedCommit) -> bytes:
        """A commit of ours for safekeeping, while the answer of whoever orders the commits is out; its secrets are in the clear."""
        return dump_staged(staged)

    def load_staged(self, dump: bytes) -> StagedCommit:
        """A commit of ours that was kept with `dump_staged`; `StaleCommit` at `merge` if its time is over."""
        staged = load_staged(dump, self._auth, self._rules.windows)
        if staged.base == self.epoch_authenticator:
            self._reserved = max(self._reserved, staged.next_generation)
        return staged

    # Messages

    def process(self, message: bytes, *, now: int, psks: Mapping[bytes, bytes] | None = None, resuming: Group | None = None) -> Event:
        """What somebody sent to the group. Application messages and proposals are done with; a commit is staged, for `merge`.

        A commit that removes us ends the group here at once: its state is deleted. `psks` are external keys beside the store's, by id.
        """
        self._check_active()
        body = MLSMessage.decode(message).body
        if isinstance(body, PrivateMessage) and body.content_type == ContentType.APPLICATION:
            return self._read(body, now)
        if not isinstance(body, (PrivateMessage, PublicMessage)):
            raise ValidationError("V22", "This is no message to the members of a group.")
        verified, step = hear(self._current, body)
        if isinstance(verified.content.body, Commit):
            return self._stage(verified, self._lookup(psks, resuming), now)
        return self._store_proposal(verified, step, now)

    def _store_proposal(self, verified: VerifiedContent, step: Step | None, now: int) -> ProposalStored:
        body = verified.content.body
        if isinstance(body, (bytes, Commit)):
            raise ValidationError("V22", "Application data came as another thing than a private message.")
        listed = Listed(body, verified.content.sender, verified.ref(self.suite))
        if listed.ref not in self._state.proposals:
            check_proposal(self._public, listed, self._policy(now))
            self._keep_proposal(listed, None, step)
        return ProposalStored(listed.ref or b"", listed.sender, body)

    def _stage(self, verified: VerifiedContent, lookup: PskLookup, now: int) -> Event:
        sender = verified.content.sender
        if sender == Sender(SenderType.MEMBER, self.own_leaf):
            raise ValidationError("V23", "Our own commit came back: merge the staged one.")
        state = self._state
        received = receive_commit(state.epoch, verified, state.proposals, state.updates, lookup, self._policy(now))
        if not isinstance(received, StagedCommit):
            self.forget()
            return Removed(sender.index if sender.type == SenderType.MEMBER else None, received.items)
        return Staged(received) if received.reinit is None else ReInitStaged(received, received.reinit)

    def encrypt(self, data: bytes, *, aad: bytes = b"", pad: int | None = None) -> bytes:
        """An application message of ours; `pad` is its length with padding, by default as `Rules.pad` has it. `aad` is not sealed."""
        self._check_active()
        verified = sign(self._current, data, private=True, aad=aad)
        message, step = protect(self._current, verified, pad=self._rules.pad if pad is None else lambda _: pad, rng=self._rng)
        self._settle(step)
        return message

    def decrypt(self, message: bytes, *, now: int) -> Application:
        """An application message of somebody, of this epoch or of one of the last; `ValidationError` if it is another kind."""
        self._check_active()
        body = MLSMessage.decode(message).body
        if not isinstance(body, PrivateMessage) or body.content_type != ContentType.APPLICATION:
            raise ValidationError("V22", "This is no application message.")
        return self._read(body, now)

    def _read(self, message: PrivateMessage, now: int) -> Application:
        if message.group_id == self.group_id and message.epoch != self.epoch:
            return self._read_late(message, now)
        verified, step = hear(self._current, message)
        self._settle(step, self._state.past.expire(self._rules, now))
        return _application(verified)

    def _read_late(self, message: PrivateMessage, now: int) -> Application:
        past = self._state.past.get(message.epoch, self.epoch)
        if past.ended + self._rules.past_epoch_seconds < now:
            raise EpochError(self.epoch, message.epoch)
        verified, step = past.open(self.suite, message)
        past.ratchets.settle(step)
        self._store.save(self.group_id, {past.part(name): part for name, part in SecretTree.changed(step).items()})
        return _application(verified)

    def forget(self) -> None:
        """Delete the group's state, here and in the store: we have left."""
        self._check_here()
        self._store.save(self.group_id, dict.fromkeys(self._state.parts()))
        self._gone = True
        del self._state

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

    def _lookup(self, psks: Mapping[bytes, bytes] | None, resuming: Group | None) -> PskLookup:
        return psk_lookup(self._store, psks, self, resuming)

    def _check_here(self) -> None:
        if self._gone:
            raise RemovedFromGroup

    def _check_active(self) -> None:
        self._check_here()
        if self._state.reinit is not None:
            raise ValidationError("V31", "This group has ended: another one follows it.")
        if not self._saved:
            raise ValidationError("V32", "We have not joined this group yet: merge the commit that joins it.")

    def _save_all(self) -> Group:
        self._store.save(self.group_id, self._state.parts())
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


def psk_lookup(store: Store, psks: Mapping[bytes, bytes] | None, *groups: Group | None) -> PskLookup:
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
        return group.resumption_psk(name.epoch)

    return lookup


def _changed_keys(step: Step) -> dict[str, bytes | None]:
    return {key_part(name): part for name, part in SecretTree.changed(step).items()}


def _application(verified: VerifiedContent) -> Application:
    content = verified.content
    if not isinstance(content.body, bytes):
        raise ValidationError("V22", "This is no application message.")
    return Application(content.sender.index, content.body, content.authenticated_data, content.epoch)
