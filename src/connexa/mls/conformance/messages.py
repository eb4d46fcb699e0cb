"""messages: every message and proposal read, and written back to the same bytes. Their contents are random and mean nothing."""

from __future__ import annotations

from collections.abc import Callable

from connexa.mls.codec import decode
from connexa.mls.conformance.case import Case, expect
from connexa.mls.conformance.rebuilt import Encodable, rebuilt
from connexa.mls.framing import MLSMessage
from connexa.mls.proposals import (
    Add,
    Commit,
    ExternalInit,
    GroupContextExtensions,
    PreSharedKey,
    ReInit,
    Remove,
    Update,
)
from connexa.mls.welcome import GroupSecrets

__all__ = ["READERS", "messages"]

READERS: dict[str, Callable[[bytes, int], tuple[Encodable, int]]] = {
    "mls_welcome": MLSMessage.read,
    "mls_group_info": MLSMessage.read,
    "mls_key_package": MLSMessage.read,
    "public_message_application": MLSMessage.read,
    "public_message_proposal": MLSMessage.read,
    "public_message_commit": MLSMessage.read,
    "private_message": MLSMessage.read,
    "group_secrets": GroupSecrets.read,
    "commit": Commit.read,
    "add_proposal": Add.read,
    "update_proposal": Update.read,
    "remove_proposal": Remove.read,
    "pre_shared_key_proposal": PreSharedKey.read,
    "re_init_proposal": ReInit.read,
    "external_init_proposal": ExternalInit.read,
    "group_context_extensions_proposal": GroupContextExtensions.read,
}
"""What reads each field of a case."""


def messages(case: Case) -> None:
    """Each field is read to its end, and both what we keep of it and its fields give the same bytes again."""
    for name, read in READERS.items():
        given = case.raw(name)
        struct = decode(read, given)
        expect(name, struct.encode(), given)
        expect(f"{name} from its fields", rebuilt(struct), given)
