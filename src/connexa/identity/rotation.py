"""Rotation of a domain key: the old key hands over to the new, and the new one agrees (identity §3, I13-I16).

The statement alone moves no pin: the new key must also stand in TXT and well-known (I82), which `pins` looks after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connexa.crypto import Ed25519Public, Ed25519Secret, Kind
from connexa.errors import IntegrityError
from connexa.identity.address import Domain
from connexa.wire import MAX_STATEMENT, parse
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import SignedRotation

MAX_OVERLAP = 30 * 86_400
MAX_ROTATIONS = 8  # statements that a domain keeps for those who missed some


@dataclass(frozen=True, slots=True)
class DomainRotation:
    """The old key is good until `overlap_until`, the new one from `not_before`."""

    domain: Domain
    old_key: Ed25519Public
    new_key: Ed25519Public
    not_before: int
    overlap_until: int


def issue_domain_rotation(
    domain: Domain, old: Ed25519Secret, new: Ed25519Secret, *, not_before: int, overlap: int = MAX_OVERLAP
) -> SignedRotation:
    """Sign a change of key with both keys."""
    rotation = DomainRotation(domain, old.public, new.public, not_before, not_before + overlap)
    _check_shape(rotation)
    message = keys_pb2.DomainRotation(
        domain=domain, old_key=old.public.raw, new_key=new.public.raw, not_before=not_before, overlap_until=rotation.overlap_until
    )
    body = message.SerializeToString(deterministic=True)
    kind = Kind.DOMAIN_ROTATION
    return SignedRotation(body=body, old_signature=old.sign(kind, body), new_signature=new.sign(kind, body))


def verify_domain_rotation(signed: SignedRotation, *, domain: Domain) -> DomainRotation:
    """Check both signatures and the shape; whether it applies now is `rotation_path`'s question."""
    message = parse(keys_pb2.DomainRotation, signed.body, MAX_STATEMENT)
    if message.domain != domain:
        raise IntegrityError("rotation.invalid", "A change of a domain key is about another domain.")
    old, new = Ed25519Public.from_bytes(message.old_key), Ed25519Public.from_bytes(message.new_key)
    old.verify(Kind.DOMAIN_ROTATION, signed.body, signed.old_signature)
    new.verify(Kind.DOMAIN_ROTATION, signed.body, signed.new_signature)
    rotation = DomainRotation(domain, old, new, message.not_before, message.overlap_until)
    _check_shape(rotation)
    return rotation


def rotation_path(rotations: Sequence[DomainRotation], start: Ed25519Public, goal: Ed25519Public, now: float) -> tuple[DomainRotation, ...]:
    """Return the statements that lead from the pinned key to the published one, in order.

    Statements in between may be past (they were missed); the last must be in force, not early and not late (I15).
    """
    by_old = {rotation.old_key: rotation for rotation in rotations}
    path: list[DomainRotation] = []
    key = start
    while key != goal:
        step = by_old.get(key)
        if step is None or len(path) >= MAX_ROTATIONS:
            raise IntegrityError("rotation.missing", "A domain shows another key, and no statement leads there from the known one.")
        if path and step.not_before < path[-1].not_before:
            raise IntegrityError("rotation.invalid", "Changes of a domain key are out of order.")
        path.append(step)
        key = step.new_key
    if path and now < path[-1].not_before:
        raise IntegrityError("rotation.early", "A change of a domain key is not in force yet.", retryable=True)
    if path and now > path[-1].overlap_until:
        raise IntegrityError("rotation.late", "A change of a domain key was made too long ago.")
    return tuple(path)


def _check_shape(rotation: DomainRotation) -> None:
    if rotation.old_key == rotation.new_key or not 0 < rotation.overlap_until - rotation.not_before <= MAX_OVERLAP:
        raise IntegrityError("rotation.invalid", "A change of a domain key is malformed.")
