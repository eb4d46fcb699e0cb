"""The user key: an Ed25519 key that is also an OpenPGP primary key, whose v6 fingerprint is the person's id everywhere.

Implements identity §4.1-2. The seed alone is not enough: the creation time is hashed into the fingerprint, so both are kept.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from connexa.crypto import ZERO_SALT, Ed25519Public, Ed25519Secret, Rng, Secret, X25519Secret, hkdf, sha256
from connexa.errors import IntegrityError
from connexa.identity.address import UserId

PACKET_SIZE = 42
SEED_SIZE = 32
CREATED_BACK = 3600  # identity §4.1: clocks that are slow refuse keys from the future

_ED25519 = 27  # RFC 9580 §9.1
_HEAD = struct.Struct(">BIBI")


@dataclass(frozen=True, slots=True)
class UserPublic:
    """A person's public key with its creation time; equal exactly where the id is equal."""

    key: Ed25519Public
    created: int

    @property
    def packet(self) -> bytes:
        """Body of the OpenPGP v6 public key packet, 42 bytes: `06 created 1B 00000020 key`."""
        return _HEAD.pack(6, self.created, _ED25519, 32) + self.key.raw

    @property
    def id(self) -> UserId:
        """The v6 fingerprint."""
        return UserId(sha256(b"\x9b", struct.pack(">I", PACKET_SIZE), self.packet))  # RFC 9580 §5.5.4.3

    @classmethod
    def from_packet(cls, packet: bytes) -> UserPublic:
        """Read a packet body from outside; another algorithm, version or a weak key is refused."""
        if len(packet) != PACKET_SIZE:
            raise IntegrityError("user.malformed", "That is not a user key.")
        version, created, algorithm, size = _HEAD.unpack_from(packet)
        if (version, algorithm, size) != (6, _ED25519, 32):
            raise IntegrityError("user.malformed", "That is not a user key.")
        return cls(Ed25519Public.from_bytes(packet[_HEAD.size :]), created)


class UserSecret(Secret):
    """The user seed and what follows from it. It lives on the primary device and in the encrypted backup alone."""

    __slots__ = ("created", "key", "public", "seed")

    seed: bytes
    created: int
    key: Ed25519Secret
    public: UserPublic

    def __init__(self, seed: bytes, created: int) -> None:
        if len(seed) != SEED_SIZE or not 0 < created < 1 << 32:
            raise IntegrityError("user.malformed", "That is not a user seed and its creation time.")
        self.seed = seed
        self.created = created
        self.key = Ed25519Secret.from_seed(self._derive("id"))
        self.public = UserPublic(self.key.public, created)

    @classmethod
    def generate(cls, rng: Rng, now: float) -> UserSecret:
        """Make a new person's key, dated one hour back."""
        return cls(rng(SEED_SIZE), int(now) - CREATED_BACK)

    @property
    def id(self) -> UserId:
        """The person's id."""
        return self.public.id

    def encryption_key(self, number: int = 0) -> X25519Secret:
        """The account's OpenPGP encryption subkey `enc-<number>`."""
        return X25519Secret.from_bytes(self._derive(f"enc-{number}"))

    def _derive(self, label: str) -> bytes:
        return hkdf(self.seed, salt=ZERO_SALT, info=b"connexa/user/v1\0" + label.encode(), length=32)


def fingerprint_text(user: UserId) -> str:
    """Write a user id for people: sixteen groups of four upper-case hex digits."""
    digits = user.hex().upper()
    return " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
