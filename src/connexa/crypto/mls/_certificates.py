"""X.509 credentials (RFC 9420 §5.3): a chain of DER certificates whose first one holds a member's signature key.

The chain is checked as it is sent: each certificate is issued by the next, the last one by a root that the caller trusts.
What the names in it mean, and whether one was revoked, is the application's to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature as _Broken
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from connexa.crypto.x509 import InvalidCertificate

__all__ = ["CertificateLeaf", "check_chain", "read_leaf"]

_MAX_DER = 16_384
_MAX_CHAIN = 8
# What the library raises when it comes to a part that it did not read before.
_UNREADABLE = (x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm, ValueError)
# What a check of a path has to understand to honour a critical extension (RFC 5280 §4.2).
_UNDERSTOOD = frozenset(
    (
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    )
)


@dataclass(frozen=True, slots=True)
class CertificateLeaf:
    """What an end-entity certificate says: its key in MLS' encoding, its subject (RFC 4514), its alternative names that
    are text, and its validity in Unix seconds."""

    public: bytes
    subject: str
    names: tuple[str, ...]
    not_before: float
    not_after: float


def read_leaf(chain: Sequence[bytes]) -> CertificateLeaf:
    """The first certificate of a chain, unchecked; raises `InvalidCertificate` if it cannot be read."""
    leaf = _load_chain(chain)[0]
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(name.value for name in found if isinstance(name.value, str))
    except x509.ExtensionNotFound:
        names = ()
    except _UNREADABLE:
        raise InvalidCertificate from None
    try:
        begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
        return CertificateLeaf(_public_bytes(leaf), leaf.subject.rfc4514_string(), names, begins, ends)
    except _UNREADABLE:
        raise InvalidCertificate from None


def check_chain(chain: Sequence[bytes], roots: Sequence[bytes], *, now: float) -> CertificateLeaf:
    """The leaf of a chain that ends at one of the roots (DER) and holds at `now` (Unix seconds), or `InvalidCertificate`."""
    certificates = _load_chain(chain)
    anchors = [_load(root) for root in roots]
    # A chain may carry its root: the copy that we trust counts, not theirs.
    if len(certificates) > 1 and certificates[-1] in anchors:
        certificates.pop()
    anchor = next((a for a in anchors if _issued(certificates[-1], a)), None)
    if anchor is None:
        raise InvalidCertificate
    path = [*certificates, anchor]
    for depth, certificate in enumerate(path):
        _check_one(certificate, depth, now)
    if not all(_issued(one, issuer) for one, issuer in pairwise(path)):
        raise InvalidCertificate
    return read_leaf(chain)


def _check_one(certificate: x509.Certificate, depth: int, now: float) -> None:
    at = datetime.fromtimestamp(now, UTC)
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise InvalidCertificate
    try:
        extensions = certificate.extensions
    except _UNREADABLE:
        raise InvalidCertificate from None
    if any(e.critical and e.oid not in _UNDERSTOOD for e in extensions):
        raise InvalidCertificate
    if not (_may_sign(extensions) if depth == 0 else _may_issue(extensions, depth - 1)):
        raise InvalidCertificate


def _may_sign(extensions: x509.Extensions) -> bool:
    try:
        return extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True


def _may_issue(extensions: x509.Extensions, below: int) -> bool:
    """Whether this is an authority with at most `below` authorities under it (RFC 5280 §6.1.4)."""
    try:
        constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return False
    try:
        signs = extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        signs = True
    return constraints.ca and signs and (constraints.path_length is None or constraints.path_length >= below)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (_Broken, ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True


def _load_chain(chain: Sequence[bytes]) -> list[x509.Certificate]:
    if not 0 < len(chain) <= _MAX_CHAIN:
        raise InvalidCertificate
    return [_load(der) for der in chain]


def _load(der: bytes) -> x509.Certificate:
    if len(der) > _MAX_DER:
        raise InvalidCertificate
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        raise InvalidCertificate from None


def _public_bytes(certificate: x509.Certificate) -> bytes:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidCertificate from None
    if isinstance(key, Ed25519PublicKey):
        return key.public_bytes_raw()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise InvalidCertificate
