"""X25519 keys that admit one name for each key and never yield the all-zero secret (pairwise §1, P04)."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from connexa.crypto._errors import InvalidKey
from connexa.crypto._hash import Rng
from connexa.crypto._secret import Secret

__all__ = ["X25519Public", "X25519Secret"]

_FIELD = 2**255 - 19
# The u-coordinates of order 1, 2, 4 and 8, on the curve and on its twist: every exchange with them gives zero (RFC 7748 §6.1).
_SMALL_ORDER = frozenset(
    u.to_bytes(32, "little")
    for u in (
        0,
        1,
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
        _FIELD - 1,
    )
)


class X25519Public:
    """A public agreement key in its canonical encoding, with which an exchange gives a secret."""

    __slots__ = ("key", "raw")

    key: X25519PublicKey
    raw: bytes

    def __init__(self, raw: bytes) -> None:
        # The top bit and values from p up would give the same secret under a second name.
        if len(raw) != 32 or int.from_bytes(raw, "little") >= _FIELD or bytes(raw) in _SMALL_ORDER:
            raise InvalidKey
        self.key = X25519PublicKey.from_public_bytes(raw)
        self.raw = bytes(raw)

    @classmethod
    def from_bytes(cls, raw: bytes) -> X25519Public:
        """Admit 32 bytes from outside, or raise `InvalidKey`."""
        return cls(raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, X25519Public) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash((X25519Public, self.raw))

    def __repr__(self) -> str:
        return f"X25519Public({self.raw.hex()})"


class X25519Secret(Secret):
    """An agreement key; `raw` is the only way out."""

    __slots__ = ("_public", "key", "raw")

    key: X25519PrivateKey
    raw: bytes

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 32:
            raise InvalidKey
        self.key = X25519PrivateKey.from_private_bytes(raw)
        self.raw = bytes(raw)
        self._public: X25519Public | None = None

    @classmethod
    def generate(cls, rng: Rng) -> X25519Secret:
        """A new key."""
        return cls(rng(32))

    @classmethod
    def from_bytes(cls, raw: bytes) -> X25519Secret:
        """The key of 32 stored bytes."""
        return cls(raw)

    @property
    def public(self) -> X25519Public:
        """The public half; made when first asked for, since a ratchet step does without."""
        if self._public is None:
            self._public = X25519Public(self.key.public_key().public_bytes_raw())
        return self._public

    def exchange(self, public: X25519Public) -> bytes:
        """The shared secret, which is never zero: keys of low order are not admitted."""
        return self.key.exchange(public.key)
