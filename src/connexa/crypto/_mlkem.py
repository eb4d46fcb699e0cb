"""ML-KEM-768 (FIPS 203). Private keys are kept as their 64-byte seed."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey

from connexa.crypto._errors import InvalidKey
from connexa.crypto._hash import Rng
from connexa.crypto._secret import Secret

__all__ = ["MLKEM_CIPHERTEXT_BYTES", "MLKEM_PUBLIC_BYTES", "MlKemPublic", "MlKemSecret"]

MLKEM_PUBLIC_BYTES = 1184
MLKEM_CIPHERTEXT_BYTES = 1088


class MlKemPublic:
    """An encapsulation key that passed the modulus check."""

    __slots__ = ("key", "raw")

    key: MLKEM768PublicKey
    raw: bytes

    def __init__(self, raw: bytes) -> None:
        if len(raw) != MLKEM_PUBLIC_BYTES:
            raise InvalidKey
        try:
            self.key = MLKEM768PublicKey.from_public_bytes(raw)
        except ValueError:
            raise InvalidKey from None
        self.raw = bytes(raw)

    @classmethod
    def from_bytes(cls, raw: bytes) -> MlKemPublic:
        """Admit 1,184 bytes from outside, or raise `InvalidKey`."""
        return cls(raw)

    def encapsulate(self) -> tuple[bytes, bytes]:
        """A ciphertext and the shared secret in it (randomness: the library's own, it takes none)."""
        secret, ciphertext = self.key.encapsulate()
        return ciphertext, secret

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MlKemPublic) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash((MlKemPublic, self.raw))

    def __repr__(self) -> str:
        return f"MlKemPublic({self.raw[:8].hex()}…)"


class MlKemSecret(Secret):
    """A decapsulation key; its 64-byte seed is the only way out."""

    __slots__ = ("key", "public", "seed")

    key: MLKEM768PrivateKey
    public: MlKemPublic
    seed: bytes

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 64:
            raise InvalidKey
        self.key = MLKEM768PrivateKey.from_seed_bytes(seed)
        self.seed = bytes(seed)
        self.public = MlKemPublic(self.key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, rng: Rng) -> MlKemSecret:
        """A new key."""
        return cls(rng(64))

    @classmethod
    def from_seed(cls, seed: bytes) -> MlKemSecret:
        """The key of a stored seed."""
        return cls(seed)

    def decapsulate(self, ciphertext: bytes) -> bytes:
        """The shared secret; a wrong ciphertext of the right length gives another secret, without an error."""
        if len(ciphertext) != MLKEM_CIPHERTEXT_BYTES:
            raise InvalidKey
        try:
            return self.key.decapsulate(ciphertext)
        except ValueError:
            raise InvalidKey from None
