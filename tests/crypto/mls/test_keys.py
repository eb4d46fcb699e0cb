"""What a key from outside must be (V45), and the derivations beside RFC 5869 and RFC 9180."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA384 as THEIR_SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connexa.crypto import InvalidKey, InvalidSignature, system_random
from connexa.crypto.mls import (
    DHKEM_P256,
    DHKEM_P384,
    DHKEM_P521,
    DHKEM_X25519,
    ECDSA_P256,
    ECDSA_P384,
    ECDSA_P521,
    ED25519,
    SHA384,
    XWING,
    Kem,
    SignatureScheme,
)

NIST: dict[Kem, ec.EllipticCurve] = {DHKEM_P256: ec.SECP256R1(), DHKEM_P384: ec.SECP384R1(), DHKEM_P521: ec.SECP521R1()}
ECDSA = [ECDSA_P256, ECDSA_P384, ECDSA_P521]


@pytest.mark.parametrize("length", [0, 1, 48, 49, 96, 97, 1_000])
def test_expand_is_hkdf(length: int) -> None:
    prk = SHA384.extract(b"salt", b"ikm")
    theirs = HKDF(THEIR_SHA384(), length, b"salt", b"info").derive(b"ikm") if length else b""
    assert SHA384.expand(prk, b"info", length) == theirs


def test_expand_ends_where_hkdf_ends() -> None:
    assert len(SHA384.expand(bytes(48), b"", 255 * 48)) == 255 * 48
    with pytest.raises(ValueError):
        SHA384.expand(bytes(48), b"", 255 * 48 + 1)


@pytest.mark.parametrize("kem", NIST, ids=lambda k: hex(k.id))
def test_points_have_one_encoding(kem: Kem) -> None:
    key = ec.generate_private_key(NIST[kem]).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    compressed = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    kem.admit(point)
    off_curve = point[:-1] + bytes([point[-1] ^ 1])
    hybrid = bytes([6 | point[-1] & 1]) + point[1:]
    for wrong in (compressed, off_curve, hybrid, b"\0", b"", bytes(len(point)), b"\4" + bytes(len(point) - 1)):
        with pytest.raises(InvalidKey):
            kem.admit(wrong)
        with pytest.raises(InvalidKey):
            kem.encapsulate(wrong, system_random)


@pytest.mark.parametrize("kem", NIST, ids=lambda k: hex(k.id))
def test_scalars_may_lack_zeros_and_lie_below_the_order(kem: Kem) -> None:
    assert kem.secret(b"\2").public == kem.secret(bytes(kem.n_sk - 1) + b"\2").public
    assert kem.secret(b"\2").raw == bytes(kem.n_sk - 1) + b"\2"
    for wrong in (b"", bytes(kem.n_sk), b"\xff" * kem.n_sk):
        with pytest.raises(InvalidKey):
            kem.secret(wrong)


@pytest.mark.parametrize("kem", [DHKEM_X25519, XWING], ids=["x25519", "x-wing"])
@pytest.mark.parametrize("point", [bytes(32), b"\1" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xed" + b"\xff" * 30 + b"\x7f"])
def test_points_without_a_secret_are_refused(kem: Kem, point: bytes) -> None:
    secret = kem.generate(system_random)
    with pytest.raises(InvalidKey):
        kem.encapsulate(secret.public[:-32] + point, system_random)
    with pytest.raises(InvalidKey):
        kem.decapsulate(kem.encapsulate(secret.public, system_random)[1][:-32] + point, secret)


def test_small_order_signature_keys_are_refused(vectors: Path) -> None:
    """The low-order keys of C2SP's CCTV set, each encoding of each."""
    (path,) = (vectors / "transparency/ed25519-c2sp-cctv").glob("*.json")
    cases = json.loads(path.read_text())
    low = {c["key"] for c in cases if {"low_order", "low_order_A"} & set(c.get("flags") or ())}
    assert len(low) > 3
    for key in low:
        with pytest.raises(InvalidKey):
            ED25519.admit(bytes.fromhex(key))


@pytest.mark.parametrize("scheme", ECDSA)
def test_ecdsa_is_der_and_its_own_randomness(scheme: SignatureScheme) -> None:
    secret = scheme.generate(system_random)
    signature = scheme.sign(secret, b"message")
    assert signature == scheme.sign(secret, b"message")
    assert signature[0] == 0x30
    scheme.verify(secret.public, b"message", signature)
    for wrong in (b"", signature + b"\0", bytes(64), signature[:2] + bytes(len(signature) - 2)):
        with pytest.raises(InvalidSignature):
            scheme.verify(secret.public, b"message", wrong)
