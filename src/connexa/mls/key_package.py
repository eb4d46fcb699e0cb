"""Key packages (RFC 9420 §10): how a client offers itself to groups before it is in any."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from connexa.crypto import Rng, Secret
from connexa.crypto.mls import KemSecret, SignatureSecret
from connexa.mls.codec import V, rv, u16
from connexa.mls.credential import Credential
from connexa.mls.errors import ValidationError
from connexa.mls.extensions import NO_EXTENSIONS, Extensions
from connexa.mls.nodes import Capabilities, LeafNode, Lifetime
from connexa.mls.registry import MLS10, ExtensionType, LeafNodeSource
from connexa.mls.suite import Suite

__all__ = ["KeyPackage", "KeyPackageBundle"]

_LABEL = "KeyPackageTBS"
_REFERENCE = "MLS 1.0 KeyPackage Reference"


@dataclass(frozen=True, slots=True)
class KeyPackage:
    """A leaf, and the key to which a Welcome is sealed. `raw` is all of it."""

    version: int
    cipher_suite: int
    init_key: bytes
    leaf_node: LeafNode
    extensions: Extensions
    signature: bytes = field(repr=False)
    raw: bytes = field(repr=False, compare=False)
    _tbs_length: int = field(repr=False, compare=False)

    @staticmethod
    def generate(
        suite: Suite,
        credential: Credential,
        signer: SignatureSecret,
        *,
        capabilities: Capabilities,
        lifetime: Lifetime,
        rng: Rng,
        extensions: Extensions = NO_EXTENSIONS,
        leaf_extensions: Extensions = NO_EXTENSIONS,
        last_resort: bool = False,
    ) -> KeyPackageBundle:
        """A key package with its secret keys; one of last resort may be used again, and links the groups it is used in."""
        if last_resort:
            extensions = extensions.with_last_resort()
            capabilities = _supporting(capabilities, ExtensionType.LAST_RESORT)
        init, encryption = suite.generate_key_pair(rng), suite.generate_key_pair(rng)
        leaf = LeafNode.sign(suite, signer, encryption.public, credential, capabilities, extensions=leaf_extensions, lifetime=lifetime)
        head = MLS10.to_bytes(2, "big") + suite.number.to_bytes(2, "big") + V(init.public)
        tbs = head + leaf.raw + extensions.encode()
        signature = suite.sign_with_label(signer, _LABEL, tbs)
        package = KeyPackage(MLS10, suite.number, init.public, leaf, extensions, signature, tbs + V(signature), len(tbs))
        return KeyPackageBundle(package, init, encryption, signer)

    def ref(self, suite: Suite) -> bytes:
        """Its KeyPackageRef (§5.2): over these bytes, not over the MLSMessage around them."""
        return suite.ref_hash(_REFERENCE, self.raw)

    def verify(self, suite: Suite) -> None:
        """Raise `CryptoError` (V13) unless its leaf's key signed it; the leaf has a signature of its own."""
        signed = self.raw[: self._tbs_length]
        suite.verify_with_label(self.leaf_node.signature_key, _LABEL, signed, self.signature, rule="V13")

    def validate(self, suite: Suite) -> None:
        """What everybody can check of a key package alone, a server too (§10.1): V03, V04, V13, V45; not who it is, nor its lifetime."""
        if self.version != MLS10 or self.cipher_suite != suite.number:
            raise ValidationError("V13", "A key package is for another version or cipher suite.")
        if self.init_key == self.leaf_node.encryption_key:
            raise ValidationError("V13", "A key package uses one key twice.")
        if self.leaf_node.leaf_node_source != LeafNodeSource.KEY_PACKAGE:
            raise ValidationError("V04", "A key package's leaf was made for a group.")
        suite.check_encryption_key(self.init_key)
        self.leaf_node.verify(suite, b"", 0)
        self.verify(suite)

    def encode(self) -> bytes:
        """The bytes that it was read from or signed as."""
        return self.raw

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[KeyPackage, int]:
        """A key package, unverified."""
        start = pos
        version, pos = u16(buf, pos)
        suite, pos = u16(buf, pos)
        init_key, pos = rv(buf, pos)
        leaf, pos = LeafNode.read(buf, pos)
        extensions, pos = Extensions.read(buf, pos)
        tbs_length = pos - start
        signature, pos = rv(buf, pos)
        return cls(version, suite, init_key, leaf, extensions, signature, buf[start:pos], tbs_length), pos


def _supporting(capabilities: Capabilities, extension_type: int) -> Capabilities:
    if extension_type in capabilities.extensions:
        return capabilities
    return replace(capabilities, extensions=(*capabilities.extensions, extension_type))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class KeyPackageBundle(Secret):
    """A key package with its three secret keys, for its owner alone."""

    key_package: KeyPackage
    init_sk: KemSecret
    enc_sk: KemSecret
    sig_sk: SignatureSecret
