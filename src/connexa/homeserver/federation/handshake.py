"""Hello and proof at the start of a stream: both domain keys sign who speaks, both nonces, both version ranges and both TLS leaves.

TLS has authenticated both sides already; the proof adds the domain keys themselves, fresh, and covers the choice of the version
(first-message §5, §11). Pure functions: the stream is driven by `pump` and `answer`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connexa.crypto import Ed25519Public, Ed25519Secret, InvalidSignature, Kind, sha256
from connexa.crypto.x509 import InvalidCertificate, leaf_domain
from connexa.errors import IntegrityError
from connexa.identity import Domain
from connexa.wire import ID_SIZE, NONCE_SIZE, OURS, VersionRange, federation_statement, malformed, negotiate
from connexa.wire.v1.federation_pb2 import FederationHello, FederationProof

__all__ = ["Side", "check_answerer_leaf", "hello_of", "open_proof", "read_hello", "seal_proof", "statement"]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a stream as the statement names it; `leaf` is the SHA-256 of its TLS leaf."""

    domain: Domain
    nonce: bytes
    versions: VersionRange
    leaf: bytes


def hello_of(side: Side, *, stream: bytes = b"", committed: int = 0, leaf: bytes = b"") -> FederationHello:
    """Write one side's hello; a dialler names its stream, an answerer the committed number and its leaf."""
    return FederationHello(
        min=side.versions.min,
        max=side.versions.max,
        domain=side.domain,
        nonce=side.nonce,
        stream=stream,
        committed=committed,
        leaf=leaf,
    )


def read_hello(hello: FederationHello, *, domain: Domain, leaf: bytes) -> Side:
    """Check the other side's hello against the domain that its certificate proved, and that a version is in common."""
    if hello.domain != domain:
        raise IntegrityError("domain.mismatch", "The other side says that it is another domain than its certificate.")
    if len(hello.nonce) != NONCE_SIZE or (hello.stream and len(hello.stream) != ID_SIZE):
        raise malformed("its nonce or stream id has the wrong size")
    versions = VersionRange(hello.min, hello.max)
    negotiate(OURS, versions)
    return Side(domain, hello.nonce, versions, leaf)


def check_answerer_leaf(hello: FederationHello, keys: Iterable[Ed25519Public], domain: Domain, now: float) -> bytes:
    """Hold the leaf in an answerer's hello to be one that a pinned key issued; return its SHA-256."""
    for key in keys:
        try:
            if leaf_domain(hello.leaf, key, now) == domain:
                return sha256(hello.leaf)
        except InvalidCertificate:
            continue
    raise InvalidCertificate


def statement(dialler: Side, answerer: Side) -> bytes:
    """The bytes that both sign."""
    return federation_statement(
        dialler=dialler.domain,
        answerer=answerer.domain,
        dialler_nonce=dialler.nonce,
        answerer_nonce=answerer.nonce,
        dialler_range=dialler.versions,
        answerer_range=answerer.versions,
        dialler_leaf=dialler.leaf,
        answerer_leaf=answerer.leaf,
    )


def seal_proof(body: bytes, key: Ed25519Secret) -> FederationProof:
    """Sign the statement."""
    return FederationProof(signature=key.sign(Kind.FEDERATION, body))


def open_proof(proof: FederationProof, body: bytes, keys: Iterable[Ed25519Public]) -> None:
    """Raise InvalidSignature unless one of the pinned keys signed the statement."""
    for key in keys:
        try:
            key.verify(Kind.FEDERATION, body, proof.signature)
        except InvalidSignature:
            continue
        return
    raise InvalidSignature
