"""PublicMessage and PrivateMessage: what is refused without a trace (§6); the official messages are in `conformance`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from connexa.crypto import system_random
from connexa.mls import CryptoError, DecodeError, MLSError, ReplayError, ValidationError
from connexa.mls.codec import V, decode
from connexa.mls.extensions import Extensions
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
from connexa.mls.proposals import Commit, Remove
from connexa.mls.registry import ContentType, SenderType, WireFormat
from connexa.mls.secret_tree import SecretTree, Step, sender_data_key
from connexa.mls.suite import SUITES, Suite

PUBLIC, PRIVATE = WireFormat.PUBLIC_MESSAGE, WireFormat.PRIVATE_MESSAGE


class Epoch:
    """One epoch of two members, of whom the one at leaf 1 speaks; each call begins with fresh message keys unless it is told a tree."""

    def __init__(self, suite: Suite, context: GroupContext, secrets: Sequence[bytes], signer: Any, public: bytes) -> None:
        self.suite = suite
        self.context = context
        self.encryption_secret, self.sender_data_secret, self.membership_key = secrets
        self.signer = signer
        self.public = public

    def tree(self) -> SecretTree:
        return SecretTree(self.suite, 2, self.encryption_secret)

    def sign(self, wire_format: WireFormat, body: Body, aad: bytes = b"", leaf: int = 1) -> VerifiedContent:
        content = FramedContent.make(self.context.group_id, self.context.epoch, Sender(SenderType.MEMBER, leaf), body, aad)
        signed = sign_content(self.suite, wire_format, content, self.signer, self.context.encode())
        return signed.confirm(b"t" * self.suite.nh) if isinstance(body, Commit) else signed

    def protect_public(self, verified: VerifiedContent) -> PublicMessage:
        return protect_public(self.suite, verified, self.context.encode(), self.membership_key)

    def unprotect_public(self, message: PublicMessage) -> VerifiedContent:
        return unprotect_public(self.suite, message, self.context.encode(), self.membership_key, lambda content: self.public)

    def protect_private(
        self, verified: VerifiedContent, tree: SecretTree | None = None, pad: Callable[[int], int] = lambda n: n
    ) -> PrivateMessage:
        tree = tree or self.tree()
        message, step = protect_private(self.suite, verified, tree, self.sender_data_secret, pad=pad, rng=system_random)
        tree.settle(step)
        return message

    def unprotect_private(self, message: PrivateMessage, tree: SecretTree | None = None, own_leaf: int = 0) -> tuple[VerifiedContent, Step]:
        context = self.context.encode()
        return unprotect_private(
            self.suite, message, tree or self.tree(), self.sender_data_secret, context, own_leaf=own_leaf, key_of=lambda leaf: self.public
        )


@pytest.fixture
def epoch() -> Epoch:
    suite = SUITES[1]
    signer = suite.generate_signature_key(system_random)
    context = GroupContext(suite.number, b"group", 7, b"t" * 32, b"c" * 32, Extensions(()))
    return Epoch(suite, context, (b"e" * 32, b"s" * 32, b"m" * 32), signer, signer.public)


def opened(raw: str) -> Any:
    return MLSMessage.decode(bytes.fromhex(raw)).body


def test_V21_a_members_public_message_carries_its_membership_tag(epoch: Epoch) -> None:
    message = epoch.protect_public(epoch.sign(PUBLIC, Remove(0)))
    for tag in (None, b"", bytes(32), epoch.suite.mac(b"x" * 32, b"")):
        with pytest.raises(CryptoError) as refused:
            epoch.unprotect_public(replace(message, membership_tag=tag))
        assert refused.value.rule == "V21"


def test_V21_other_senders_messages_have_no_tag(epoch: Epoch) -> None:
    content = FramedContent.make(b"group", 7, Sender(SenderType.EXTERNAL, 0), Remove(0))
    message = epoch.protect_public(sign_content(epoch.suite, PUBLIC, content, epoch.signer))
    assert message.membership_tag is None
    assert epoch.unprotect_public(decode(PublicMessage.read, message.encode())).content.body == Remove(0)
    with pytest.raises(DecodeError):
        decode(PublicMessage.read, message.encode() + V(b"t" * 32))


@pytest.mark.parametrize(
    ("sender", "rule"), [(SenderType.MEMBER, "V21"), (SenderType.EXTERNAL, "V40"), (SenderType.NEW_MEMBER_PROPOSAL, "V40")]
)
def test_a_public_message_that_its_sender_did_not_sign_is_refused(epoch: Epoch, sender: SenderType, rule: str) -> None:
    content = FramedContent.make(b"group", 7, Sender(sender), Remove(0))
    forger = epoch.suite.generate_signature_key(system_random)
    forged = epoch.protect_public(sign_content(epoch.suite, PUBLIC, content, forger, epoch.context.encode()))
    with pytest.raises(CryptoError) as refused:
        epoch.unprotect_public(forged)
    assert refused.value.rule == rule


def test_a_server_without_the_membership_key_still_checks_the_signature(epoch: Epoch) -> None:
    message = epoch.protect_public(epoch.sign(PUBLIC, Remove(0)))
    context = epoch.context.encode()
    assert unprotect_public(epoch.suite, message, context, None, lambda content: epoch.public).content.body == Remove(0)
    other = replace(epoch.context, epoch=8).encode()
    with pytest.raises(CryptoError):
        unprotect_public(epoch.suite, message, other, None, lambda content: epoch.public)


@pytest.mark.parametrize(
    ("sender", "body"),
    [
        (SenderType.MEMBER, b"application data"),
        (SenderType.EXTERNAL, Commit((), None)),
        (SenderType.NEW_MEMBER_PROPOSAL, Commit((), None)),
        (SenderType.NEW_MEMBER_COMMIT, Remove(0)),
    ],
)
def test_V22_what_a_sender_may_not_say_in_public_is_neither_made_nor_taken(epoch: Epoch, sender: SenderType, body: Body) -> None:
    content = FramedContent.make(b"group", 7, Sender(sender), body)
    signed = sign_content(epoch.suite, PUBLIC, content, epoch.signer, epoch.context.encode())
    for attempt in (lambda: epoch.protect_public(signed), lambda: epoch.unprotect_public(PublicMessage(signed, None))):
        with pytest.raises(ValidationError) as refused:
            attempt()
        assert refused.value.rule == "V22"


def test_external_commits_sign_the_group_context_and_external_proposals_do_not(epoch: Epoch) -> None:
    for sender, signs in ((SenderType.NEW_MEMBER_COMMIT, True), (SenderType.EXTERNAL, False), (SenderType.NEW_MEMBER_PROPOSAL, False)):
        content = FramedContent.make(b"group", 7, Sender(sender), Remove(0))
        signed = sign_content(epoch.suite, PUBLIC, content, epoch.signer, b"context")
        assert signed.signed(b"context").endswith(content.raw + b"context") is signs


def test_a_signature_holds_for_one_wire_format(epoch: Epoch) -> None:
    signed = epoch.sign(PRIVATE, Remove(0))
    moved = VerifiedContent(PUBLIC, signed.content, signed.signature)
    with pytest.raises(CryptoError):
        epoch.unprotect_public(epoch.protect_public(moved))
    with pytest.raises(ValueError):
        epoch.protect_private(epoch.sign(PUBLIC, Remove(0)))


def test_V23_padding_is_zeros(epoch: Epoch) -> None:
    padded = epoch.protect_private(epoch.sign(PRIVATE, b"short"), pad=lambda length: 256)
    assert len(padded.ciphertext) == 256 + 16
    assert epoch.unprotect_private(padded)[0].content.body == b"short"
    with pytest.raises(ValidationError) as refused:
        epoch.unprotect_private(forge(epoch, lambda plain: plain + bytes(20) + b"\1"))
    assert refused.value.rule == "V23"


def test_V23_own_messages_are_refused(epoch: Epoch) -> None:
    message = epoch.protect_private(epoch.sign(PRIVATE, b"mine"))
    with pytest.raises(ValidationError) as refused:
        epoch.unprotect_private(message, own_leaf=1)
    assert refused.value.rule == "V23"


def test_V23_a_sender_without_a_leaf_is_refused_before_any_key_is_reached(epoch: Epoch) -> None:
    message = epoch.protect_private(epoch.sign(PRIVATE, b"x"))

    def blank(leaf: int) -> bytes:
        raise ValidationError("V23", f"Leaf {leaf} is blank.")

    with pytest.raises(ValidationError, match="Leaf 1 is blank"):
        unprotect_private(epoch.suite, message, epoch.tree(), epoch.sender_data_secret, epoch.context.encode(), own_leaf=0, key_of=blank)


def test_V23_the_content_type_outside_is_the_ratchets(epoch: Epoch) -> None:
    message = epoch.protect_private(epoch.sign(PRIVATE, b"x"))
    for content_type in (ContentType.PROPOSAL, ContentType.COMMIT):
        with pytest.raises(CryptoError):
            epoch.unprotect_private(replace(message, content_type=content_type))


def test_every_part_of_a_private_message_is_bound_to_the_rest(epoch: Epoch) -> None:
    message = epoch.protect_private(epoch.sign(PRIVATE, b"x", aad=b"in the clear"))
    for changed in (
        replace(message, group_id=b"other"),
        replace(message, epoch=8),
        replace(message, authenticated_data=b"changed"),
        replace(message, encrypted_sender_data=bytes(len(message.encrypted_sender_data))),
        replace(message, encrypted_sender_data=b""),
        replace(message, ciphertext=message.ciphertext[:-1] + bytes((message.ciphertext[-1] ^ 1,))),
        replace(message, ciphertext=b""),
    ):
        with pytest.raises(CryptoError):
            epoch.unprotect_private(changed)


def test_V24_a_message_is_read_once(epoch: Epoch) -> None:
    tree = epoch.tree()
    message = epoch.protect_private(epoch.sign(PRIVATE, b"once"))
    _, step = epoch.unprotect_private(message, tree)
    tree.settle(step)
    with pytest.raises(ReplayError):
        epoch.unprotect_private(message, tree)


def test_V24_an_insiders_forgery_that_opens_burns_no_key(epoch: Epoch) -> None:
    """Any member has the keys of all: it can seal as another one, but not sign."""
    tree = epoch.tree()
    genuine = epoch.protect_private(epoch.sign(PRIVATE, b"genuine"))
    forger = Epoch(epoch.suite, epoch.context, (epoch.encryption_secret, epoch.sender_data_secret, epoch.membership_key), None, b"")
    forger.signer = epoch.suite.generate_signature_key(system_random)
    before = tree.parts()
    with pytest.raises(CryptoError) as refused:
        epoch.unprotect_private(forger.protect_private(forger.sign(PRIVATE, b"forged")), tree)
    assert refused.value.rule == "V24"
    assert tree.parts() == before
    assert epoch.unprotect_private(genuine, tree)[0].content.body == b"genuine"


def test_V24_the_reuse_guard_makes_one_key_used_twice_two_nonces(epoch: Epoch) -> None:
    """A sender that was restored from an old copy: the same key, the same content, another ciphertext; both open."""
    signed = epoch.sign(PRIVATE, b"again")
    first, second = epoch.protect_private(signed), epoch.protect_private(signed)
    assert first.ciphertext != second.ciphertext
    for message in (first, second):
        assert epoch.unprotect_private(message)[0].content.body == b"again"


def forge(epoch: Epoch, change: Callable[[bytes], bytes]) -> PrivateMessage:
    """What an insider can seal: any plaintext in place of a signed content."""
    message, step = protect_private(
        epoch.suite, epoch.sign(PRIVATE, b"x"), epoch.tree(), epoch.sender_data_secret, pad=lambda n: n, rng=lambda n: bytes(n)
    )
    plain = epoch.suite.aead_open(step.key.key, step.key.nonce, message.aad(), message.ciphertext)
    ciphertext = epoch.suite.aead_seal(step.key.key, step.key.nonce, message.aad(), change(plain))
    key, nonce = sender_data_key(epoch.suite, epoch.sender_data_secret, ciphertext)
    sender = (1).to_bytes(4, "big") + bytes(8)
    sealed = epoch.suite.aead_seal(key, nonce, message.sender_data_aad(), sender)
    return replace(message, ciphertext=ciphertext, encrypted_sender_data=sealed)


@pytest.mark.parametrize("length", range(68))
def test_what_an_insider_seals_in_place_of_a_content_is_refused(epoch: Epoch, length: int) -> None:
    tree = epoch.tree()
    before = tree.parts()
    with pytest.raises(MLSError):
        epoch.unprotect_private(forge(epoch, lambda plain: plain[:length]), tree)
    assert tree.parts() == before


def test_a_proposal_is_referred_to_by_all_that_was_signed_and_its_signature(epoch: Epoch) -> None:
    """§5.2: over the AuthenticatedContent, with its wire format; the tag around a public message does not count."""
    for wire_format in (PUBLIC, PRIVATE):
        signed = epoch.sign(wire_format, Remove(0))
        content = V(b"group") + (7).to_bytes(8, "big") + b"\1\0\0\0\1" + V(b"") + b"\2" + b"\0\3\0\0\0\0"
        authenticated = wire_format.to_bytes(2, "big") + content + V(signed.signature)
        assert signed.ref(epoch.suite) == epoch.suite.hash(V(b"MLS 1.0 Proposal Reference") + V(authenticated))
    received = epoch.unprotect_public(decode(PublicMessage.read, epoch.protect_public(epoch.sign(PUBLIC, Remove(0))).encode()))
    assert received.ref(epoch.suite) == VerifiedContent(PUBLIC, received.content, received.signature).ref(epoch.suite)
