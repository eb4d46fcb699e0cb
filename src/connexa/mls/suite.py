"""The functions of a cipher suite (RFC 9420 §5.1, §5.2, §8, §9.1), each under the RFC's name and with its labels.

A `Suite` holds no state but loaded public keys. Public keys are bytes as they stand in MLS structs and are admitted where they
are used; secret keys are objects that show nothing of themselves.
"""

from __future__ import annotations

from functools import lru_cache

from connexa.crypto import InvalidKey, InvalidSignature, InvalidTag, Rng, equal
from connexa.crypto.mls import (
    AES_128_GCM,
    AES_256_GCM,
    CHACHA20_POLY1305,
    DHKEM_P256,
    DHKEM_P384,
    DHKEM_P521,
    DHKEM_X25519,
    ECDSA_P256,
    ECDSA_P384,
    ECDSA_P521,
    ED25519,
    SHA256,
    SHA384,
    SHA512,
    XWING,
    Aead,
    Hash,
    Kem,
    KemSecret,
    SignatureScheme,
    SignatureSecret,
)
from connexa.mls.codec import V
from connexa.mls.errors import CryptoError, UnsupportedSuite
from connexa.mls.hpke import Hpke, Sealer
from connexa.mls.registry import CipherSuite

__all__ = ["EXPERIMENTAL_SUITES", "SUITES", "LabelSealer", "Suite", "get_suite"]

_EXTERNAL_INIT = b"MLS 1.0 external init secret"


@lru_cache(256)
def _label(label: str) -> bytes:
    return V(b"MLS 1.0 " + label.encode("ascii"))


