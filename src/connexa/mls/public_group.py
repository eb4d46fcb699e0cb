"""Following a group from outside: a server that sees its handshakes as public messages knows its members and refuses bad commits.

It holds no secret of the group. What needs one it cannot check: that a member's message has the membership tag, that a path secret reaches
everybody, that the confirmation tag holds. Members check these for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from connexa.errors import IntegrityError
from connexa.mls.codec import V, decode, items, rv, vec
from connexa.mls.errors import MLSError, StaleCommit, ValidationError
from connexa.mls.events import Member, ProposalStored
from connexa.mls.external import read_group_info
from connexa.mls.following import Followed, follow
from connexa.mls.framing import MLSMessage, PublicMessage, unprotect_public
from connexa.mls.group_state import dump_listed, dump_public, load_public, read_listed
from connexa.mls.joining import open_public
from connexa.mls.key_schedule import GroupContext
from connexa.mls.policy import DEFAULT_RULES, AuthenticationService, Policy, Rules
from connexa.mls.proposal_list import Listed, ProposalStore, check_proposal
from connexa.mls.proposals import Commit, ReInit, Remove
from connexa.mls.public_state import PublicState
from connexa.mls.speaking import check_address, signature_key_of
from connexa.mls.suite import get_suite
from connexa.mls.tree_validation import VerifiedLeaves

__all__ = ["PublicCommit", "PublicGroup"]


@dataclass(frozen=True, slots=True)
class PublicCommit:
    """A commit that holds as far as can be seen from outside; `PublicGroup.merge` begins its epoch."""

    followed: Followed = field(repr=False)
    base: int  # the epoch that it ends

    @property
    def epoch(self) -> int:
        """The epoch that it begins."""
        return self.base + 1

    @property
    def sender(self) -> int:
        """The committer's leaf in the new epoch."""
        return self.followed.committer

    @property
    def proposals(self) -> tuple[Listed, ...]:
        """What it does, in its order."""
        return self.followed.items

    @property
    def added(self) -> tuple[int, ...]:
        """The leaves of those whom it adds, in the new epoch; a committer from outside is its `sender`."""
        return self.followed.applied.added

    @property
    def removed(self) -> tuple[int, ...]:
        """The leaves of the old epoch that it empties."""
        return tuple(one.proposal.removed for one in self.proposals if isinstance(one.proposal, Remove))

    @property
    def reinit(self) -> ReInit | None:
        """The ReInit by which it ends the group."""
        return self.followed.effects.reinit


class PublicGroup:
    """One group, as a server follows it."""

    __slots__ = ("_auth", "_proposals", "_rules", "_state", "ended")

    def __init__(self, state: PublicState, *, auth: AuthenticationService, rules: Rules = DEFAULT_RULES) -> None:
        """Use `begin` or `load`."""
        self._state = state
        self._auth = auth
        self._rules = rules
        self._proposals = ProposalStore()
        self.ended = False  # by a ReInit

    @classmethod
    def begin(
        cls,
        group_info: bytes,
        *,
        auth: AuthenticationService,
        now: int,
        ratchet_tree: bytes | None = None,
        verified: VerifiedLeaves | None = None,
        rules: Rules = DEFAULT_RULES,
    ) -> PublicGroup:
        """From a GroupInfo (MLSMessage), all of whose tree is checked as a newcomer would."""
        info = read_group_info(group_info)
        suite = get_suite(info.group_context.cipher_suite, experimental=True)
        return cls(open_public(suite, info, ratchet_tree, Policy(auth, rules, now, verified)), auth=auth, rules=rules)

    @property
    def context(self) -> GroupContext:
        """What all members of this epoch agree on."""
        return self._state.context

    @property
    def epoch(self) -> int:
        """The epoch that we have followed the group to."""
        return self.context.epoch

    @property
    def confirmation_tag(self) -> bytes:
        """Of the commit that began this epoch."""
        return self._state.confirmation_tag

    def members(self) -> list[Member]:
        """All members, by leaf."""
        return [Member.at(index, leaf) for index, leaf in self._state.tree.members()]

    def ratchet_tree(self) -> bytes:
        """The tree, for newcomers whose Welcome or GroupInfo is without it."""
        return self._state.tree.encode()

    def check_group_info(self, group_info: bytes) -> None:
        """Raise unless this GroupInfo (MLSMessage) describes the epoch that we are in, by a member's signature (V18)."""
        info, state = read_group_info(group_info), self._state
        if (info.group_context, info.confirmation_tag) != (state.context, state.confirmation_tag):
            raise ValidationError("V18", "A GroupInfo does not describe the group's epoch.")
        info.verify(state.suite, state.member(info.signer).signature_key)

    def process(self, message: bytes, *, now: int) -> ProposalStored | PublicCommit:
        """A public handshake message: a proposal is kept, a commit is staged, for `merge`."""
        body = MLSMessage.decode(message).body
        if not isinstance(body, PublicMessage):
            raise ValidationError("V22", "Only public messages can be followed from outside.")
        if self.ended:
            raise ValidationError("V31", "This group has ended: another one follows it.")
        state, policy = self._state, Policy(self._auth, self._rules, now, late=self._rules.late_adds)
        check_address(state.context, body.content.group_id, body.content.epoch)
        verified = unprotect_public(state.suite, body, state.context.encode(), None, partial(signature_key_of, state))
        said = verified.content.body
        if isinstance(said, Commit):
            return PublicCommit(follow(state, verified, self._proposals, policy), self.epoch)
        if isinstance(said, bytes):
            raise ValidationError("V22", "Application data came as a public message.")
        listed = Listed(said, verified.content.sender, verified.ref(state.suite))
        if listed.ref not in self._proposals:
            check_proposal(state, listed, policy)
            self._proposals.add(listed)
        return ProposalStored(listed.ref or b"", listed.sender, said)

    def merge(self, commit: PublicCommit) -> None:
        """Begin the epoch of a commit; `StaleCommit` if another one has begun meanwhile."""
        if commit.base != self.epoch or self.ended:
            raise StaleCommit(self.epoch, commit.base)
        self._state = commit.followed.state
        self._proposals = ProposalStore()
        self.ended = commit.reinit is not None

    def dump(self) -> bytes:
        """The whole state, for storage; nothing in it is secret."""
        return bytes((self.ended,)) + V(dump_public(self._state)) + vec(map(dump_listed, self._proposals))

    @classmethod
    def load(cls, dump: bytes, *, auth: AuthenticationService, rules: Rules = DEFAULT_RULES) -> PublicGroup:
        """The group of a dump, or `IntegrityError`."""
        try:
            public, pos = rv(dump, 1)
            group = cls(decode(partial(load_public, auth), public), auth=auth, rules=rules)
            listed, _ = items(read_listed, dump, pos)
        except (MLSError, IndexError, ValueError):
            raise IntegrityError("mls.state_broken", "The stored state of a group cannot be read.") from None
        group._proposals = ProposalStore(listed)
        group.ended = dump[0] == 1
        return group
