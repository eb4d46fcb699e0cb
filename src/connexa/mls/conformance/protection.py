"""message-protection and welcome: framing and joining without a group around them."""

from __future__ import annotations

from connexa.crypto import system_random
from connexa.mls.codec import decode
from connexa.mls.conformance.case import Case, Mismatch, expect
from connexa.mls.content import encode_body
from connexa.mls.errors import ValidationError
from connexa.mls.extensions import NO_EXTENSIONS
from connexa.mls.framing import (
    Body,
    FramedContent,
    MLSMessage,
    PrivateMessage,
    PublicMessage,
    Sender,
    VerifiedContent,
    protect_private,
    protect_public,
    sign_content,
    unprotect_private,
    unprotect_public,
)
from connexa.mls.key_package import KeyPackage
from connexa.mls.key_schedule import GroupContext, confirmation_tag, derive_epoch
from connexa.mls.proposals import Commit, read_proposal
from connexa.mls.registry import SenderType, WireFormat
from connexa.mls.secret_tree import SecretTree
from connexa.mls.welcome import Welcome, open_group_info, open_group_secrets

__all__ = ["message_protection", "welcome"]

_SENDER = 1  # the leaf that speaks, of two


def message_protection(case: Case) -> None:
    """Proposal, commit and application data, public and private, theirs read and ours read back."""
    epoch = _Epoch(case)
    for name, body in (
        ("proposal", decode(read_proposal, case.raw("proposal"))),
        ("commit", decode(Commit.read, case.raw("commit"))),
    ):
        epoch.public(case.raw(f"{name}_pub"), body)
        epoch.public(epoch.protected(body, WireFormat.PUBLIC_MESSAGE), body)
        epoch.private(case.raw(f"{name}_priv"), body)
        epoch.private(epoch.protected(body, WireFormat.PRIVATE_MESSAGE), body)
    said = case.raw("application")
    epoch.private(case.raw("application_priv"), said)
    epoch.private(epoch.protected(said, WireFormat.PRIVATE_MESSAGE), said)
    try:
        epoch.protected(said, WireFormat.PUBLIC_MESSAGE)
    except ValidationError:
        return
    raise Mismatch("application data becomes a PublicMessage")


class _Epoch:
    """The epoch of a case, which each message finds as at its beginning."""

    def __init__(self, case: Case) -> None:
        self.case, self.suite = case, case.suite
        tree_hash, confirmed = case.raw("tree_hash"), case.raw("confirmed_transcript_hash")
        context = GroupContext(self.suite.number, case.raw("group_id"), case["epoch"], tree_hash, confirmed, NO_EXTENSIONS)
        self.context = context.encode()

    def tree(self) -> SecretTree:
        return SecretTree(self.suite, 2, self.case.raw("encryption_secret"))

    def public(self, raw: bytes, body: Body) -> None:
        """A PublicMessage holds and says the body."""
        message = MLSMessage.decode(raw).body
        if not isinstance(message, PublicMessage):
            raise Mismatch("a public message is none")
        key, public = self.case.raw("membership_key"), self.case.raw("signature_pub")
        _expect_body(unprotect_public(self.suite, message, self.context, key, lambda _: public), body)

    def private(self, raw: bytes, body: Body) -> None:
        """A PrivateMessage opens, holds and says the body."""
        message = MLSMessage.decode(raw).body
        if not isinstance(message, PrivateMessage):
            raise Mismatch("a private message is none")
        secret, public = self.case.raw("sender_data_secret"), self.case.raw("signature_pub")
        verified, _ = unprotect_private(self.suite, message, self.tree(), secret, self.context, own_leaf=None, key_of=lambda _: public)
        _expect_body(verified, body)

    def protected(self, body: Body, wire_format: WireFormat) -> bytes:
        """Our message that says the body."""
        content = FramedContent.make(self.case.raw("group_id"), self.case["epoch"], Sender(SenderType.MEMBER, _SENDER), body)
        signer = self.suite.load_signature_key(self.case.raw("signature_priv"))
        signed = sign_content(self.suite, wire_format, content, signer, self.context)
        if isinstance(body, Commit):
            signed = signed.confirm(bytes(self.suite.nh))
        if wire_format == WireFormat.PUBLIC_MESSAGE:
            return MLSMessage(protect_public(self.suite, signed, self.context, self.case.raw("membership_key"))).encode()
        secret = self.case.raw("sender_data_secret")
        message, _ = protect_private(self.suite, signed, self.tree(), secret, pad=lambda length: length + 32, rng=system_random)
        return MLSMessage(message).encode()


def _expect_body(verified: VerifiedContent, body: Body) -> None:
    expect("sender", verified.content.sender, Sender(SenderType.MEMBER, _SENDER))
    expect("content", encode_body(verified.content.body), encode_body(body))


def welcome(case: Case) -> None:
    """A Welcome without a tree: its secrets, its GroupInfo and the tag that confirms both."""
    suite = case.suite
    package, message = MLSMessage.decode(case.raw("key_package")).body, MLSMessage.decode(case.raw("welcome")).body
    if not isinstance(package, KeyPackage) or not isinstance(message, Welcome):
        raise Mismatch("a key package or a Welcome is none")
    secrets = open_group_secrets(suite, message, package.ref(suite), suite.load_key_pair(case.raw("init_priv")))
    expect("psks", secrets.psks, ())
    info = open_group_info(suite, message, secrets.joiner_secret, bytes(suite.nh))
    info.verify(suite, case.raw("signer_pub"))
    epoch = derive_epoch(suite, secrets.joiner_secret, bytes(suite.nh), info.group_context.encode())
    tag = confirmation_tag(suite, epoch.secrets.confirmation_key, info.group_context.confirmed_transcript_hash)
    expect("confirmation_tag", tag, info.confirmation_tag)
