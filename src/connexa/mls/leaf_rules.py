"""The rules of one leaf and one key package (RFC 9420 §7.3, §10.1): the same functions check what we make and what we are sent.

What concerns all leaves together (unique keys, types that everybody supports) is the roster's.
"""

from __future__ import annotations

from connexa.mls.errors import ValidationError
from connexa.mls.extensions import Extensions, RequiredCapabilities
from connexa.mls.key_package import KeyPackage
from connexa.mls.nodes import LeafNode
from connexa.mls.policy import Policy
from connexa.mls.registry import DEFAULT_EXTENSIONS, DEFAULT_PROPOSALS, LeafNodeSource
from connexa.mls.roster import Roster
from connexa.mls.suite import Suite

__all__ = [
    "check_credential",
    "check_extensions",
    "check_key_package",
    "check_leaf",
    "check_membership",
    "check_required",
    "check_successor",
]


def check_key_package(suite: Suite, package: KeyPackage, policy: Policy) -> None:
    """What an Add holds to by itself (§10.1): V03, V04, V08, V11, V12, V13, V45."""
    package.validate(suite)
    leaf = package.leaf_node
    if leaf.lifetime is None or not leaf.lifetime.holds(policy.now, policy.late):
        raise ValidationError("V11", "A key package is not valid at this time.", "Fetch a newer one.")
    check_extensions(leaf)
    check_credential(leaf, policy)


def check_leaf(suite: Suite, leaf: LeafNode, source: LeafNodeSource, group_id: bytes, index: int, policy: Policy) -> None:
    """What the leaf of an Update or of a path holds to by itself: V03, V04, V08, V12, V45."""
    if leaf.leaf_node_source != source:
        raise ValidationError("V04", "A leaf was made for another purpose than this.")
    leaf.verify(suite, group_id, index)
    suite.check_encryption_key(leaf.encryption_key)
    check_extensions(leaf)
    check_credential(leaf, policy)


def check_extensions(leaf: LeafNode) -> None:
    """A leaf carries no extension that its own capabilities do not list (V08)."""
    supported = leaf.capabilities.extensions
    if any(kind not in DEFAULT_EXTENSIONS and kind not in supported for kind in leaf.extensions.types()):
        raise ValidationError("V08", "A leaf carries an extension that it does not support itself.")


def check_credential(leaf: LeafNode, policy: Policy) -> None:
    """The authentication service knows this credential by this key (V12)."""
    if not policy.auth.validate(leaf.credential, leaf.signature_key, now=policy.now):
        raise ValidationError("V12", "The authentication service does not accept a member's credential.")


def check_successor(old: LeafNode, new: LeafNode, rule: str, policy: Policy) -> None:
    """The new leaf may stand in the old one's place: another encryption key (V07, or V35 in a path), the same somebody (V12)."""
    if old.encryption_key == new.encryption_key:
        raise ValidationError(rule, "A member's new leaf has its old encryption key.")
    if not policy.auth.successor(old, new):
        raise ValidationError("V12", "A member's new credential does not succeed its old one.")


def check_membership(leaf: LeafNode, roster: Roster, extensions: Extensions) -> None:
    """The leaf fits the others of the group, among whom it is counted already: V09, V10, V30."""
    capabilities = leaf.capabilities
    if not roster.all_support_credential(leaf.credential.credential_type):
        raise ValidationError("V10", "Not everybody supports a member's type of credential.")
    if any(kind not in capabilities.credentials for kind in roster.used_credential_types()):
        raise ValidationError("V10", "A member does not support the types of credential in use.")
    check_required(leaf, extensions.required_capabilities)
    if any(kind not in DEFAULT_EXTENSIONS and kind not in capabilities.extensions for kind in extensions.types()):
        raise ValidationError("V30", "A member does not support the group's extensions.")


def check_required(leaf: LeafNode, required: RequiredCapabilities | None) -> None:
    """The leaf has what the group requires (V09)."""
    if required is None:
        return
    capabilities = leaf.capabilities
    if (
        any(kind not in DEFAULT_EXTENSIONS and kind not in capabilities.extensions for kind in required.extensions)
        or any(kind not in DEFAULT_PROPOSALS and kind not in capabilities.proposals for kind in required.proposals)
        or any(kind not in capabilities.credentials for kind in required.credentials)
    ):
        raise ValidationError("V09", "A member lacks capabilities that the group requires.")