class Suite:
    """One cipher suite; `nh`, `nk`, `nn` are the bytes of a hash, of an AEAD key and of its nonce.

    What does not hold cryptographically raises `CryptoError` with the rule that the caller names.
    """

    __slots__ = ("_aead", "_hash", "_hpke", "_signature", "nh", "nk", "nn", "number")

    def __init__(self, number: CipherSuite, kem: Kem, hash: Hash, aead: Aead, signature: SignatureScheme) -> None:
        self.number = number
        self.nh = hash.size
        self.nk = aead.nk
        self.nn = aead.nn
        self._hash = hash
        self._aead = aead
        self._signature = signature
        self._hpke = Hpke(kem, hash, aead)

    def __repr__(self) -> str:
        return f"<Suite {self.number.name}>"

    # Hashes and derivations

    def hash(self, content: bytes) -> bytes:
        """Hash."""
        return self._hash.digest(content)

    def mac(self, key: bytes, content: bytes) -> bytes:
        """MAC: HMAC with the suite's hash (§5.1)."""
        return self._hash.mac(key, content)

    def verify_mac(self, key: bytes, content: bytes, tag: bytes, *, rule: str) -> None:
        """Raise `CryptoError` unless this is the MAC; in constant time."""
        if not equal(self._hash.mac(key, content), tag):
            raise CryptoError("An authentication tag of a group does not hold.", rule)

    def extract(self, salt: bytes, ikm: bytes) -> bytes:
        """KDF.Extract."""
        return self._hash.extract(salt, ikm)

    def expand_with_label(self, secret: bytes, label: str, context: bytes, length: int) -> bytes:
        """ExpandWithLabel (§8)."""
        return self._hash.expand(secret, length.to_bytes(2, "big") + _label(label) + V(context), length)

    def derive_secret(self, secret: bytes, label: str) -> bytes:
        """DeriveSecret (§8)."""
        return self._hash.expand(secret, self.nh.to_bytes(2, "big") + _label(label) + b"\0", self.nh)

    def derive_tree_secret(self, secret: bytes, label: str, generation: int, length: int) -> bytes:
        """DeriveTreeSecret (§9.1)."""
        return self.expand_with_label(secret, label, generation.to_bytes(4, "big"), length)

    def ref_hash(self, label: str, value: bytes) -> bytes:
        """RefHash (§5.2); the label stands as it is, without a prefix."""
        return self._hash.digest(V(label.encode("ascii")) + V(value))

    # Seals

    def aead_seal(self, key: bytes, nonce: bytes, aad: bytes, plaintext: bytes) -> bytes:
        """Ciphertext and tag."""
        return self._aead.seal(key, nonce, aad, plaintext)

    def aead_open(self, key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes:
        """The plaintext, or `CryptoError`."""
        try:
            return self._aead.open(key, nonce, aad, sealed)
        except InvalidTag:
            raise CryptoError("A message of a group cannot be opened.") from None

    def sealer(self, label: str, context: bytes) -> LabelSealer:
        """EncryptWithLabel to many recipients, whose common context is hashed once."""
        return LabelSealer(self._hpke.sealer(_label(label) + V(context)))

    def encrypt_with_label(self, public: bytes, label: str, context: bytes, plaintext: bytes, rng: Rng) -> tuple[bytes, bytes]:
        """EncryptWithLabel (§5.1.3): KEM output and ciphertext. `CryptoError` if the key is not one."""
        return self.sealer(label, context).seal(public, plaintext, rng)

    def decrypt_with_label(self, secret: KemSecret, label: str, context: bytes, kem_output: bytes, ciphertext: bytes) -> bytes:
        """DecryptWithLabel (§5.1.3)."""
        try:
            return self._hpke.open(secret, kem_output, ciphertext, _label(label) + V(context))
        except (InvalidKey, InvalidTag):
            raise CryptoError("A secret sealed to a member cannot be opened.") from None

    def seal_init_secret(self, external_pub: bytes, rng: Rng) -> tuple[bytes, bytes]:
        """For an external commit (§8.3): the KEM output of its ExternalInit, and the init secret."""
        try:
            return self._hpke.send_export(external_pub, b"", _EXTERNAL_INIT, self.nh, rng)
        except InvalidKey:
            raise CryptoError("A group's external key is not admissible.") from None

    def open_init_secret(self, external: KemSecret, kem_output: bytes) -> bytes:
        """The init secret of an external commit, for those who hold the external key pair (§8.3)."""
        try:
            return self._hpke.receive_export(external, kem_output, b"", _EXTERNAL_INIT, self.nh)
        except InvalidKey:
            raise CryptoError("An external commit's key is not admissible.") from None

    # Signatures

    def sign_with_label(self, secret: SignatureSecret, label: str, content: bytes) -> bytes:
        """SignWithLabel (§5.1.2)."""
        try:
            return self._signature.sign(secret, _label(label) + V(content))
        except InvalidKey:
            raise CryptoError("A signing key is not one of this cipher suite.") from None

    def verify_with_label(self, public: bytes, label: str, content: bytes, signature: bytes, *, rule: str = "V45") -> None:
        """VerifyWithLabel (§5.1.2): raise `CryptoError` with that rule unless it holds, with V45 if the key is none."""
        try:
            self._signature.verify(public, _label(label) + V(content), signature)
        except InvalidSignature:
            raise CryptoError("A signature in a group does not hold.", rule) from None
        except InvalidKey:
            raise CryptoError("A signature key is not admissible.") from None

    # Keys

    def generate_key_pair(self, rng: Rng) -> KemSecret:
        """A new encryption key."""
        return self._hpke.kem.generate(rng)

    def derive_key_pair(self, ikm: bytes) -> KemSecret:
        """KEM.DeriveKeyPair: the encryption key of a node or external secret."""
        return self._hpke.kem.derive(ikm)

    def generate_signature_key(self, rng: Rng) -> SignatureSecret:
        """A new signing key."""
        return self._signature.generate(rng)

    def load_key_pair(self, raw: bytes) -> KemSecret:
        """The encryption key of stored bytes."""
        try:
            return self._hpke.kem.secret(raw)
        except InvalidKey:
            raise CryptoError("A stored encryption key is not one of this cipher suite.") from None

    def load_signature_key(self, raw: bytes) -> SignatureSecret:
        """The signing key of stored bytes."""
        try:
            return self._signature.secret(raw)
        except InvalidKey:
            raise CryptoError("A stored signing key is not one of this cipher suite.") from None

    def check_encryption_key(self, public: bytes) -> None:
        """Raise `CryptoError` (V45) unless these bytes are an encryption key."""
        try:
            self._hpke.kem.admit(public)
        except InvalidKey:
            raise CryptoError("An encryption key is not admissible.") from None

    def check_signature_key(self, public: bytes) -> None:
        """Raise `CryptoError` (V45) unless these bytes are a signature key."""
        try:
            self._signature.admit(public)
        except InvalidKey:
            raise CryptoError("A signature key is not admissible.") from None


class LabelSealer:
    """EncryptWithLabel under one label and context."""

    __slots__ = ("_sealer",)

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal(self, public: bytes, plaintext: bytes, rng: Rng) -> tuple[bytes, bytes]:
        """KEM output and ciphertext for one recipient; `CryptoError` if its key is not one."""
        try:
            return self._sealer.seal(public, plaintext, rng)
        except InvalidKey:
            raise CryptoError("An encryption key is not admissible.") from None


_C = CipherSuite
SUITES: dict[int, Suite] = {
    suite.number: suite
    for suite in (
        Suite(_C.MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519, DHKEM_X25519, SHA256, AES_128_GCM, ED25519),
        Suite(_C.MLS_128_DHKEMP256_AES128GCM_SHA256_P256, DHKEM_P256, SHA256, AES_128_GCM, ECDSA_P256),
        Suite(_C.MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519, DHKEM_X25519, SHA256, CHACHA20_POLY1305, ED25519),
        Suite(_C.MLS_256_DHKEMP521_AES256GCM_SHA512_P521, DHKEM_P521, SHA512, AES_256_GCM, ECDSA_P521),
        Suite(_C.MLS_256_DHKEMP384_AES256GCM_SHA384_P384, DHKEM_P384, SHA384, AES_256_GCM, ECDSA_P384),
    )
}
"""The suites of release 1. 4 and 6 need X448 and Ed448 in HPKE, which no library of ours has."""

_HYBRID = Suite(_C.EXPERIMENTAL_128_MLKEM768X25519_AES128GCM_SHA256_Ed25519, XWING, SHA256, AES_128_GCM, ED25519)
EXPERIMENTAL_SUITES: dict[int, Suite] = {_HYBRID.number: _HYBRID}
"""The post-quantum hybrid, under a private number of ours until its draft has one."""


def get_suite(number: int, *, experimental: bool = False) -> Suite:
    """The suite of that number, or `UnsupportedSuite`; experimental ones only when the caller switches them on."""
    suite = SUITES.get(number) or (EXPERIMENTAL_SUITES.get(number) if experimental else None)
    if suite is None:
        raise UnsupportedSuite(number)
    return suite
