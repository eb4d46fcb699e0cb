"""HPKE base mode, single shot: hybrid MLKEM768-X25519 for sealed senders, X25519 alone for device linking.

KDF HKDF-SHA256, AEAD ChaCha20-Poly1305 (RFC 9180, draft-ietf-hpke-pq). The output is encapsulation | ciphertext.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag as _Broken
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from connexa.crypto._errors import InvalidTag
from connexa.crypto._hash import Rng
from connexa.crypto._mlkem import MLKEM_CIPHERTEXT_BYTES, MLKEM_PUBLIC_BYTES, MlKemPublic, MlKemSecret
from connexa.crypto._secret import Secret
from connexa.crypto._x25519 import X25519Public, X25519Secret

__all__ = [
    "HYBRID_OVERHEAD",
    "HybridPublic",
    "HybridSecret",
    "hpke_open",
    "hpke_seal",
    "hpke_x25519_open",
    "hpke_x25519_seal",
]

HYBRID_OVERHEAD = MLKEM_CIPHERTEXT_BYTES + 32 + 16

_HYBRID = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_X25519 = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class HybridPublic:
    """ML-KEM-768 and X25519 together: secret as long as one of them holds."""

    mlkem: MlKemPublic
    x25519: X25519Public

    @classmethod
    def from_bytes(cls, raw: bytes) -> HybridPublic:
        """Admit ML-KEM key | X25519 key, 1,216 bytes, or raise `InvalidKey`."""
        return cls(MlKemPublic(raw[:MLKEM_PUBLIC_BYTES]), X25519Public(raw[MLKEM_PUBLIC_BYTES:]))

    @property
    def raw(self) -> bytes:
        return self.mlkem.raw + self.x25519.raw


class HybridSecret(Secret):
    """The secret half of `HybridPublic`; its seed is ML-KEM's 64 bytes | X25519's 32."""

    __slots__ = ("_key", "mlkem", "x25519")

    mlkem: MlKemSecret
    x25519: X25519Secret

    def __init__(self, mlkem: MlKemSecret, x25519: X25519Secret) -> None:
        self.mlkem = mlkem
        self.x25519 = x25519
        self._key = MLKEM768X25519PrivateKey(mlkem.key, x25519.key)

    @classmethod
    def generate(cls, rng: Rng) -> HybridSecret:
        """A new key."""
        return cls(MlKemSecret.generate(rng), X25519Secret.generate(rng))

    @classmethod
    def from_seed(cls, seed: bytes) -> HybridSecret:
        """The key of a stored 96-byte seed."""
        return cls(MlKemSecret(seed[:64]), X25519Secret(seed[64:]))

    @property
    def seed(self) -> bytes:
        return self.mlkem.seed + self.x25519.raw

    @property
    def public(self) -> HybridPublic:
        return HybridPublic(self.mlkem.public, self.x25519.public)

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """The plaintext sealed to this key under that info, or `InvalidTag`."""
        try:
            return _HYBRID.decrypt(sealed, self._key, info=info)
        except _Broken:
            raise InvalidTag from None


def hpke_seal(public: HybridPublic, plaintext: bytes, info: bytes) -> bytes:
    """Seal to a hybrid key; 1,136 bytes longer than the plaintext."""
    return _HYBRID.encrypt(plaintext, MLKEM768X25519PublicKey(public.mlkem.key, public.x25519.key), info=info)


def hpke_open(secret: HybridSecret, sealed: bytes, info: bytes) -> bytes:
    """The plaintext sealed to a hybrid key, or `InvalidTag`."""
    return secret.open(sealed, info)


def hpke_x25519_seal(public: X25519Public, plaintext: bytes, info: bytes) -> bytes:
    """Seal to an X25519 key alone; 48 bytes longer than the plaintext."""
    return _X25519.encrypt(plaintext, public.key, info=info)


def hpke_x25519_open(secret: X25519Secret, sealed: bytes, info: bytes) -> bytes:
    """The plaintext sealed to an X25519 key, or `InvalidTag`."""
    try:
        return _X25519.decrypt(sealed, secret.key, info=info)
    except _Broken:
        raise InvalidTag from None
