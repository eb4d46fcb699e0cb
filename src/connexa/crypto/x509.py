"""Certificates of a domain: the Ed25519 domain key is the authority, its leaves are short-lived P-256 keys (homeserver §7.1-7.2).

No TLS library checks an anchor's own signature, so whoever knows (domain, public key) makes the anchor alone. The chain check
admits leaves for subdomains and IP addresses; `leaf_domain` is the strict check that follows it on every connection.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature as _Broken
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connexa.crypto._ed25519 import Ed25519Public, Ed25519Secret
from connexa.crypto._hash import Rng, system_random
from connexa.errors import IntegrityError

__all__ = ["InvalidCertificate", "Leaf", "anchor_pem", "claimed_domain", "issue_leaf", "leaf_domain"]

LEAF_DAYS = 7
_MAX_LIFE = timedelta(days=LEAF_DAYS + 1)  # not-before lies a day back
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_MAX_DER = 4096


class InvalidCertificate(IntegrityError):
    """A TLS certificate is not one that its domain's key issued for that domain and now."""

    def __init__(self) -> None:
        super().__init__("certificate.invalid", "The other side's TLS certificate does not hold.")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf with its private key, ready for a TLS server or client."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    der: bytes
    not_after: int  # unix seconds


def issue_leaf(domain_key: Ed25519Secret, domain: str, *, now: float, days: int = LEAF_DAYS, rng: Rng = system_random) -> Leaf:
    """Issue a leaf for the domain, valid from a day ago until `days` ahead."""
    key = ec.derive_private_key(1 + int.from_bytes(rng(48), "big") % (_P256_ORDER - 1), ec.SECP256R1())
    not_after = int(now) + days * 86_400
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    issuer_key = Ed25519PublicKey.from_public_bytes(domain_key.public.raw)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)] if len(domain) <= 64 else []))
        .issuer_name(_issuer_name(domain))
        .public_key(key.public_key())
        .serial_number(1 + int.from_bytes(rng(15), "big"))
        .not_valid_before(_utc(int(now) - 86_400))
        .not_valid_after(_utc(not_after))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=len(domain) > 64)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signature=True), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        .sign(Ed25519PrivateKey.from_private_bytes(domain_key.seed), None)
    )
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Leaf(certificate.public_bytes(Encoding.PEM), key_pem, certificate.public_bytes(Encoding.DER), not_after)


def anchor_pem(domain: str, key: Ed25519Public, now: float) -> bytes:
    """The trust anchor of a pinned domain; name constraints keep its key from speaking for another domain."""
    public = Ed25519PublicKey.from_public_bytes(key.raw)
    name = _issuer_name(domain)
    anchor = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(1)
        .not_valid_before(_utc(int(now) - 86_400))
        .not_valid_after(_utc(int(now) + 3_650 * 86_400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # Without keyCertSign OpenSSL refuses the anchor under VERIFY_X509_STRICT.
        .add_extension(_key_usage(signature=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.NameConstraints([x509.DNSName(domain)], None), critical=True)
        .sign(Ed25519PrivateKey.generate(), None)  # thrown away: nobody checks an anchor's own signature
    )
    return anchor.public_bytes(Encoding.PEM)


def claimed_domain(der: bytes) -> str:
    """The one domain that a leaf names, unchecked: the caller looks up its pin and calls `leaf_domain`."""
    return _only_dns_name(_load(der))


def leaf_domain(der: bytes, key: Ed25519Public, now: float) -> str:
    """The domain of a leaf that this pinned key issued and that holds now, or `InvalidCertificate`."""
    leaf = _load(der)
    domain = _only_dns_name(leaf)
    try:
        constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        Ed25519PublicKey.from_public_bytes(key.raw).verify(leaf.signature, leaf.tbs_certificate_bytes)
    except (_Broken, x509.ExtensionNotFound, ValueError):
        raise InvalidCertificate from None
    at = _utc(int(now))
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    holds = (
        _issued_by(leaf, domain)
        and not constraints.ca
        and {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} <= set(usage)
        and begins <= at <= ends
        and ends - begins <= _MAX_LIFE
    )
    if not holds:
        raise InvalidCertificate
    return domain


def _load(der: bytes) -> x509.Certificate:
    if len(der) > _MAX_DER:
        raise InvalidCertificate
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, x509.InvalidVersion):
        raise InvalidCertificate from None


def _only_dns_name(leaf: x509.Certificate) -> str:
    try:
        names = list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError):
        raise InvalidCertificate from None
    if len(names) != 1 or not isinstance(names[0], x509.DNSName):
        raise InvalidCertificate
    return names[0].value


def _issuer_name(domain: str) -> x509.Name:
    # UTF8String and exactly these words: the anchor's subject must equal the leaf's issuer byte for byte.
    with _long_names():
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Connexa domain {domain}", _validate=False)])


def _issued_by(leaf: x509.Certificate, domain: str) -> bool:
    with _long_names():
        return leaf.issuer == _issuer_name(domain)


@contextmanager
def _long_names() -> Iterator[None]:
    # The library warns of X.520's bound of 64 characters, which TLS does not enforce and long domain names exceed.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def _key_usage(*, signature: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signature,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
