"""Proposals from outside a group (RFC 9420 §12.1.8): by somebody whom its external_senders name, or by somebody who wants to join."""

from __future__ import annotations

from connexa.crypto.mls import SignatureSecret
from connexa.mls.errors import ValidationError
from connexa.mls.framing import FramedContent, MLSMessage, Sender, protect_public, sign_content
from connexa.mls.key_package import KeyPackage, KeyPackageBundle
from connexa.mls.key_schedule import GroupContext
from connexa.mls.proposals import Add, Proposal
from connexa.mls.registry import SenderType, WireFormat
from connexa.mls.suite import get_suite
from connexa.mls.welcome import GroupInfo

__all__ = ["propose_from_outside", "propose_self_add", "read_group_info", "read_key_package"]


def propose_from_outside(context: GroupContext, sender_index: int, signer: SignatureSecret, proposal: Proposal) -> bytes:
    """A PublicMessage (MLSMessage) by the external sender at that place of the group's list."""
    return _propose(context, Sender(SenderType.EXTERNAL, sender_index), signer, proposal)


def propose_self_add(group_info: bytes, bundle: KeyPackageBundle) -> bytes:
    """A PublicMessage (MLSMessage) that asks the members to add the owner of this key package."""
    return _propose(
        read_group_info(group_info).group_context, Sender(SenderType.NEW_MEMBER_PROPOSAL), bundle.sig_sk, Add(bundle.key_package)
    )


def _propose(context: GroupContext, sender: Sender, signer: SignatureSecret, proposal: Proposal) -> bytes:
    suite = get_suite(context.cipher_suite, experimental=True)
    content = FramedContent.make(context.group_id, context.epoch, sender, proposal)
    verified = sign_content(suite, WireFormat.PUBLIC_MESSAGE, content, signer)
    return MLSMessage(protect_public(suite, verified, b"", b"")).encode()


def read_group_info(source: bytes) -> GroupInfo:
    """A GroupInfo that comes as an MLSMessage."""
    body = MLSMessage.decode(source).body
    if not isinstance(body, GroupInfo):
        raise ValidationError("V18", "This is no GroupInfo.")
    return body


def read_key_package(source: bytes | KeyPackage) -> KeyPackage:
    """A key package that was read before, or that comes as an MLSMessage."""
    if isinstance(source, KeyPackage):
        return source
    body = MLSMessage.decode(source).body
    if not isinstance(body, KeyPackage):
        raise ValidationError("V13", "This is no key package.")
    return body
