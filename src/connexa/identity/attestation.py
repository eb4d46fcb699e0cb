"""What a domain says about its people: attestations (this key is that address) and sender certificates for sealed sender.

Implements identity §5 and first-message §2. Both are signed by the domain key itself; callers pass the pinned keys, of
which there are two while a rotation overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connexa.crypto import Ed25519Public, Ed25519Secret, Kind, sha256
from connexa.errors import IntegrityError
from connexa.identity.address import ID_SIZE, Address, DeviceId, Domain, UserId
from connexa.identity.statement import CLOCK_SKEW, open_statement, seal_statement
from connexa.wire.v1 import keys_pb2
from connexa.wire.v1.keys_pb2 import Signed

SENDER_LIFE = 86_400


@dataclass(frozen=True, slots=True)
class Attestation:
    """The domain says: this user key is the `n`-th that this address has had, from 0."""

    address: Address
    user: UserId
    n: int = 0


def issue_attestation(attestation: Attestation, domain_key: Ed25519Secret) -> Signed:
    """Sign with the domain key."""
    address = attestation.address
    message = keys_pb2.Attestation(domain=address.domain, localpart=address.localpart, user=attestation.user, n=attestation.n)
    return seal_statement(Kind.ATTESTATION, message, domain_key)


def verify_attestation(
    signed: Signed, keys: Iterable[Ed25519Public], *, address: Address, user: UserId, n: int | None = None
) -> Attestation:
    """Check that the domain attests exactly this user to exactly this address (and, where known, with this number)."""
    message = open_statement(Kind.ATTESTATION, signed, keys, keys_pb2.Attestation)
    if (message.domain, message.localpart) != (address.domain, address.localpart):
        raise _bad_attestation("It is about another address.")
    if message.user != user:
        raise _bad_attestation("It is about another person's key.")
    if n is not None and message.n != n:
        raise _bad_attestation("It is about another key of this address.")
    return Attestation(address, user, message.n)


@dataclass(frozen=True, slots=True)
class SenderCertificate:
    """The domain says for a day: this device speaks for this user. It travels inside sealed envelopes alone."""

    user: UserId
    device: DeviceId
    keys: bytes
    domain: Domain
    expires: int


def sender_keys_hash(user_key: Ed25519Public, device_key: Ed25519Public) -> bytes:
    """SHA-256(UIK | DSK), which binds a sender certificate to its keys."""
    return sha256(user_key.raw, device_key.raw)


def issue_sender_certificate(certificate: SenderCertificate, domain_key: Ed25519Secret, now: float) -> Signed:
    """Sign with the domain key; at most 24 hours ahead."""
    if certificate.expires > now + SENDER_LIFE:
        raise IntegrityError("sender.invalid", "A sender certificate lives for at most 24 hours.")
    message = keys_pb2.SenderCertificate(
        user=certificate.user,
        device=certificate.device,
        keys=certificate.keys,
        domain=certificate.domain,
        expires=certificate.expires,
    )
    return seal_statement(Kind.SENDER, message, domain_key)


def verify_sender_certificate(signed: Signed, keys: Iterable[Ed25519Public], *, domain: Domain, accepted_at: float) -> SenderCertificate:
    """Check a certificate against the time at which its issuer accepted the envelope (first-message §2)."""
    message = open_statement(Kind.SENDER, signed, keys, keys_pb2.SenderCertificate)
    if message.domain != domain:
        raise IntegrityError("sender.invalid", "A sender certificate is from another domain.")
    if len(message.user) != ID_SIZE or len(message.device) != ID_SIZE or len(message.keys) != 32:
        raise IntegrityError("sender.invalid", "A sender certificate is malformed.")
    if message.expires < accepted_at:
        raise IntegrityError("sender.expired", "A sender certificate had expired when the message was sent.")
    if message.expires > accepted_at + SENDER_LIFE + CLOCK_SKEW:
        raise IntegrityError("sender.invalid", "A sender certificate is valid for longer than 24 hours.")
    return SenderCertificate(UserId(message.user), DeviceId(message.device), message.keys, domain, message.expires)


def _bad_attestation(why: str) -> IntegrityError:
    return IntegrityError("attestation.invalid", f"An attestation is not valid. {why}")
