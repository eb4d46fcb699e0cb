"""Chains of X.509 credentials: what holds, and each way in which one does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connexa.crypto.mls import check_chain, read_leaf
from connexa.crypto.x509 import InvalidCertificate

NOW = 1_700_000_000
Key = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | rsa.RSAPrivateKey


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _issue(
    subject: str, key: Key, issuer: str, by: Key, *, ca: bool, extra: x509.ExtensionType | None = None, **options: int | None
) -> bytes:
    begins, ends = options.get("begins") or NOW - 1_000, options.get("ends") or NOW + 1_000
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.fromtimestamp(begins, UTC))
        .not_valid_after(datetime.fromtimestamp(ends, UTC))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=options.get("path_length") if ca else None), critical=True)
    )
    if extra is not None:
        builder = builder.add_extension(extra, critical=True)
    hash = None if isinstance(by, Ed25519PrivateKey) else SHA256()
    return builder.sign(by, hash).public_bytes(Encoding.DER)


ROOT_KEY, MIDDLE_KEY = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()
LEAF_KEY, RSA_KEY = Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
ROOT = _issue("root", ROOT_KEY, "root", ROOT_KEY, ca=True)
MIDDLE = _issue("middle", MIDDLE_KEY, "root", ROOT_KEY, ca=True)
NAMES = x509.SubjectAlternativeName([x509.DNSName("alice.a.example")])
LEAF = _issue("alice", LEAF_KEY, "middle", MIDDLE_KEY, ca=False, extra=NAMES)


def test_a_chain_to_a_root_gives_its_leaf() -> None:
    for chain in ([LEAF, MIDDLE], [LEAF, MIDDLE, ROOT]):
        leaf = check_chain(chain, [ROOT], now=NOW)
        assert leaf.public == LEAF_KEY.public_key().public_bytes_raw()
        assert leaf.subject == "CN=alice"
        assert leaf.names == ("alice.a.example",)
    assert check_chain([MIDDLE], [ROOT], now=NOW).public == MIDDLE_KEY.public_key().public_bytes_raw()


def test_the_leaf_key_of_a_nist_curve_is_a_point() -> None:
    leaf = read_leaf([_issue("p", ROOT_KEY, "root", ROOT_KEY, ca=False)])
    assert len(leaf.public) == 65
    assert leaf.public[0] == 4
    assert (leaf.not_before, leaf.not_after) == (NOW - 1_000, NOW + 1_000)


SIGNS_NOT = x509.KeyUsage(False, True, False, False, False, False, False, False, False)
BROKEN = {
    "no chain": [],
    "no certificate": [b""],
    "an issuer is missing": [LEAF],
    "wrong order": [MIDDLE, LEAF],
    "not of this issuer": [LEAF, _issue("middle", LEAF_KEY, "root", ROOT_KEY, ca=True)],
    "another root": [LEAF, MIDDLE, _issue("root", MIDDLE_KEY, "root", MIDDLE_KEY, ca=True)],
    "no authority": [LEAF, _issue("middle", MIDDLE_KEY, "root", ROOT_KEY, ca=False)],
    "an authority that may not issue": [LEAF, _issue("middle", MIDDLE_KEY, "root", ROOT_KEY, ca=True, extra=SIGNS_NOT)],
    "a leaf that may not sign": [_issue("alice", LEAF_KEY, "root", ROOT_KEY, ca=False, extra=SIGNS_NOT)],
    "expired": [_issue("alice", LEAF_KEY, "root", ROOT_KEY, ca=False, ends=NOW - 1)],
    "not yet": [_issue("alice", LEAF_KEY, "root", ROOT_KEY, ca=False, begins=NOW + 1)],
    "an issuer expired": [LEAF, _issue("middle", MIDDLE_KEY, "root", ROOT_KEY, ca=True, ends=NOW - 1)],
    "critical and unknown": [_issue("alice", LEAF_KEY, "root", ROOT_KEY, ca=False, extra=x509.NameConstraints([x509.DNSName("x")], None))],
    "a key of no suite": [_issue("alice", RSA_KEY, "root", ROOT_KEY, ca=False)],
    "too long": [LEAF] * 9,
    "too large": [LEAF + bytes(20_000)],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_chain(name: str) -> None:
    with pytest.raises(InvalidCertificate):
        check_chain(BROKEN[name], [ROOT], now=NOW)


def test_the_path_length_of_an_authority() -> None:
    root = _issue("root", ROOT_KEY, "root", ROOT_KEY, ca=True, path_length=0)
    assert check_chain([MIDDLE], [root], now=NOW)
    with pytest.raises(InvalidCertificate):
        check_chain([LEAF, MIDDLE], [root], now=NOW)


def test_without_roots_nothing_holds() -> None:
    with pytest.raises(InvalidCertificate):
        check_chain([LEAF, MIDDLE], [], now=NOW)


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_a_changed_byte_is_refused_in_one_way() -> None:
    """The library reads parts of a certificate late; whatever it stumbles over then is the same refusal."""
    unused_bits = len(LEAF) - 65  # of the signature: the one byte that nothing covers
    for position in set(range(len(LEAF))) - {unused_bits}:
        for flip in (1, 0xFF):
            changed = LEAF[:position] + bytes([LEAF[position] ^ flip]) + LEAF[position + 1 :]
            with pytest.raises(InvalidCertificate):
                check_chain([changed, MIDDLE], [ROOT], now=NOW)
            try:
                read_leaf([changed])
            except InvalidCertificate:
                continue
