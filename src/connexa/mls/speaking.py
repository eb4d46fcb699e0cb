"""Between a member's epoch and the wire: contents are signed and protected for it, messages are opened and checked in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from connexa.crypto import Rng
from connexa.mls.epoch import Epoch
from connexa.mls.errors import EpochError, ValidationError
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
from connexa.mls.key_schedule import GroupContext
from connexa.mls.proposals import Add, Commit
from connexa.mls.public_state import PublicState
from connexa.mls.registry import SenderType, WireFormat
from connexa.mls.secret_tree import Step

__all__ = ["check_address", "hear", "overhear", "protect", "sign", "signature_key_of"]


def sign(epoch: Epoch, body: Body, *, private: bool, aad: bytes) -> VerifiedContent:
    """What we say as a member of this epoch, with our signature."""
    context = epoch.public.context
    wire_format = WireFormat.PRIVATE_MESSAGE if private else WireFormat.PUBLIC_MESSAGE
    content = FramedContent.make(context.group_id, context.epoch, Sender(SenderType.MEMBER, epoch.own), body, aad)
    return sign_content(epoch.public.suite, wire_format, content, epoch.signer, context.encode())


def protect(
    epoch: Epoch, verified: VerifiedContent, *, pad: Callable[[int], int], rng: Rng, generation: int = 0
) -> tuple[bytes, Step | None]:
    """The MLSMessage of what we signed, and the step to settle if it is a private one; `generation` is the first that is free."""
    public = epoch.public
    if verified.wire_format == WireFormat.PUBLIC_MESSAGE:
        message = protect_public(public.suite, verified, public.context.encode(), epoch.secrets.membership_key)
        return MLSMessage(message).encode(), None
    sender_data_secret = epoch.secrets.sender_data_secret
    sealed, step = protect_private(public.suite, verified, epoch.ratchets, sender_data_secret, pad=pad, rng=rng, at_least=generation)
    return MLSMessage(sealed).encode(), step


def hear(epoch: Epoch, message: PublicMessage | PrivateMessage) -> tuple[VerifiedContent, Step | None]:
    """What somebody says in this epoch, if it is for it and its protection holds; the step deletes the key of a private message."""
    public, secrets = epoch.public, epoch.secrets
    context = public.context.encode()
    if isinstance(message, PublicMessage):
        check_address(public.context, message.content.group_id, message.content.epoch)
        verified = unprotect_public(public.suite, message, context, secrets.membership_key, partial(signature_key_of, public))
        return verified, None
    check_address(public.context, message.group_id, message.epoch)
    return unprotect_private(
        public.suite, message, epoch.ratchets, secrets.sender_data_secret, context, own_leaf=epoch.own, key_of=public.signature_key
    )


def overhear(epoch: Epoch, message: PrivateMessage) -> VerifiedContent:
    """A private message of this epoch, whoever has sent it, we too: it is not read, so nothing changes."""
    public, secrets = epoch.public, epoch.secrets
    context, secret = public.context.encode(), secrets.sender_data_secret
    return unprotect_private(public.suite, message, epoch.ratchets, secret, context, own_leaf=None, key_of=public.signature_key)[0]


def check_address(context: GroupContext, group_id: bytes, epoch: int) -> None:
    """A message is for this group and this epoch (V25)."""
    if group_id != context.group_id:
        raise ValidationError("V25", "A message is for another group.")
    if epoch != context.epoch:
        raise EpochError(context.epoch, epoch)


def signature_key_of(public: PublicState, content: FramedContent) -> bytes:
    """The key that has to have signed a public content (§6.1), by its kind of sender."""
    sender, body = content.sender, content.body
    if sender.type == SenderType.MEMBER:
        return public.signature_key(sender.index)
    if sender.type == SenderType.EXTERNAL:
        senders = public.context.extensions.external_senders
        if sender.index >= len(senders):
            raise ValidationError("V40", "A message comes from an external sender whom the group does not know.")
        return senders[sender.index].signature_key
    if sender.type == SenderType.NEW_MEMBER_PROPOSAL:
        if not isinstance(body, Add):
            raise ValidationError("V40", "Somebody who is no member proposes more than to join.")
        return body.key_package.leaf_node.signature_key
    if not isinstance(body, Commit) or body.path is None:
        raise ValidationError("V32", "An external commit has no path.")
    return body.path.leaf_node.signature_key
