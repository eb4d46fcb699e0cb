"""Welcome and GroupInfo (RFC 9420 §12.4.3): how new members, and those who join by an external commit, learn of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connexa.crypto import Rng, Secret
from connexa.crypto.mls import KemSecret, SignatureSecret
from connexa.mls.codec import V, decode, items, optional, rv, u16, u32, vec
from connexa.mls.errors import ValidationError
from connexa.mls.extensions import Extensions
from connexa.mls.key_schedule import GroupContext, derive_welcome_secret
from connexa.mls.nodes import HPKECiphertext
from connexa.mls.psk import PreSharedKeyID
from connexa.mls.suite import Suite

__all__ = [
    "EncryptedGroupSecrets",
    "GroupInfo",
    "GroupSecrets",
    "NewMember",
    "Welcome",
    "open_group_info",
    "open_group_secrets",
    "seal_welcome",
    "split",
]

_GROUP_INFO_LABEL = "GroupInfoTBS"
_WELCOME_LABEL = "Welcome"


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """An epoch as a member describes it; `raw` is all of it, unless `verify` was called nobody vouches for it."""

    group_context: GroupContext
    extensions: Extensions
    confirmation_tag: bytes = field(repr=False)
    signer: int
    signature: bytes = field(repr=False)
    raw: bytes = field(repr=False, compare=False)

    def encode(self) -> bytes:
        return self.raw

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[GroupInfo, int]:
        start = pos
        context, pos = GroupContext.read(buf, pos)
        extensions, pos = Extensions.read(buf, pos)
        tag, pos = rv(buf, pos)
        signer, pos = u32(buf, pos)
        signature, pos = rv(buf, pos)
        return cls(context, extensions, tag, signer, signature, buf[start:pos]), pos

    @classmethod
    def sign(cls, suite: Suite, context: GroupContext, extensions: Extensions, tag: bytes, signer: int, key: SignatureSecret) -> GroupInfo:
        """The description that the member at leaf `signer` gives."""
        signed = context.encode() + extensions.encode() + V(tag) + signer.to_bytes(4, "big")
        signature = suite.sign_with_label(key, _GROUP_INFO_LABEL, signed)
        return cls(context, extensions, tag, signer, signature, signed + V(signature))

    def verify(self, suite: Suite, public: bytes) -> None:
        """Raise `CryptoError` (V18) unless the signer's key signed this."""
        suite.verify_with_label(public, _GROUP_INFO_LABEL, self.raw[: -len(V(self.signature))], self.signature, rule="V18")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class GroupSecrets(Secret):
    """What a Welcome tells one new member alone; `path_secret` only if the commit that added it has a path."""

    joiner_secret: bytes
    path_secret: bytes | None
    psks: tuple[PreSharedKeyID, ...]

    def encode(self) -> bytes:
        path = b"\0" if self.path_secret is None else b"\1" + V(self.path_secret)
        return V(self.joiner_secret) + path + vec(psk.encode() for psk in self.psks)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[GroupSecrets, int]:
        joiner_secret, pos = rv(buf, pos)
        path_secret, pos = optional(rv, buf, pos)
        psks, pos = items(PreSharedKeyID.read, buf, pos)
        return cls(joiner_secret, path_secret, tuple(psks)), pos


@dataclass(frozen=True, slots=True)
class EncryptedGroupSecrets:
    """`GroupSecrets` sealed to the init key of the key package that has this reference."""

    new_member: bytes
    sealed: HPKECiphertext = field(repr=False)

    def encode(self) -> bytes:
        return V(self.new_member) + self.sealed.encode()

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[EncryptedGroupSecrets, int]:
        new_member, pos = rv(buf, pos)
        sealed, pos = HPKECiphertext.read(buf, pos)
        return cls(new_member, sealed), pos


@dataclass(frozen=True, slots=True)
class Welcome:
    """One for all members that a commit adds: an entry for each, and the GroupInfo sealed for all."""

    cipher_suite: int
    secrets: tuple[EncryptedGroupSecrets, ...]
    encrypted_group_info: bytes = field(repr=False)

    def encode(self) -> bytes:
        return self.cipher_suite.to_bytes(2, "big") + vec(entry.encode() for entry in self.secrets) + V(self.encrypted_group_info)

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Welcome, int]:
        suite, pos = u16(buf, pos)
        secrets, pos = items(EncryptedGroupSecrets.read, buf, pos)
        encrypted_group_info, pos = rv(buf, pos)
        return cls(suite, tuple(secrets), encrypted_group_info), pos

    def entry(self, ref: bytes) -> EncryptedGroupSecrets:
        """The one entry for the key package with this reference (V19)."""
        found = [entry for entry in self.secrets if entry.new_member == ref]
        if len(found) != 1:
            raise ValidationError("V19", "A Welcome has not one entry for this key package.")
        return found[0]


def split(welcome: Welcome, ref: bytes) -> Welcome:
    """What the one new member with this key package needs of a Welcome: for servers, which deliver it to each."""
    return Welcome(welcome.cipher_suite, (welcome.entry(ref),), welcome.encrypted_group_info)


@dataclass(frozen=True, slots=True)
class NewMember:
    """Whom a commit adds: the reference and init key of the key package, and the path secret where the new member's path meets ours."""

    ref: bytes
    init_key: bytes
    path_secret: bytes | None = field(repr=False)


def seal_welcome(
    suite: Suite,
    group_info: GroupInfo,
    joiner_secret: bytes,
    psk_secret: bytes,
    psks: Sequence[PreSharedKeyID],
    members: Sequence[NewMember],
    rng: Rng,
) -> Welcome:
    """The Welcome of a commit that adds these members; `psks` are those of the commit, in its order."""
    key, nonce = _welcome_key(suite, joiner_secret, psk_secret)
    sealed_info = suite.aead_seal(key, nonce, b"", group_info.raw)
    sealer = suite.sealer(_WELCOME_LABEL, sealed_info)
    entries = []
    for member in members:
        secrets = GroupSecrets(joiner_secret, member.path_secret, tuple(psks))
        entries.append(EncryptedGroupSecrets(member.ref, HPKECiphertext(*sealer.seal(member.init_key, secrets.encode(), rng))))
    return Welcome(suite.number, tuple(entries), sealed_info)


def open_group_secrets(suite: Suite, welcome: Welcome, ref: bytes, init_key: KemSecret) -> GroupSecrets:
    """What the Welcome holds for the key package with this reference: found by it, never by trial (V19)."""
    if welcome.cipher_suite != suite.number:
        raise ValidationError("V19", "A Welcome is for another cipher suite than its key package.")
    sealed = welcome.entry(ref).sealed
    plain = suite.decrypt_with_label(init_key, _WELCOME_LABEL, welcome.encrypted_group_info, sealed.kem_output, sealed.ciphertext)
    return decode(GroupSecrets.read, plain)


def open_group_info(suite: Suite, welcome: Welcome, joiner_secret: bytes, psk_secret: bytes) -> GroupInfo:
    """The GroupInfo, still to be verified: its signer's key is in the tree that it describes."""
    key, nonce = _welcome_key(suite, joiner_secret, psk_secret)
    return decode(GroupInfo.read, suite.aead_open(key, nonce, b"", welcome.encrypted_group_info))


def _welcome_key(suite: Suite, joiner_secret: bytes, psk_secret: bytes) -> tuple[bytes, bytes]:
    secret = derive_welcome_secret(suite, joiner_secret, psk_secret)
    return suite.expand_with_label(secret, "key", b"", suite.nk), suite.expand_with_label(secret, "nonce", b"", suite.nn)
