"""The KEMs of MLS' suites: DHKEM over X25519 and the NIST curves (RFC 9180 §4.1, §7.1), and X-Wing (draft-ietf-hpke-pq).

`derive` is HPKE's DeriveKeyPair, which the library below does not offer. A KEM's ephemeral key comes from the caller's
randomness; the ML-KEM half of X-Wing takes none and draws its own.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connexa.crypto._errors import InvalidKey
from connexa.crypto._hash import Rng
from connexa.crypto._hpke import HybridPublic, HybridSecret
from connexa.crypto._mlkem import MLKEM_CIPHERTEXT_BYTES
from connexa.crypto._secret import Secret
from connexa.crypto._x25519 import X25519Public, X25519Secret
from connexa.crypto.mls._hash import SHA256, SHA384, SHA512, Hash
from connexa.crypto.mls._labels import labeled_expand, labeled_extract

__all__ = ["DHKEM_P256", "DHKEM_P384", "DHKEM_P521", "DHKEM_X25519", "XWING", "Kem", "KemPublic", "KemSecret", "NistKem"]

KemPublic = X25519Public | ec.EllipticCurvePublicKey | HybridPublic
"""An admitted public key, as `Kem.admit` gives it; only its KEM knows what is inside."""


class KemSecret(Secret):
    """A decapsulation key with its public half; `raw` is the only way out."""

    __slots__ = ("key", "public", "raw")

    key: X25519Secret | ec.EllipticCurvePrivateKey | HybridSecret
    public: bytes
    raw: bytes

    def __init__(self, raw: bytes, key: X25519Secret | ec.EllipticCurvePrivateKey | HybridSecret, public: bytes) -> None:
        self.raw = raw
        self.key = key
        self.public = public


class Kem(ABC):
    """One KEM; the sizes are in bytes, `id` is HPKE's number."""

    id: int
    n_secret: int = 32
    n_enc: int
    n_sk: int

    @abstractmethod
    def admit(self, raw: bytes) -> KemPublic:
        """The key in bytes from outside, or `InvalidKey` (V45)."""

    @abstractmethod
    def secret(self, raw: bytes) -> KemSecret:
        """The key in stored bytes, or `InvalidKey`."""

    @abstractmethod
    def derive(self, ikm: bytes) -> KemSecret:
        """DeriveKeyPair: the key that this input keying material stands for."""

    @abstractmethod
    def encapsulate(self, public: bytes, rng: Rng) -> tuple[bytes, bytes]:
        """A fresh shared secret and its encapsulation to that key; `InvalidKey` if the key is not one."""

    @abstractmethod
    def decapsulate(self, enc: bytes, secret: KemSecret) -> bytes:
        """The shared secret inside an encapsulation; `InvalidKey` if it has not the form of one."""

    def generate(self, rng: Rng) -> KemSecret:
        """A new key."""
        return self.derive(rng(self.n_sk))


class _DhKem(Kem):
    """RFC 9180 §4.1 over any group; what a subclass adds is the group."""

    def __init__(self, id: int, hash: Hash) -> None:
        self.id = id
        self.n_secret = hash.size
        self._hash = hash
        self._suite_id = b"KEM" + id.to_bytes(2, "big")

    @abstractmethod
    def _agree(self, secret: KemSecret, public: KemPublic) -> bytes:
        """Diffie-Hellman; never the all-zero secret."""

    def encapsulate(self, public: bytes, rng: Rng) -> tuple[bytes, bytes]:
        admitted = self.admit(public)
        ephemeral = self.generate(rng)
        enc = ephemeral.public
        return self._extract_and_expand(self._agree(ephemeral, admitted), enc + public), enc

    def decapsulate(self, enc: bytes, secret: KemSecret) -> bytes:
        return self._extract_and_expand(self._agree(secret, self.admit(enc)), enc + secret.public)

    def _extract_and_expand(self, dh: bytes, context: bytes) -> bytes:
        prk = labeled_extract(self._hash, self._suite_id, b"", b"eae_prk", dh)
        return labeled_expand(self._hash, self._suite_id, prk, b"shared_secret", context, self.n_secret)

    def _dkp_prk(self, ikm: bytes) -> bytes:
        return labeled_extract(self._hash, self._suite_id, b"", b"dkp_prk", ikm)


class _X25519Kem(_DhKem):
    n_enc = n_sk = 32

    def admit(self, raw: bytes) -> X25519Public:
        return X25519Public(raw)

    def secret(self, raw: bytes) -> KemSecret:
        key = X25519Secret(raw)
        return KemSecret(key.raw, key, key.key.public_key().public_bytes_raw())  # our own key needs no admission

    def generate(self, rng: Rng) -> KemSecret:
        return self.secret(rng(32))  # any 32 bytes are a key: a third of a seal's cost saved over `derive`

    def derive(self, ikm: bytes) -> KemSecret:
        return self.secret(labeled_expand(self._hash, self._suite_id, self._dkp_prk(ikm), b"sk", b"", 32))

    def _agree(self, secret: KemSecret, public: KemPublic) -> bytes:
        if not (isinstance(secret.key, X25519Secret) and isinstance(public, X25519Public)):
            raise InvalidKey
        return secret.key.exchange(public)


