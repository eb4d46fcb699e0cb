"""Blind tokens: RFC 9497 VOPRF (mode 1), ristretto255-SHA512.

The issuer evaluates blinded inputs without seeing them and proves, once for a batch, that it used its published key; later it
redeems an input by computing the output again. Passes and stranger tokens are built on this (first-message §1, pairwise §7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connexa.crypto import _ristretto as group
from connexa.crypto._errors import InvalidKey, InvalidProof
from connexa.crypto._hash import Rng, equal, sha512
from connexa.crypto._secret import Secret

__all__ = ["MAX_BATCH", "BlindedBatch", "VoprfPublic", "VoprfSecret", "blind_batch", "evaluate_batch", "finalize_batch", "redeem"]

MAX_BATCH = 256
_CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"


@dataclass(frozen=True, slots=True)
class VoprfPublic:
    """The issuer's published key: an element that is not the identity."""

    raw: bytes

    def __post_init__(self) -> None:
        if not group.is_element(self.raw):
            raise InvalidKey

    @classmethod
    def from_bytes(cls, raw: bytes) -> VoprfPublic:
        """Admit 32 bytes from outside, or raise `InvalidKey`."""
        return cls(bytes(raw))


class VoprfSecret(Secret):
    """The issuer's key, derived from a 32-byte seed, which is the only way out."""

    __slots__ = ("_scalar", "public", "seed")

    public: VoprfPublic
    seed: bytes

    def __init__(self, seed: bytes, info: bytes = b"") -> None:
        if len(seed) != 32:
            raise InvalidKey
        self.seed = bytes(seed)
        self._scalar = _derive_scalar(seed, info)
        self.public = VoprfPublic(group.base_times(self._scalar))

    @classmethod
    def generate(cls, rng: Rng) -> VoprfSecret:
        """A new key."""
        return cls(rng(32))

    @classmethod
    def from_seed(cls, seed: bytes) -> VoprfSecret:
        """The key of a stored seed."""
        return cls(seed)

    def times(self, element: bytes) -> bytes:
        """The element times the secret scalar."""
        return group.times(self._scalar, element)

    def response(self, nonce: bytes, challenge: bytes) -> bytes:
        """`nonce - challenge * secret`, the second half of a DLEQ proof."""
        r, c, k = (int.from_bytes(s, "little") for s in (nonce, challenge, self._scalar))
        return ((r - c * k) % group.ORDER).to_bytes(32, "little")


@dataclass(frozen=True, slots=True)
class BlindedBatch:
    """What the client keeps until the evaluation comes back; only `elements` leave."""

    inputs: tuple[bytes, ...] = field(repr=False)
    blinds: tuple[bytes, ...] = field(repr=False)
    elements: tuple[bytes, ...]


def blind_batch(inputs: Sequence[bytes], rng: Rng) -> BlindedBatch:
    """Blind one or more inputs."""
    if not 1 <= len(inputs) <= MAX_BATCH:
        raise ValueError("a batch has 1 to 256 inputs")
    blinds = tuple(_random_scalar(rng) for _ in inputs)
    elements = tuple(group.times(r, _to_group(i)) for r, i in zip(blinds, inputs, strict=True))
    return BlindedBatch(tuple(inputs), blinds, elements)


def evaluate_batch(secret: VoprfSecret, elements: Sequence[bytes], rng: Rng) -> tuple[list[bytes], bytes]:
    """Evaluate blinded elements; one proof of 64 bytes for all. Raises `InvalidProof` for a bad element."""
    _check_elements(elements)
    evaluated = [secret.times(element) for element in elements]
    m = _composite(secret.public, elements, evaluated)[0]
    z = secret.times(m)  # RFC 9497 §2.2.1, the issuer's shorter way
    nonce = _random_scalar(rng)
    challenge = _challenge(secret.public, m, z, group.base_times(nonce), group.times(nonce, m))
    return evaluated, challenge + secret.response(nonce, challenge)


def finalize_batch(public: VoprfPublic, batch: BlindedBatch, evaluated: Sequence[bytes], proof: bytes) -> list[bytes]:
    """Check the issuer's proof under its published key, then unblind: one 64-byte output for each input."""
    if len(evaluated) != len(batch.elements):
        raise InvalidProof
    _check_elements(evaluated)
    _verify(public, batch.elements, evaluated, proof)
    return [_output(i, group.times(group.invert(r), z)) for i, r, z in zip(batch.inputs, batch.blinds, evaluated, strict=True)]


def redeem(secret: VoprfSecret, token_input: bytes) -> bytes:
    """The issuer's own way to the 64-byte output of an input that is shown to it."""
    return _output(token_input, secret.times(_to_group(token_input)))


def _verify(public: VoprfPublic, elements: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> None:
    c, s = proof[:32], proof[32:]
    if not (group.is_scalar(c) and group.is_scalar(s)):
        raise InvalidProof
    m, z = _composite(public, elements, evaluated)
    t2 = group.add(group.base_times(s), group.times(c, public.raw))
    t3 = group.add(group.times(s, m), group.times(c, z))
    if not equal(_challenge(public, m, z, t2, t3), c):
        raise InvalidProof


def _composite(public: VoprfPublic, elements: Sequence[bytes], evaluated: Sequence[bytes]) -> tuple[bytes, bytes]:
    # RFC 9497 §2.2.1 ComputeComposites: a random-looking combination stands for the whole batch.
    seed = sha512(_prefixed(public.raw), _prefixed(b"Seed-" + _CONTEXT))
    m = z = b""
    for index, (c, d) in enumerate(zip(elements, evaluated, strict=True)):
        transcript = _prefixed(seed) + index.to_bytes(2, "big") + _prefixed(c) + _prefixed(d) + b"Composite"
        weight = _to_scalar(transcript)
        m = group.add(m, group.times(weight, c)) if m else group.times(weight, c)
        z = group.add(z, group.times(weight, d)) if z else group.times(weight, d)
    return m, z


def _challenge(public: VoprfPublic, m: bytes, z: bytes, t2: bytes, t3: bytes) -> bytes:
    return _to_scalar(b"".join(_prefixed(part) for part in (public.raw, m, z, t2, t3)) + b"Challenge")


def _output(token_input: bytes, element: bytes) -> bytes:
    return sha512(_prefixed(token_input), _prefixed(element), b"Finalize")


def _check_elements(elements: Sequence[bytes]) -> None:
    if not 1 <= len(elements) <= MAX_BATCH or not all(group.is_element(e) for e in elements):
        raise InvalidProof


def _derive_scalar(seed: bytes, info: bytes) -> bytes:
    # RFC 9497 §3.2.1 DeriveKeyPair
    material = seed + _prefixed(info)
    for counter in range(256):
        scalar = group.hash_to_scalar(material + bytes([counter]), b"DeriveKeyPair" + _CONTEXT)
        if group.is_scalar(scalar):
            return scalar
    raise InvalidKey


def _random_scalar(rng: Rng) -> bytes:
    while True:
        scalar = (int.from_bytes(rng(64), "little") % group.ORDER).to_bytes(32, "little")
        if group.is_scalar(scalar):
            return scalar


def _to_group(token_input: bytes) -> bytes:
    return group.hash_to_group(token_input, b"HashToGroup-" + _CONTEXT)


def _to_scalar(message: bytes) -> bytes:
    return group.hash_to_scalar(message, b"HashToScalar-" + _CONTEXT)


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part
