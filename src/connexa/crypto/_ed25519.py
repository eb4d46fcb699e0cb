"""Ed25519 keys, the one signing function and the one registry of what may be signed.

OpenPGP signs bare 64-byte digests with the same keys, so every other signature is over `connexa/<kind>/v1\\0 | body`, always
longer than 64 bytes: the two never interchange (identity §2). X.509 starts with 0x30 and cannot collide either.
"""

from __future__ import annotations

from enum import StrEnum

from cryptography.exceptions import InvalidSignature as _Broken
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nacl.bindings import crypto_core_ed25519_is_valid_point

from connexa.crypto._errors import InvalidKey, InvalidSignature
from connexa.crypto._hash import Rng
from connexa.crypto._secret import Secret

__all__ = ["Ed25519Public", "Ed25519Secret", "Kind"]

_OPENPGP_DIGEST = 64


class Kind(StrEnum):
    """Every kind of signed statement; a new one is a line here (identity §2, I93)."""

    SERVER_INFO = "server-info"
    DOMAIN_ROTATION = "domain-rotation"
    POLICIES = "policies"
    CANARY = "canary"
    LOG_KEY = "log-key"
    WITNESS_KEY = "witness-key"
    ATTESTATION = "attestation"
    SENDER = "sender"
    FEDERATION = "federation"
    RESET = "reset"
    BUNDLE = "bundle"
    USER_ROTATION = "user-rotation"
    ACCOUNT = "account"
    DEVICE = "device"
    DEVICE_LIST = "device-list"
    LOGIN = "login"
    PROMISE = "promise"
    FRANK = "frank"
    KEY_PACKAGE = "key-package"
    COMMIT_REJECT = "commit-reject"
    GROUP_ADMINS = "group-admins"
    GROUP_TAKE_OVER = "group-take-over"
    HUB_HEARTBEAT = "hub-heartbeat"
    SPK = "spk"
    KEM_LR = "kem-lr"
    OTP = "otp"
    SEK = "sek"


_LABELS = {kind.value: f"connexa/{kind.value}/v1\0".encode() for kind in Kind}


def _labelled(kind: str, body: bytes) -> bytes:
    label = _LABELS.get(kind)
    if label is None:
        raise ValueError(f"unknown kind of signature: {kind}")
    return label + body


class Ed25519Public:
    """A public signing key that passed admission: canonical, prime order."""

    __slots__ = ("_key", "raw")

    raw: bytes

    def __init__(self, raw: bytes) -> None:
        # `cryptography` takes low-order, mixed-order and non-canonical keys, under which one signature can fit every
        # message (identity §2, pairwise §13); libsodium's check refuses all of them (P04, P50, I02).
        if len(raw) != 32 or not crypto_core_ed25519_is_valid_point(raw):
            raise InvalidKey
        self._key = Ed25519PublicKey.from_public_bytes(raw)
        self.raw = bytes(raw)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Ed25519Public:
        """Admit 32 bytes from outside, or raise `InvalidKey`."""
        return cls(raw)

    def verify(self, kind: str, body: bytes, signature: bytes) -> None:
        """Raise `InvalidSignature` unless this key signed that body as that kind."""
        message = _labelled(kind, body)
        if len(message) <= _OPENPGP_DIGEST:
            raise InvalidSignature
        self._verify(message, signature)

    def verify_openpgp(self, digest: bytes, signature: bytes) -> None:
        """Raise `InvalidSignature` unless this key signed that SHA-512 digest the OpenPGP way."""
        if len(digest) != _OPENPGP_DIGEST:
            raise InvalidSignature
        self._verify(digest, signature)

    def _verify(self, message: bytes, signature: bytes) -> None:
        try:
            self._key.verify(signature, message)
        except _Broken:
            raise InvalidSignature from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ed25519Public) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash((Ed25519Public, self.raw))

    def __repr__(self) -> str:
        return f"Ed25519Public({self.raw.hex()})"


class Ed25519Secret(Secret):
    """A signing key; its 32-byte seed is the only way out."""

    __slots__ = ("_key", "public", "seed")

    public: Ed25519Public
    seed: bytes

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise InvalidKey
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.seed = bytes(seed)
        self.public = Ed25519Public(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, rng: Rng) -> Ed25519Secret:
        """A new key."""
        return cls(rng(32))

    @classmethod
    def from_seed(cls, seed: bytes) -> Ed25519Secret:
        """The key of a stored seed."""
        return cls(seed)

    def sign(self, kind: str, body: bytes) -> bytes:
        """Sign the body as one of the registered kinds."""
        message = _labelled(kind, body)
        if len(message) <= _OPENPGP_DIGEST:
            raise ValueError("a signed statement must be longer than an OpenPGP digest")
        return self._key.sign(message)

    def sign_openpgp(self, digest: bytes) -> bytes:
        """Sign a SHA-512 digest as OpenPGP does; for the OpenPGP form of a key alone."""
        if len(digest) != _OPENPGP_DIGEST:
            raise ValueError("OpenPGP signs a 64-byte digest")
        return self._key.sign(digest)
