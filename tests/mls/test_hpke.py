"""HPKE's base mode against the draft's vector of X-Wing, and against the library's single-shot HPKE."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as Theirs

from connexa.crypto import InvalidKey, InvalidTag, system_random
from connexa.crypto.mls import (
    AES_128_GCM,
    AES_256_GCM,
    CHACHA20_POLY1305,
    DHKEM_P256,
    DHKEM_P384,
    DHKEM_P521,
    DHKEM_X25519,
    SHA256,
    SHA384,
    SHA512,
    XWING,
)
from connexa.mls.hpke import Hpke

PAIRS = {
    "x25519": (Hpke(DHKEM_X25519, SHA256, AES_128_GCM), Theirs(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)),
    "x25519-chacha": (Hpke(DHKEM_X25519, SHA256, CHACHA20_POLY1305), Theirs(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)),
    "p256": (Hpke(DHKEM_P256, SHA256, AES_128_GCM), Theirs(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_128_GCM)),
    "p384": (Hpke(DHKEM_P384, SHA384, AES_256_GCM), Theirs(KEM.P384, KDF.HKDF_SHA384, AEAD.AES_256_GCM)),
    "p521": (Hpke(DHKEM_P521, SHA512, AES_256_GCM), Theirs(KEM.P521, KDF.HKDF_SHA512, AEAD.AES_256_GCM)),
}


def test_x_wing_against_the_draft(vectors: Path) -> None:
    found = json.loads((vectors / "e2ee/hpke-pq/test-vectors.json").read_text())
    (case,) = [c for c in found if (c["kem_id"], c["kdf_id"], c["aead_id"]) == (0x647A, 1, 3)]
    hpke = Hpke(XWING, SHA256, CHACHA20_POLY1305)
    secret = XWING.derive(bytes.fromhex(case["ikmR"]))
    assert (secret.raw.hex(), secret.public.hex()) == (case["skRm"], case["pkRm"])
    enc, info = bytes.fromhex(case["enc"]), bytes.fromhex(case["info"])
    assert XWING.decapsulate(enc, secret).hex() == case["shared_secret"]
    first = case["encryptions"][0]
    assert hpke._key_and_nonce(XWING.decapsulate(enc, secret), hpke._context(info)) == (
        bytes.fromhex(case["key"]),
        bytes.fromhex(case["base_nonce"]),
    )
    assert CHACHA20_POLY1305.open(
        bytes.fromhex(case["key"]), bytes.fromhex(case["base_nonce"]), bytes.fromhex(first["aad"]), bytes.fromhex(first["ct"])
    ) == bytes.fromhex(first["pt"])
    assert len(case["exports"]) > 1
    for export in case["exports"]:
        context, length = bytes.fromhex(export["exporter_context"]), export["L"]
        assert hpke.receive_export(secret, enc, info, context, length).hex() == export["exported_value"]


@pytest.mark.parametrize("name", PAIRS)
def test_the_library_opens_what_we_seal_and_we_what_it_seals(name: str) -> None:
    hpke, theirs = PAIRS[name]
    secret = hpke.kem.generate(system_random)
    key = X25519PrivateKey.from_private_bytes(secret.raw) if "x25519" in name else _scalar_key(name, secret.raw)
    enc, sealed = hpke.sealer(b"info").seal(secret.public, b"plaintext", system_random)
    assert theirs.decrypt(enc + sealed, key, info=b"info") == b"plaintext"
    both = theirs.encrypt(b"plaintext", key.public_key(), info=b"info")
    enc, sealed = both[: hpke.kem.n_enc], both[hpke.kem.n_enc :]
    assert hpke.open(secret, enc, sealed, b"info") == b"plaintext"
    with pytest.raises(InvalidTag):
        hpke.open(secret, enc, sealed, b"other")
    with pytest.raises(InvalidKey):
        hpke.open(secret, enc[1:], sealed, b"info")


def _scalar_key(name: str, raw: bytes) -> ec.EllipticCurvePrivateKey:
    curve = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}[name]
    return ec.derive_private_key(int.from_bytes(raw, "big"), curve)


def test_a_seal_is_a_function_of_its_randomness() -> None:
    hpke = PAIRS["x25519"][0]
    public = hpke.kem.derive(b"ikm").public
    one, same, other = (hpke.sealer(b"").seal(public, b"x", byte.__mul__) for byte in (b"1", b"1", b"2"))
    assert one == same != other
