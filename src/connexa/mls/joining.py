"""Ways into a group: to create one (RFC 9420 §11), by a Welcome (§12.4.3.1), by an external commit (§12.4.3.2).

A newcomer believes nothing that it can check: the whole tree, everybody's leaf, who signed the GroupInfo, that the key schedule ends where
it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connexa.crypto import Rng, Secret
from connexa.mls.commit_builder import Committer, Order, build_commit
from connexa.mls.epoch import Epoch, PskLookup
from connexa.mls.errors import ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.external import read_group_info
from connexa.mls.framing import MLSMessage, Sender, VerifiedContent, protect_public
from connexa.mls.key_package import KeyPackageBundle
from connexa.mls.key_schedule import GroupContext, confirmation_tag, derive_epoch, interim_transcript_hash
from connexa.mls.leaf_change import SignedTemplate
from connexa.mls.leaf_rules import check_credential, check_extensions, check_key_package, check_membership
from connexa.mls.nodes import LeafNode
from connexa.mls.policy import Policy
from connexa.mls.proposal_list import Listed, check_extensions_for_all
from connexa.mls.proposals import ExternalInit, PreSharedKey, Proposal, Remove
from connexa.mls.psk import ExternalPSK, PreSharedKeyID, ResumptionPSK, psk_secret
from connexa.mls.public_state import PublicState
from connexa.mls.ratchet_tree import RatchetTree
from connexa.mls.registry import DEFAULT_EXTENSIONS, MLS10, SenderType
from connexa.mls.roster import Roster
from connexa.mls.secret_tree import SecretTree
from connexa.mls.staged import StagedCommit
from connexa.mls.succession import Predecessor, check_succession
from connexa.mls.suite import Suite, get_suite
from connexa.mls.tree_kem import LeafTemplate, PrivatePath
from connexa.mls.tree_validation import check_tree
from connexa.mls.welcome import GroupInfo, Welcome, open_group_info, open_group_secrets

__all__ = ["Arrived", "begin", "external_join", "join", "open_public"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Arrived(Secret):
    """The first epoch of a newcomer, the extensions of the GroupInfo that told of it, and the leaf of whoever signed that."""

    epoch: Epoch
    extensions: Extensions
    signer: int


def begin(group_id: bytes, suite: Suite, bundle: KeyPackageBundle, extensions: Extensions, policy: Policy, rng: Rng) -> Epoch:
    """Epoch 0 of a group of one; its epoch secret is random."""
    check_key_package(suite, bundle.key_package, policy)
    leaf, tree = bundle.key_package.leaf_node, RatchetTree(suite)
    own = tree.add(leaf)
    roster = Roster(policy.auth, (leaf,))
    check_membership(leaf, roster, extensions)
    check_extensions_for_all(roster, extensions, "V30", policy)
    context = GroupContext(suite.number, group_id, 0, tree.hash(), b"", extensions)
    new = derive_epoch(suite, rng(suite.nh), bytes(suite.nh), context.encode())
    tag = confirmation_tag(suite, new.secrets.confirmation_key, b"")
    public = PublicState(suite, context, tree, roster, interim_transcript_hash(suite, b"", tag), tag)
    ratchets = SecretTree(suite, tree.width, new.encryption_secret, policy.rules.windows)
    return Epoch(public, own, bundle.sig_sk, PrivatePath(own, bundle.enc_sk), new.secrets, ratchets)


def join(
    welcome: bytes,
    bundle: KeyPackageBundle,
    ratchet_tree: bytes | None,
    lookup: PskLookup,
    old: Predecessor | None,
    inside: Callable[[bytes], bool],
    policy: Policy,
) -> Arrived:
    """The epoch that a Welcome tells of."""
    message, package = MLSMessage.decode(welcome).body, bundle.key_package
    if not isinstance(message, Welcome):
        raise ValidationError("V19", "This is no Welcome.")
    suite = get_suite(package.cipher_suite, experimental=True)
    secrets = open_group_secrets(suite, message, package.ref(suite), bundle.init_sk)
    check_psks(suite, secrets.psks)
    mixed = psk_secret(suite, [(psk, lookup(psk)) for psk in secrets.psks])
    info = open_group_info(suite, message, secrets.joiner_secret, mixed)
    if inside(info.group_context.group_id):
        raise ValidationError("V19", "A Welcome leads into a group that this client is in already.")
    check_supported(package.leaf_node, info.group_context)
    public = open_public(suite, info, ratchet_tree, policy)
    check_succession(public, secrets.psks, old)
    own = public.tree.find(package.leaf_node)
    if own is None:
        raise ValidationError("V19", "A Welcome leads into a group without us.")
    context = public.context.encode()
    new = derive_epoch(suite, secrets.joiner_secret, mixed, context)
    confirmed = public.context.confirmed_transcript_hash
    suite.verify_mac(new.secrets.confirmation_key, confirmed, info.confirmation_tag, rule="V18")
    path = PrivatePath.join(public.tree, own, bundle.enc_sk, info.signer, secrets.path_secret)
    ratchets = SecretTree(suite, public.tree.width, new.encryption_secret, policy.rules.windows)
    return Arrived(Epoch(public, own, bundle.sig_sk, path, new.secrets, ratchets), info.extensions, info.signer)


def check_psks(suite: Suite, psks: Sequence[PreSharedKeyID]) -> None:
    """The keys of a Welcome, each once, with nonces of the right length (V29)."""
    if any(len(psk.nonce) != suite.nh for psk in psks) or len({psk.psk.encode() for psk in psks}) != len(psks):
        raise ValidationError("V29", "The pre-shared keys of a Welcome are not as they should be.")


def check_supported(leaf: LeafNode, context: GroupContext) -> None:
    """We support all extensions of the group (V19)."""
    supported = leaf.capabilities.extensions
    if any(kind not in DEFAULT_EXTENSIONS and kind not in supported for kind in context.extensions.types()):
        raise ValidationError("V19", "A group has extensions that we do not support.")


def open_public(suite: Suite, info: GroupInfo, ratchet_tree: bytes | None, policy: Policy) -> PublicState:
    """The public state that a GroupInfo describes, whose tree is in it or comes beside it: V10 to V18."""
    context = info.group_context
    if context.version != MLS10 or context.cipher_suite != suite.number:
        raise ValidationError("V19", "A group is of another version or cipher suite than our key package.")
    encoded = info.extensions.ratchet_tree or ratchet_tree
    if encoded is None:
        raise ValidationError("V14", "A group comes without its tree.", "Fetch the tree and give it along.")
    tree = RatchetTree.decode(suite, encoded)
    if sum(1 for _ in tree.members()) > policy.rules.max_members:  # before there is work for each of them
        raise ValidationError("policy", "The group has more members than our rules allow.")
    if tree.hash() != context.tree_hash:
        raise ValidationError("V14", "A tree is not the one of its group.")
    signer = tree.leaf(info.signer)
    if signer is None:
        raise ValidationError("V18", "A GroupInfo names a signer who is no member.")
    info.verify(suite, signer.signature_key)
    check_tree(tree, context.group_id, policy.verified)
    roster = check_members(tree, context, policy)
    interim = interim_transcript_hash(suite, context.confirmed_transcript_hash, info.confirmation_tag)
    return PublicState(suite, context, tree, roster, interim, info.confirmation_tag)


def check_members(tree: RatchetTree, context: GroupContext, policy: Policy) -> Roster:
    """Everybody who is in a group that we come to: V05, V08 to V12, V30."""
    roster = Roster(policy.auth)
    for _, leaf in tree.members():
        if leaf.lifetime is not None and not (policy.rules.tolerate_expired_members or leaf.lifetime.holds(policy.now)):
            raise ValidationError("V11", "A member's leaf has expired.")
        check_extensions(leaf)
        check_credential(leaf, policy)
        roster.add(leaf)
    if not all(map(roster.all_support_credential, roster.used_credential_types())):
        raise ValidationError("V10", "A group has a type of credential that not all its members support.")
    check_extensions_for_all(roster, context.extensions, "V09", policy)
    return roster


def external_join(
    group_info: bytes,
    bundle: KeyPackageBundle,
    ratchet_tree: bytes | None,
    resync_leaf: int | None,
    psks: Sequence[ExternalPSK | ResumptionPSK],
    lookup: PskLookup,
    aad: bytes,
    policy: Policy,
    rng: Rng,
) -> StagedCommit:
    """Our own commit into a group whose GroupInfo holds its external key."""
    info = read_group_info(group_info)
    suite = get_suite(bundle.key_package.cipher_suite, experimental=True)
    check_supported(bundle.key_package.leaf_node, info.group_context)
    public = open_public(suite, info, ratchet_tree, policy)
    external_pub = info.extensions.external_pub
    if external_pub is None:
        raise ValidationError("V32", "A GroupInfo has no key for external commits.")
    kem_output, init_secret = suite.seal_init_secret(external_pub, rng)
    sender = Sender(SenderType.NEW_MEMBER_COMMIT)
    names = [PreSharedKeyID(psk, rng(suite.nh)) for psk in psks]
    proposals: list[Proposal] = [ExternalInit(kem_output), *map(PreSharedKey, names)]
    proposals += [] if resync_leaf is None else [Remove(resync_leaf)]
    leaf, signer = LeafTemplate.of(bundle.key_package.leaf_node), bundle.sig_sk

    def protect(verified: VerifiedContent) -> tuple[bytes, int]:
        return MLSMessage(protect_public(suite, verified, public.context.encode(), b"")).encode(), 0

    committer = Committer(public, sender, signer, init_secret, None, b"", protect)
    order = Order(SignedTemplate(leaf, signer), force_path=True, private=False, aad=aad)
    return build_commit(committer, tuple(Listed(proposal, sender) for proposal in proposals), order, lookup, policy, rng)