class NistKem(_DhKem):
    """DHKEM over a NIST curve; ECDSA on the same curve shares its admission and its scalars."""

    def __init__(self, id: int, hash: Hash, curve: ec.EllipticCurve, order: int, mask: int) -> None:
        super().__init__(id, hash)
        self.curve = curve
        self._order = order
        self._mask = mask
        self.n_sk = (order.bit_length() + 7) // 8
        self.n_enc = 1 + 2 * self.n_sk

    def admit(self, raw: bytes) -> ec.EllipticCurvePublicKey:
        # The library takes compressed points too; MLS has one encoding for each key (RFC 9420 §5.1.1).
        if len(raw) != self.n_enc or raw[0] != 4:
            raise InvalidKey
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self.curve, raw)
        except ValueError:
            raise InvalidKey from None

    def secret(self, raw: bytes) -> KemSecret:
        key, scalar, public = self.load(raw)
        return KemSecret(scalar, key, public)

    def load(self, raw: bytes) -> tuple[ec.EllipticCurvePrivateKey, bytes, bytes]:
        """The key, its scalar in full length and its point, of stored bytes; or `InvalidKey`."""
        # Others drop leading zeros of a scalar, so its length says nothing.
        scalar = int.from_bytes(raw, "big")
        if not 0 < scalar < self._order:
            raise InvalidKey
        key = ec.derive_private_key(scalar, self.curve)
        public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return key, scalar.to_bytes(self.n_sk, "big"), public

    def derive(self, ikm: bytes) -> KemSecret:
        prk = self._dkp_prk(ikm)
        for counter in range(256):  # RFC 9180 §7.1.3: reject until a candidate is a scalar; for P-256 twice in 2^32
            candidate = labeled_expand(self._hash, self._suite_id, prk, b"candidate", bytes((counter,)), self.n_sk)
            candidate = bytes((candidate[0] & self._mask,)) + candidate[1:]
            if 0 < int.from_bytes(candidate, "big") < self._order:
                return self.secret(candidate)
        raise InvalidKey

    def _agree(self, secret: KemSecret, public: KemPublic) -> bytes:
        if not (isinstance(secret.key, ec.EllipticCurvePrivateKey) and isinstance(public, ec.EllipticCurvePublicKey)):
            raise InvalidKey
        try:
            return secret.key.exchange(ec.ECDH(), public)
        except ValueError:  # two curves
            raise InvalidKey from None


class _XWing(Kem):
    """ML-KEM-768 and X25519 in one, secret as long as either holds; its private key is a seed of 32 bytes."""

    id = 0x647A
    n_enc = MLKEM_CIPHERTEXT_BYTES + 32
    n_sk = 32
    _COMBINER: ClassVar[bytes] = b"\\.//^\\"

    def admit(self, raw: bytes) -> HybridPublic:
        return HybridPublic.from_bytes(raw)

    def secret(self, raw: bytes) -> KemSecret:
        if len(raw) != self.n_sk:
            raise InvalidKey
        key = HybridSecret.from_seed(hashlib.shake_256(raw).digest(96))
        return KemSecret(bytes(raw), key, key.public.raw)

    def derive(self, ikm: bytes) -> KemSecret:
        labelled = ikm + b"HPKE-v1KEM\x64\x7a" + b"\0\x0dDeriveKeyPair" + b"\0\x20"
        return self.secret(hashlib.shake_256(labelled).digest(32))

    def encapsulate(self, public: bytes, rng: Rng) -> tuple[bytes, bytes]:
        admitted = self.admit(public)
        ciphertext, post_quantum = admitted.mlkem.encapsulate()
        ephemeral = X25519Secret.generate(rng)
        classical = ephemeral.exchange(admitted.x25519)
        enc = ephemeral.public.raw
        return self._combine(post_quantum, classical, enc, admitted.x25519.raw), ciphertext + enc

    def decapsulate(self, enc: bytes, secret: KemSecret) -> bytes:
        if len(enc) != self.n_enc or not isinstance(secret.key, HybridSecret):
            raise InvalidKey
        ciphertext, point = enc[:MLKEM_CIPHERTEXT_BYTES], enc[MLKEM_CIPHERTEXT_BYTES:]
        post_quantum = secret.key.mlkem.decapsulate(ciphertext)
        classical = secret.key.x25519.exchange(X25519Public(point))
        return self._combine(post_quantum, classical, point, secret.key.x25519.public.raw)

    def _combine(self, post_quantum: bytes, classical: bytes, enc: bytes, public: bytes) -> bytes:
        return hashlib.sha3_256(post_quantum + classical + enc + public + self._COMBINER).digest()


_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P384_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
_P521_ORDER = (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7
DHKEM_P256 = NistKem(0x0010, SHA256, ec.SECP256R1(), _P256_ORDER, 0xFF)
DHKEM_P384 = NistKem(0x0011, SHA384, ec.SECP384R1(), _P384_ORDER, 0xFF)
DHKEM_P521 = NistKem(0x0012, SHA512, ec.SECP521R1(), _P521_ORDER, 0x01)
DHKEM_X25519 = _X25519Kem(0x0020, SHA256)
XWING = _XWing()
