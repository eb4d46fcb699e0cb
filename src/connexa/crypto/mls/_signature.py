"""The signature schemes of MLS' suites: Ed25519 and ECDSA (DER, RFC 9420 §5.1.2).

Labels that keep one signature from standing for another are MLS' own (`MLS 1.0 …`) and put on above. Signing takes no
randomness: Ed25519 needs none, ECDSA derives its own from key and message (RFC 6979).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache

from cryptography.exceptions import InvalidSignature as _Broken
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from connexa.crypto._errors import InvalidKey, InvalidSignature
from connexa.crypto._hash import Rng
from connexa.crypto._secret import Secret
from connexa.crypto.mls._kem import DHKEM_P256, DHKEM_P384, DHKEM_P521, NistKem

__all__ = ["ECDSA_P256", "ECDSA_P384", "ECDSA_P521", "ED25519", "SignatureScheme", "SignatureSecret"]

_KEYS_KEPT = 4096  # loaded keys of recent senders, some 300 bytes each


class SignatureSecret(Secret):
    """A signing key with its public half; `raw` is the only way out."""

    __slots__ = ("key", "public", "raw")

    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    public: bytes
    raw: bytes

    def __init__(self, raw: bytes, key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, public: bytes) -> None:
        self.raw = raw
        self.key = key
        self.public = public


class SignatureScheme(ABC):
    """One scheme; public keys are their MLS encoding."""

    @abstractmethod
    def admit(self, public: bytes) -> None:
        """Raise `InvalidKey` unless these bytes are the one encoding of a key (V45)."""

    @abstractmethod
    def secret(self, raw: bytes) -> SignatureSecret:
        """The key in stored bytes, or `InvalidKey`."""

    @abstractmethod
    def generate(self, rng: Rng) -> SignatureSecret:
        """A new key."""

    @abstractmethod
    def sign(self, secret: SignatureSecret, message: bytes) -> bytes:
        """A signature; `InvalidKey` if the key is another scheme's."""

    @abstractmethod
    def verify(self, public: bytes, message: bytes, signature: bytes) -> None:
        """Raise `InvalidSignature` unless it holds, `InvalidKey` if the key is none."""


class _Ed25519(SignatureScheme):
    def admit(self, public: bytes) -> None:
        # Not libsodium's full check of our identity keys: it costs as much as a verification, and a joiner checks every member.
        # What that would refuse beside these harms nobody but the key's owner.
        if len(public) != 32:
            raise InvalidKey
        y = int.from_bytes(public, "little") & ((1 << 255) - 1)
        if y >= _FIELD or y in _SMALL_ORDER:
            raise InvalidKey

    def secret(self, raw: bytes) -> SignatureSecret:
        if len(raw) != 32:
            raise InvalidKey
        key = Ed25519PrivateKey.from_private_bytes(raw)
        return SignatureSecret(bytes(raw), key, key.public_key().public_bytes_raw())

    def generate(self, rng: Rng) -> SignatureSecret:
        return self.secret(rng(32))

    def sign(self, secret: SignatureSecret, message: bytes) -> bytes:
        if not isinstance(secret.key, Ed25519PrivateKey):
            raise InvalidKey
        return secret.key.sign(message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> None:
        self.admit(public)
        if len(signature) != 64:
            raise InvalidSignature
        try:
            crypto_sign_open(signature + message, public)  # libsodium's takes half the time of OpenSSL's
        except BadSignatureError:
            raise InvalidSignature from None


_FIELD = 2**255 - 19
# The y-coordinates of order 1, 2, 4 and 8: under such a key one signature can fit every message.
_SMALL_ORDER = frozenset(
    (
        0,
        1,
        _FIELD - 1,
        int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
        int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    )
)


class _Ecdsa(SignatureScheme):
    """ECDSA on the curve of a KEM, whose admission and scalars it shares."""

    def __init__(self, kem: NistKem, hash: HashAlgorithm) -> None:
        self._kem = kem
        self._signing = ec.ECDSA(hash, deterministic_signing=True)
        self._verifying = ec.ECDSA(hash)
        self._key = lru_cache(_KEYS_KEPT)(kem.admit)

    def admit(self, public: bytes) -> None:
        self._key(public)

    def secret(self, raw: bytes) -> SignatureSecret:
        key, scalar, public = self._kem.load(raw)
        return SignatureSecret(scalar, key, public)

    def generate(self, rng: Rng) -> SignatureSecret:
        return self.secret(self._kem.generate(rng).raw)

    def sign(self, secret: SignatureSecret, message: bytes) -> bytes:
        if not isinstance(secret.key, ec.EllipticCurvePrivateKey) or secret.key.curve.name != self._kem.curve.name:
            raise InvalidKey
        return secret.key.sign(message, self._signing)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> None:
        try:
            self._key(public).verify(signature, message, self._verifying)
        except _Broken:
            raise InvalidSignature from None


ED25519 = _Ed25519()
ECDSA_P256 = _Ecdsa(DHKEM_P256, SHA256())
ECDSA_P384 = _Ecdsa(DHKEM_P384, SHA384())
ECDSA_P521 = _Ecdsa(DHKEM_P521, SHA512())
