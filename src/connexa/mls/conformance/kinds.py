"""The sixteen kinds of test vectors, and how a file is told to be of one: by its name, else by the fields of its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from connexa.mls.conformance.basics import crypto_basics, deserialization, tree_arithmetic
from connexa.mls.conformance.case import Case
from connexa.mls.conformance.clients import passive_client
from connexa.mls.conformance.messages import messages
from connexa.mls.conformance.protection import message_protection, welcome
from connexa.mls.conformance.schedule import key_schedule, psk_secrets, secret_tree, transcript_hashes
from connexa.mls.conformance.trees import tree_operations, tree_validation, treekem

__all__ = ["KINDS", "Kind", "kind_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind: its official file name, its procedure, and fields that cases of no other kind have together."""

    name: str
    procedure: Callable[[Case], None]
    fields: tuple[str, ...]


_CLIENT = ("init_priv", "initial_epoch_authenticator", "epochs")

KINDS = {
    kind.name: kind
    for kind in (
        Kind("tree-math", tree_arithmetic, ("n_leaves", "root")),
        Kind("deserialization", deserialization, ("vlbytes_header",)),
        Kind("crypto-basics", crypto_basics, ("ref_hash", "encrypt_with_label")),
        Kind("key-schedule", key_schedule, ("initial_init_secret", "epochs")),
        Kind("psk_secret", psk_secrets, ("psks", "psk_secret")),
        Kind("secret-tree", secret_tree, ("sender_data", "leaves")),
        Kind("message-protection", message_protection, ("membership_key", "application_priv")),
        Kind("transcript-hashes", transcript_hashes, ("authenticated_content", "interim_transcript_hash_before")),
        Kind("welcome", welcome, ("signer_pub", "welcome")),
        Kind("tree-operations", tree_operations, ("tree_before", "proposal")),
        Kind("tree-validation", tree_validation, ("tree", "tree_hashes")),
        Kind("treekem", treekem, ("leaves_private", "update_paths")),
        Kind("messages", messages, ("mls_welcome", "private_message")),
        Kind("passive-client-welcome", passive_client, _CLIENT),
        Kind("passive-client-handling-commit", passive_client, _CLIENT),
        Kind("passive-client-random", passive_client, _CLIENT),
    )
}
"""By official name."""


def kind_of(stem: str, fields: Iterable[str]) -> Kind | None:
    """The kind of a file with this name (without its ending), whose first case has these fields; none if it is of no kind."""
    named = KINDS.get(stem)
    if named is not None:
        return named
    present = set(fields)
    return next((kind for kind in KINDS.values() if present.issuperset(kind.fields)), None)
