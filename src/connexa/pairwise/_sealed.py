"""Sealed sender (pairwise §6, first-message §2): only the recipient device learns who wrote.

HPKE to the device's weekly key hides the sender from both servers; inside, the sender's domain vouches for a day that a device
speaks for a user. What proves authorship is the session: certificate and session must name the same keys.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from connexa.crypto import HYBRID_OVERHEAD, Ed25519Public, HybridSecret, equal, hpke_open, hpke_seal
from connexa.identity import DeviceId, Domain, UserId, check_domain, verify_sender_certificate
from connexa.pairwise._prekeys import SealKey
from connexa.pairwise._reject import Reason, Reject, rejecting
from connexa.wire import parse
from connexa.wire.v1.keys_pb2 import SenderCertificate, Signed

__all__ = ["SEALED_INITIAL_SIZE", "SEALED_SIZE", "Sender", "Unsealed", "open_sealed", "seal", "verify_sender"]

_PLAIN, _PLAIN_INITIAL = 1_024, 4_096
SEALED_SIZE = _PLAIN + HYBRID_OVERHEAD
SEALED_INITIAL_SIZE = _PLAIN_INITIAL + HYBRID_OVERHEAD

_VERSION = 1
_COMMITMENT = bytes(32)
_MAX_CERTIFICATE = 512


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What a sealed packet holds; nothing of it is proved yet."""

    certificate: Signed = field(repr=False)
    claimed_domain: Domain  # whose pinned keys `verify_sender` needs
    initial: bytes = field(repr=False)
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the sender's domain says it is; the session must say the same."""

    user: UserId
    device: DeviceId
    keys: bytes  # SHA-256(UIK | DSK)
    domain: Domain


def seal(key: SealKey, certificate: Signed, initial: bytes, message: bytes) -> bytes:
    """Seal a ratchet message to a device; 2,160 bytes, or 5,232 with an initial part."""
    size = _PLAIN_INITIAL if initial else _PLAIN
    vouch = certificate.SerializeToString(deterministic=True)
    plain = _COMMITMENT + _counted(vouch) + _counted(initial) + message + b"\x80"
    if len(plain) > size:
        raise ValueError("a sealed message does not fit its size class")
    return hpke_seal(key.key, plain.ljust(size, b"\0"), _info(key.device, key.id))


def open_sealed(secret: HybridSecret, device: DeviceId, seal_key: int, sealed: bytes) -> Unsealed:
    """Open a packet with the weekly key that it names, or raise `Reject`."""
    if len(sealed) not in (SEALED_SIZE, SEALED_INITIAL_SIZE):
        raise Reject(Reason.MALFORMED)
    with rejecting(Reason.BODY):
        plain = hpke_open(secret, sealed, _info(device, seal_key))
    if not equal(plain[:32], _COMMITMENT):  # key commitment (P31)
        raise Reject(Reason.BODY)
    vouch, rest = _take(plain[32:])
    initial, rest = _take(rest)
    message, mark, padding = rest.rpartition(b"\x80")
    if not mark or padding.strip(b"\0") or bool(initial) != (len(sealed) == SEALED_INITIAL_SIZE):
        raise Reject(Reason.MALFORMED)
    with rejecting(Reason.MALFORMED):
        certificate = parse(Signed, vouch, _MAX_CERTIFICATE)
        domain = check_domain(parse(SenderCertificate, certificate.body, _MAX_CERTIFICATE).domain)
    return Unsealed(certificate, domain, initial, message)


def verify_sender(unsealed: Unsealed, domain_keys: Iterable[Ed25519Public], accepted_at: float) -> Sender:
    """Check the sender certificate under the pinned keys of its domain, at the time its homeserver took the envelope (P19)."""
    with rejecting(Reason.IDENTITY):
        certificate = verify_sender_certificate(unsealed.certificate, domain_keys, domain=unsealed.claimed_domain, accepted_at=accepted_at)
    return Sender(certificate.user, certificate.device, certificate.keys, certificate.domain)


def _info(device: DeviceId, seal_key: int) -> bytes:
    return b"Connexa/1 sealed" + device + seal_key.to_bytes(4, "big") + _VERSION.to_bytes(2, "big")


def _counted(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def _take(plain: bytes) -> tuple[bytes, bytes]:
    end = 2 + int.from_bytes(plain[:2], "big")
    if len(plain) < end:
        raise Reject(Reason.MALFORMED)
    return plain[2:end], plain[end:]
