"""Assisted mode: the hub follows a group's public state and refuses handshakes that do not hold (groups §5.5).

It checks all that can be seen from outside. Whom a credential names is for the members: the hub takes every basic credential and knows
a client by it.
"""

from __future__ import annotations

from typing import Final

from connexa.homeserver.groups.ledger import GroupRow
from connexa.homeserver.groups.refusals import HubRefused, unknown_group
from connexa.homeserver.tables import Query, first
from connexa.mls.errors import MLSError, UnknownProposal
from connexa.mls.events import ProposalStored
from connexa.mls.policy import BasicAuthentication
from connexa.mls.proposals import Add
from connexa.mls.public_group import PublicCommit, PublicGroup
from connexa.mls.suite import get_suite
from connexa.store import Execute
from connexa.wire.v1.groups_pb2 import GroupBundle, GroupRecord

__all__ = ["begin", "follow_commit", "follow_proposal"]

MAX_STATE: Final = 4 * 1024 * 1024  # of leaves and pending proposals: it is read with each handshake
_AUTH: Final = BasicAuthentication(lambda identity, key: True)


def begin(execute: Execute, group: bytes, epoch: int, sealed: bytes, group_info: bytes, now: float) -> GroupRecord:
    """Follow a group from a GroupInfo with its tree, all of which is checked; returns what joiners are given."""
    try:
        public = PublicGroup.begin(group_info, auth=_AUTH, now=int(now))
    except MLSError as error:
        raise _invalid("group.invalid_commit", error) from error
    if (public.context.group_id, public.epoch) != (group, epoch):
        raise HubRefused("group.invalid_commit", "The GroupInfo is of another group or epoch.")
    return _keep(execute, group, public, sealed, group_info)


def follow_proposal(execute: Execute, row: GroupRow, proposal: bytes, now: float) -> None:
    """Keep a proposal for the commit that refers to it."""
    public = _load(execute, row.id)
    try:
        stored = public.process(proposal, now=int(now))
    except MLSError as error:
        raise _invalid("group.invalid_proposal", error) from error
    if not isinstance(stored, ProposalStored):
        raise HubRefused("group.invalid_proposal", "This is no proposal.")
    _keep_state(execute, row.id, public)


def follow_commit(execute: Execute, row: GroupRow, bundle: GroupBundle, now: float) -> GroupRecord:
    """Check a commit, that its bundle tells the hub of exactly those whom it adds, and that its GroupInfo is of the epoch it begins."""
    public = _load(execute, row.id)
    try:
        commit = public.process(bundle.commit, now=int(now))
        if not isinstance(commit, PublicCommit):
            raise HubRefused("group.invalid_commit", "This is no commit.")
        suite = get_suite(public.context.cipher_suite, experimental=True)
        added = sorted(one.proposal.key_package.ref(suite) for one in commit.proposals if isinstance(one.proposal, Add))
        if added != sorted(add.ref for add in bundle.adds):
            raise HubRefused("group.invalid_commit", "The commit adds others than the bundle says.")
        public.merge(commit)
        public.check_group_info(bundle.group_info)
    except UnknownProposal as error:
        raise HubRefused("group.missing_references", error.message, retryable=True, refs=[error.reference]) from error
    except MLSError as error:
        raise _invalid("group.invalid_commit", error) from error
    return _keep(execute, row.id, public, bundle.sealed, bundle.group_info)


def _load(query: Query, group: bytes) -> PublicGroup:
    row = first(query, "SELECT state FROM group_public WHERE mls = ?", (group,))
    if row is None:
        raise unknown_group()
    return PublicGroup.load(row[0], auth=_AUTH)


def _keep(execute: Execute, group: bytes, public: PublicGroup, sealed: bytes, group_info: bytes) -> GroupRecord:
    _keep_state(execute, group, public)
    return GroupRecord(sealed=sealed, group_info=group_info, tree=public.ratchet_tree())


def _keep_state(execute: Execute, group: bytes, public: PublicGroup) -> None:
    state = public.dump()
    if len(state) > MAX_STATE:
        raise HubRefused("group.full", "The group's leaves and proposals are too large for this homeserver.", retryable=True)
    sql = "INSERT INTO group_public (mls, state) VALUES (?, ?) ON CONFLICT (mls) DO UPDATE SET state = excluded.state"
    execute(sql, (group, state))


def _invalid(code: str, error: MLSError) -> HubRefused:
    return HubRefused(code, f"{error.message} ({error.rule or error.code})")
