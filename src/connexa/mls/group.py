"""A group as one member holds it (RFC 9420): look, propose, commit, send, receive.

Every operation is either refused and has changed nothing, or its new state is in the store when it returns. Commits are staged:
`commit` and `process` hand out a `StagedCommit` and change nothing, `merge` begins its epoch. If the store fails, the object is void:
open the group again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Literal

from connexa.crypto import Rng, system_random
from connexa.errors import ConflictError, NotFoundError
from connexa.mls import joining
from connexa.mls.commit_builder import Committer, Order, build_commit
from connexa.mls.epoch import PskLookup
from connexa.mls.errors import EpochError, MLSError, StaleCommit, ValidationError
from connexa.mls.events import Application, Event, ProposalStored, ReInitStaged, Removed, Staged
from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.external import read_key_package
from connexa.mls.framing import MLSMessage, PrivateMessage, PublicMessage, Sender, VerifiedContent
from connexa.mls.group_state import GroupState, dump_staged, load_staged, split_parts
from connexa.mls.held_group import psk_lookup
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.leaf_change import LeafChange, next_template
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
)
from connexa.mls.proposing import ProposingGroup, Wire
from connexa.mls.psk import ExternalPSK, ResumptionPSK
from connexa.mls.receiving import receive_commit
from connexa.mls.registry import ContentType, ResumptionUsage, SenderType
from connexa.mls.secret_tree import SecretTree, Step
from connexa.mls.selection import choose, has_key
from connexa.mls.speaking import hear, overhear, protect, sign
from connexa.mls.staged import StagedCommit
from connexa.mls.store import Store
from connexa.mls.suite import Suite
from connexa.mls.tree_validation import VerifiedLeaves

__all__ = ["ALL_PENDING", "Group"]


class _AllPending:
    """Says that a commit takes up every proposal of the epoch that it can."""


ALL_PENDING = _AllPending()


class Group(ProposingGroup):
    """One group. Not for several threads at a time."""

    __slots__ = ()

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
        """A group of one, in epoch 0, with the leaf of an own key package (§11); `ConflictError` if the store has one of this id."""
        if store.load(group_id) is not None:
            raise ConflictError("mls.group_exists", "There is a group of this id here already.")
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
        joined: Container[bytes] | None = None,
        verified: VerifiedLeaves | None = None,
        rules: Rules = DEFAULT_RULES,
        rng: Rng = system_random,
    ) -> Group:
        """The group that a Welcome (MLSMessage) leads into (§12.4.3.1), all of its tree checked.

        `psks` are external keys beside the store's, by id. `resuming` is the old group if this one follows it by a ReInit or a Branch.
        A group that this client is in already is not joined (V19): one whose id is in `joined`, by default one that the store has.
        `verified` spares the signatures of leaves that it has seen.
        """
        old = None if resuming is None else resuming.predecessor

        def inside(group_id: bytes) -> bool:
            return store.load(group_id) is not None if joined is None else group_id in joined

        arrived = joining.join(
            welcome, bundle, ratchet_tree, psk_lookup(store, psks, resuming), old, inside, Policy(auth, rules, now, verified)
        )
        group = cls(GroupState(arrived.epoch), auth=auth, store=store, rules=rules, rng=rng)
        group.welcome_extensions, group.welcome_signer = arrived.extensions, arrived.signer
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
        verified: VerifiedLeaves | None = None,
        rules: Rules = DEFAULT_RULES,
        rng: Rng = system_random,
    ) -> tuple[Group, StagedCommit]:
        """Join by an own commit (§12.4.3.2), which is a PublicMessage; `group_info` (MLSMessage) has to come from somebody trusted.

        The group can be used, and is stored, once the commit was merged. `resync_leaf` is the own old leaf to replace. `psks` are ids of
        external keys in the store; `resuming` is our last state of the same group, whose resumption PSK then vouches for us.
        """
        wanted: list[ExternalPSK | ResumptionPSK] = [ExternalPSK(psk_id) for psk_id in psks]
        wanted += [] if resuming is None else [ResumptionPSK(ResumptionUsage.APPLICATION, resuming.group_id, resuming.epoch)]
        lookup, policy = psk_lookup(store, None, resuming), Policy(auth, rules, now, verified)
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
        """The group of a dump, which takes the place of what the store has of it. An older dump uses keys twice: it is no backup."""
        state = GroupState.load(split_parts(dump), auth, rules.windows)
        return cls(state, auth=auth, store=store, rules=rules, rng=rng)._save_all()

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
        lookup = self._lookup(psks, resuming)
        staged = self._build(self._list(by_value, by_ref, lookup, now), order, lookup, now)
        self._state.reserve(staged.next_generation)
        return staged

    def _build(self, items: tuple[Listed, ...], order: Order, lookup: PskLookup, now: int) -> StagedCommit:
        epoch = self._current

        def seal(verified: VerifiedContent) -> tuple[bytes, int]:
            message, step = protect(epoch, verified, pad=self._rules.pad, rng=self._rng, generation=self._state.reserved)
            return message, 0 if step is None else step.key.generation + 1

        sender, secrets = Sender(SenderType.MEMBER, epoch.own), epoch.secrets
        committer = Committer(epoch.public, sender, epoch.signer, secrets.init_secret, epoch.path, secrets.epoch_authenticator, seal)
        return build_commit(committer, items, order, lookup, self._policy(now), self._rng)

    def _usage(self, psk: Sequence[bytes | ResumptionPSK]) -> ResumptionUsage | None:
        """What the resumption key of an old group is for, in the first commit of the one that follows it."""
        usages = (one.usage for one in psk if isinstance(one, ResumptionPSK) and one.usage != ResumptionUsage.APPLICATION)
        return next(usages, None) if self.epoch == 0 else None

    def _list(self, by_value: list[Listed], by_ref: Sequence[bytes] | _AllPending, lookup: PskLookup, now: int) -> tuple[Listed, ...]:
        if not isinstance(by_ref, _AllPending):
            return (*map(self._state.proposals.get, by_ref), *by_value)
        pending = tuple(one for one in self._state.proposals if has_key(one, lookup))
        return choose(self._public, by_value, pending, self.own_leaf, self._policy(now))

    def merge(self, staged: StagedCommit, *, now: int) -> None:
        """Begin the epoch of a staged commit; `StaleCommit` if another one has ended its epoch."""
        self._check_here()
        if not self._saved:
            return self._merge_first(staged)
        if staged.base != self.epoch_authenticator or not self.active:
            raise StaleCommit(self.epoch, staged.epoch - 1)
        kept = self._state.past.parts().keys()
        before = self._state.passing_parts().keys() | kept
        self._state = self._state.after(staged, self._rules, now)
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
        """A commit of ours for safekeeping, while the answer of whoever orders the commits is out; its secrets are in the clear.

        The store remembers that its message key is taken: what is said later in this epoch, after a restart too, uses others.
        """
        if self._saved and staged.base == self.epoch_authenticator and staged.next_generation:
            self._store.save(self.group_id, self._state.keep_reserved())
        return dump_staged(staged)

    def load_staged(self, dump: bytes) -> StagedCommit:
        """A commit of ours that was kept with `dump_staged`; `StaleCommit` at `merge` if its time is over."""
        staged = load_staged(dump, self._auth, self._rules.windows)
        if staged.base == self.epoch_authenticator:
            self._state.reserve(staged.next_generation)
        return staged

    def drop_proposals(self) -> None:
        """Forget what was proposed in this epoch: whoever orders the group's messages has lost it, and no commit will name it."""
        self._check_here()
        self._store.save(self.group_id, self._state.drop_proposals())

    # Messages

    def process(self, message: bytes, *, now: int, psks: Mapping[bytes, bytes] | None = None, resuming: Group | None = None) -> Event:
        """What somebody sent to the group. Application messages and proposals are done with; a commit is staged, for `merge`.

        A commit that removes us ends the group here at once: its state is deleted. `psks` are external keys beside the store's, by id.
        """
        self._check_joined()
        body = MLSMessage.decode(message).body
        if isinstance(body, PrivateMessage) and body.content_type == ContentType.APPLICATION:
            return self._read(body, now)
        self._check_active()
        if not isinstance(body, (PrivateMessage, PublicMessage)):
            raise ValidationError("V22", "This is no message to the members of a group.")
        verified, step = hear(self._current, body)
        if isinstance(verified.content.body, Commit):
            return self._stage(verified, self._lookup(psks, resuming), now)
        return self._store_proposal(verified, step, now)

    def author(self, message: bytes) -> Sender:
        """Who has signed a proposal or commit of this epoch, whatever rules it breaks; nothing changes here."""
        self._check_active()
        body = MLSMessage.decode(message).body
        if not isinstance(body, (PrivateMessage, PublicMessage)):
            raise ValidationError("V22", "This is no message to the members of a group.")
        return hear(self._current, body)[0].content.sender

    def is_own(self, message: bytes) -> bool:
        """Whether a private message of this epoch that comes back was signed by us: if nobody here has sent it, this state is an old copy.

        A member can make it seem ours, and not sign it.
        """
        self._check_joined()
        body = MLSMessage.decode(message).body
        if not isinstance(body, PrivateMessage) or (body.group_id, body.epoch) != (self.group_id, self.epoch):
            return False
        try:
            return overhear(self._current, body).content.sender.index == self.own_leaf
        except MLSError:
            return False

    def _store_proposal(self, verified: VerifiedContent, step: Step | None, now: int) -> ProposalStored:
        body = verified.content.body
        if isinstance(body, (bytes, Commit)):
            raise ValidationError("V22", "Application data came as another thing than a private message.")
        listed = Listed(body, verified.content.sender, verified.ref(self.suite))
        if listed.ref not in self._state.proposals:
            check_proposal(self._public, listed, self._policy_of_others(now))
            self._keep_proposal(listed, None, step)
        return ProposalStored(listed.ref or b"", listed.sender, body)

    def _stage(self, verified: VerifiedContent, lookup: PskLookup, now: int) -> Event:
        sender = verified.content.sender
        if sender == Sender(SenderType.MEMBER, self.own_leaf):
            raise ValidationError("V23", "Our own commit came back: merge the staged one.")
        state = self._state
        received = receive_commit(state.epoch, verified, state.proposals, state.updates, lookup, self._policy_of_others(now))
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
        self._check_joined()
        body = MLSMessage.decode(message).body
        if not isinstance(body, PrivateMessage) or body.content_type != ContentType.APPLICATION:
            raise ValidationError("V22", "This is no application message.")
        return self._read(body, now)

    def _read(self, message: PrivateMessage, now: int) -> Application:
        if message.group_id == self.group_id and message.epoch != self.epoch:
            return self._read_late(message, now)
        self._check_active()
        verified, step = hear(self._current, message)
        self._settle(step, self._state.past.expire(self._rules, now))
        return _application(verified, self._public.signature_key)

    def _read_late(self, message: PrivateMessage, now: int) -> Application:
        past = self._state.past.get(message.epoch, self.epoch)
        if past.ended + self._rules.past_epoch_seconds < now:
            raise EpochError(self.epoch, message.epoch)
        verified, step = past.open(self.suite, message)
        past.ratchets.settle(step)
        self._store.save(self.group_id, {past.part(name): part for name, part in SecretTree.changed(step).items()})
        return _application(verified, past.signature_key)

    def forget(self) -> None:
        """Delete the group's state, here and in the store: we have left."""
        self._check_here()
        if self._saved:  # else what the store has is of an earlier stay, which a join that was given up does not touch
            self._store.save(self.group_id, dict.fromkeys(self._state.parts()))
        self._gone = True
        del self._state


def _application(verified: VerifiedContent, key_of: Callable[[int], bytes]) -> Application:
    content = verified.content
    if not isinstance(content.body, bytes):
        raise ValidationError("V22", "This is no application message.")
    sender = content.sender.index
    return Application(sender, content.body, content.authenticated_data, content.epoch, key_of(sender))
