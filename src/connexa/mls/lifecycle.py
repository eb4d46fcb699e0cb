"""Groups that follow others (RFC 9420 §11.2, §11.3), and ways back into one whose state was lost or forked.

A ReInit ends a group for all its members in favour of another one, a Branch takes some of them into a smaller one beside it. Both carry the
old group's resumption PSK over, so that nobody comes along who was not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connexa.crypto import Rng, system_random
from connexa.mls.errors import ValidationError
from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.external import read_group_info
from connexa.mls.group import Group
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.policy import DEFAULT_RULES, AuthenticationService, Rules
from connexa.mls.psk import PreSharedKeyID, ResumptionPSK
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.registry import ResumptionUsage
from connexa.mls.staged import StagedCommit
from connexa.mls.store import Store
from connexa.mls.succession import check_succession
from connexa.mls.suite import get_suite
from connexa.mls.tree_validation import VerifiedLeaves

__all__ = ["branch", "newest_branch", "reinit", "resync"]


def reinit(
    old: Group,
    bundle: KeyPackageBundle,
    members: Sequence[bytes | KeyPackage],
    *,
    auth: AuthenticationService,
    store: Store,
    now: int,
    rules: Rules = DEFAULT_RULES,
    rng: Rng = system_random,
) -> tuple[Group, StagedCommit]:
    """The group that a merged ReInit promised, and its first commit, whose Welcome is for all other members of the old one.

    Any of the old members may do it; `members` are fresh key packages of all others. They join with `resuming=old`.
    """
    if old.reinit is None:
        raise ValidationError("V31", "This group has not ended.")
    promised = old.reinit
    suite = get_suite(promised.cipher_suite, experimental=True)
    new = Group.create(
        promised.group_id, suite, bundle, auth=auth, store=store, now=now, extensions=promised.extensions, rules=rules, rng=rng
    )
    return new, _continue(old, new, members, ResumptionUsage.REINIT, now)


def branch(
    old: Group,
    group_id: bytes,
    bundle: KeyPackageBundle,
    members: Sequence[bytes | KeyPackage],
    *,
    auth: AuthenticationService,
    store: Store,
    now: int,
    extensions: Extensions = NO_EXTENSIONS,
    rules: Rules = DEFAULT_RULES,
    rng: Rng = system_random,
) -> tuple[Group, StagedCommit]:
    """A group of some members of this one, beside it, and its first commit; they join with `resuming=old`."""
    new = Group.create(group_id, old.suite, bundle, auth=auth, store=store, now=now, extensions=extensions, rules=rules, rng=rng)
    return new, _continue(old, new, members, ResumptionUsage.BRANCH, now)


def _continue(old: Group, new: Group, members: Sequence[bytes | KeyPackage], usage: ResumptionUsage, now: int) -> StagedCommit:
    """The first commit, held to what those who join will hold it to (V31)."""
    link = ResumptionPSK(usage, old.group_id, old.epoch)
    try:
        staged = new.commit(add=members, psk=[link], by_ref=(), resuming=old, force_path=True, now=now)
        check_succession(staged.next.public, [PreSharedKeyID(link, b"")], old.predecessor)
    except Exception:
        new.forget()  # a group that cannot begin leaves nothing behind
        raise
    return staged


def resync(
    group_info: bytes,
    bundle: KeyPackageBundle,
    *,
    auth: AuthenticationService,
    store: Store,
    now: int,
    ratchet_tree: bytes | None = None,
    resuming: Group | None = None,
    verified: VerifiedLeaves | None = None,
    rules: Rules = DEFAULT_RULES,
    rng: Rng = system_random,
) -> tuple[Group, StagedCommit]:
    """Back into a group whose state was lost or cannot follow: an external commit in place of our client's old leaf (§12.4.3.2).

    Only who is a member can come back (I90): `ValidationError` for a client that is not in the group.
    """
    info = read_group_info(group_info)
    suite = get_suite(info.group_context.cipher_suite, experimental=True)
    tree = RatchetTree.decode(suite, info.extensions.ratchet_tree or ratchet_tree or b"")
    leaf = bundle.key_package.leaf_node
    client = auth.client(leaf.credential, leaf.signature_key)
    old = next((index for index, one in tree.members() if auth.client(one.credential, one.signature_key) == client), None)
    if old is None:
        raise ValidationError("V32", "We are no member of this group.", "Ask a member to add this device.")
    return Group.external_join(
        group_info,
        bundle,
        auth=auth,
        store=store,
        now=now,
        ratchet_tree=ratchet_tree,
        resync_leaf=old,
        resuming=resuming,
        verified=verified,
        rules=rules,
        rng=rng,
    )


def newest_branch(group_infos: Sequence[bytes], term: Callable[[Extensions], int] = lambda extensions: 0) -> bytes:
    """Of GroupInfos of one group that has forked, the one that all go on with, whoever compares them.

    The higher `term` of the group's extensions wins, then the later epoch, then the smaller confirmation tag. Members of the other
    branches `resync` into it.
    """

    def order(raw: bytes) -> tuple[int, int, bytes]:
        info = read_group_info(raw)
        return -term(info.group_context.extensions), -info.group_context.epoch, info.confirmation_tag

    if len({read_group_info(raw).group_context.group_id for raw in group_infos}) != 1:
        raise ValidationError("V25", "These are not branches of one group.")
    return min(group_infos, key=order)
