"""Domain certificates: what the domain key issues holds in real TLS, and nothing else passes (homeserver §7.1-7.2; I17)."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509 as library
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from connexa.crypto import Ed25519Secret
from connexa.crypto.x509 import InvalidCertificate, anchor_pem, claimed_domain, issue_leaf, leaf_domain

KEY = Ed25519Secret.from_seed(bytes(range(32)))
OTHER = Ed25519Secret.from_seed(bytes(32))
DAY = 86_400
NOW = int(datetime.now(UTC).timestamp())
LONG = "a" * 60 + ".example" * 8


def _shake(tmp_path: Path, domain: str, key: Ed25519Secret, anchors: list[bytes], name: str) -> bytes:
    leaf = issue_leaf(key, domain, now=NOW)
    path = tmp_path / "leaf.pem"
    path.write_bytes(leaf.chain_pem + leaf.key_pem)
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(path)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    client.load_verify_locations(cadata=b"".join(anchors).decode())
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(down, up, server_hostname=name), server.wrap_bio(up, down, server_side=True)]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = ends[0].getpeercert(True)
    assert shown is not None
    return shown


@pytest.mark.parametrize("domain", ["a.example", LONG])
def test_a_leaf_and_the_anchor_of_its_key_make_a_connection(tmp_path: Path, domain: str) -> None:
    shown = _shake(tmp_path, domain, KEY, [anchor_pem(domain, KEY.public, NOW)], domain)
    assert leaf_domain(shown, KEY.public, NOW) == domain
    assert claimed_domain(shown) == domain


def test_i17_another_key_under_the_same_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake(tmp_path, "a.example", OTHER, [anchor_pem("a.example", KEY.public, NOW)], "a.example")
    with pytest.raises(InvalidCertificate):
        leaf_domain(issue_leaf(OTHER, "a.example", now=NOW).der, KEY.public, NOW)


def test_i17_a_domains_key_cannot_speak_for_another_domain(tmp_path: Path) -> None:
    anchors = [anchor_pem("a.example", KEY.public, NOW), anchor_pem("b.example", OTHER.public, NOW)]
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake(tmp_path, "b.example", KEY, anchors, "b.example")


def test_dates() -> None:
    leaf = issue_leaf(KEY, "a.example", now=NOW)
    assert leaf.not_after == NOW + 7 * DAY
    assert leaf_domain(leaf.der, KEY.public, NOW - DAY) == "a.example"
    assert leaf_domain(leaf.der, KEY.public, leaf.not_after) == "a.example"
    for outside in (NOW - DAY - 1, leaf.not_after + 1):
        with pytest.raises(InvalidCertificate):
            leaf_domain(leaf.der, KEY.public, outside)
    with pytest.raises(InvalidCertificate):
        leaf_domain(issue_leaf(KEY, "a.example", now=NOW, days=8).der, KEY.public, NOW)


def test_the_issuers_name_is_frozen() -> None:
    # Sequence, set, sequence, commonName, UTF8String: the anchor's subject must equal it byte for byte.
    expected = bytes.fromhex("3023 3121 301f 0603550403 0c18".replace(" ", "")) + b"Connexa domain a.example"
    leaf = library.load_der_x509_certificate(issue_leaf(KEY, "a.example", now=NOW).der)
    anchor = library.load_pem_x509_certificate(anchor_pem("a.example", KEY.public, NOW))
    assert leaf.issuer.public_bytes() == anchor.subject.public_bytes() == expected


def test_an_anchor_vouches_for_its_domain_and_for_no_authority_below() -> None:
    anchor = library.load_pem_x509_certificate(anchor_pem("a.example", KEY.public, NOW)).extensions
    constraints = anchor.get_extension_for_class(library.NameConstraints)
    assert constraints.critical and constraints.value == library.NameConstraints([library.DNSName("a.example")], None)
    authority = anchor.get_extension_for_class(library.BasicConstraints)
    assert authority.critical and authority.value == library.BasicConstraints(ca=True, path_length=0)


def _signed(
    names: list[library.GeneralName] | library.UnrecognizedExtension | None,
    *,
    ca: bool = False,
    usage: bool = True,
    issuer: str = "a.example",
) -> bytes:
    now = datetime.fromtimestamp(NOW, UTC)
    builder = (
        library.CertificateBuilder()
        .subject_name(library.Name([library.NameAttribute(NameOID.COMMON_NAME, "a.example")]))
        .issuer_name(library.Name([library.NameAttribute(NameOID.COMMON_NAME, f"Connexa domain {issuer}")]))
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(2)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(library.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names is not None:
        alternatives = library.SubjectAlternativeName(names) if isinstance(names, list) else names
        builder = builder.add_extension(alternatives, critical=False)
    if usage:
        oids = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(library.ExtendedKeyUsage(oids), critical=False)
    return builder.sign(Ed25519PrivateKey.from_private_bytes(KEY.seed), None).public_bytes(Encoding.DER)


def test_leaves_of_the_right_key_that_are_not_ours_are_refused() -> None:
    name = library.DNSName("a.example")
    assert leaf_domain(_signed([name]), KEY.public, NOW) == "a.example"
    refused = {
        "no name": _signed(None),
        "two names": _signed([name, library.DNSName("b.example")]),
        "an address": _signed([library.IPAddress(IPv4Address("192.0.2.1"))]),
        "a subdomain under the domain's issuer": _signed([library.DNSName("mx.a.example")]),
        "a CA": _signed([name], ca=True),
        "no usage": _signed([name], usage=False),
        "another issuer": _signed([name], issuer="b.example"),
    }
    for der in refused.values():
        with pytest.raises(InvalidCertificate):
            leaf_domain(der, KEY.public, NOW)


@pytest.mark.parametrize("der", [b"", b"0", bytes(5_000), b"\x30\x03\x02\x01\x01"])
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    with pytest.raises(InvalidCertificate):
        leaf_domain(der, KEY.public, NOW)
    with pytest.raises(InvalidCertificate):
        claimed_domain(der)


def test_names_and_versions_that_the_library_does_not_know_are_refused() -> None:
    odd_name = library.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes.fromhex("3004a3020500"))  # an X.400 address
    good = _signed([library.DNSName("a.example")])
    version = bytes.fromhex("a003020102")  # [0] INTEGER 2, that is v3
    for der in (_signed(odd_name), good.replace(version, version[:-1] + b"\x07", 1)):
        with pytest.raises(InvalidCertificate):
            claimed_domain(der)
        with pytest.raises(InvalidCertificate):
            leaf_domain(der, KEY.public, NOW)


def test_a_changed_byte_is_refused() -> None:
    der = bytearray(issue_leaf(KEY, "a.example", now=NOW).der)
    der[-1] ^= 1
    with pytest.raises(InvalidCertificate):
        leaf_domain(bytes(der), KEY.public, NOW)


def test_private_keys_are_not_shown() -> None:
    leaf = issue_leaf(KEY, "a.example", now=NOW)
    assert "PRIVATE" not in repr(leaf)
